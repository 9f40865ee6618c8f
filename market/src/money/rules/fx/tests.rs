use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> PerEuro {
    text.parse().expect("a rate")
}

#[test]
fn cross_rates_round_half_to_even_at_the_targets_exponent() {
    let (eur, usd, jpy, kwd) = (Currency::EUR, Currency::USD, Currency::JPY, Currency::KWD);
    let cases = [
        // 0.01 at 1.5 is 0.015, 0.03 is 0.045: both lie between two cents and go to the even one.
        (1, eur, "1", usd, "1.5", 2),
        (3, eur, "1", usd, "1.5", 4),
        (-3, eur, "1", usd, "1.5", -4),
        // Not through rounded euros: 1.00 / 3 × 6 is exactly 2.00.
        (100, usd, "3", kwd, "6", 2_000),
        // Towards yen, which have no fraction: 0.50, 1.50 and 2.51 yen.
        (50, eur, "1", jpy, "1", 0),
        (150, eur, "1", jpy, "1", 2),
        (251, eur, "1", jpy, "1", 3),
        (1, jpy, "160", kwd, "0.36", 2),
    ];
    for (minor, from, from_rate, to, to_rate, wanted) in cases {
        let converted = convert(Money::from_minor(minor, from), rate(from_rate), to, rate(to_rate));
        assert_eq!(converted, Ok(Money::from_minor(wanted, to)), "{minor} {from} at {from_rate} to {to} at {to_rate}");
    }
}

#[test]
fn a_rate_is_a_plain_decimal_number_above_zero() {
    for bad in ["", "0", "0.0", "-1", "+1", "1e3", "1,5", ".5", "1.", " 1", "1.12345678901", "1000000000000", "NaN"] {
        assert_eq!(bad.parse::<PerEuro>(), Err(BadRate), "{bad}");
    }
    assert_eq!(rate("1"), PerEuro::EURO);
    assert_eq!(rate("1.0812").to_string(), "1.0812000000");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let most = Money::from_minor(i64::MAX, Currency::EUR);
    assert_eq!(convert(most, PerEuro::EURO, Currency::USD, rate("999999999999")), Err(MoneyError::Overflow));
}

proptest! {
    #[test]
    fn a_conversion_is_at_most_half_a_minor_unit_off(
        minor in -1_000_000_000_000_i64..1_000_000_000_000,
        from in 1_u128..10_000_000_000_000,
        to in 1_u128..10_000_000_000_000,
    ) {
        let converted = convert(Money::from_minor(minor, Currency::EUR), PerEuro(from), Currency::USD, PerEuro(to));
        // Two times the error, in units of 1/from: 2·|converted·from − minor·to| ≤ from.
        let (from, to) = (i128::try_from(from).unwrap(), i128::try_from(to).unwrap());
        if let Ok(converted) = converted {
            let off = (i128::from(converted.minor()) * from - i128::from(minor) * to).abs();
            prop_assert!(2 * off <= from);
        } else {
            prop_assert!((i128::from(minor) * to / from).abs() >= i128::from(i64::MAX));
        }
    }
}
