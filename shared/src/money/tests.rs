use proptest::prelude::*;

use super::*;

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

#[test]
fn each_currency_has_its_own_exponent() {
    let cases = [
        ("12.50", Currency::EUR, 1_250),
        ("12.5", Currency::EUR, 1_250),
        ("12", Currency::EUR, 1_200),
        ("1250", Currency::JPY, 1_250),
        ("1.250", Currency::KWD, 1_250),
        ("0.01", Currency::USD, 1),
        ("-0.01", Currency::USD, -1),
        ("-92233720368547758.08", Currency::EUR, i64::MIN),
        ("92233720368547758.07", Currency::EUR, i64::MAX),
    ];
    for (text, currency, minor) in cases {
        let money = Money::parse(text, currency).expect(text);
        assert_eq!(money.minor(), minor, "{text} {currency}");
    }
    assert_eq!(eur(5).to_string(), "0.05 EUR");
    assert_eq!(eur(-5).to_string(), "-0.05 EUR");
    assert_eq!(Money::from_minor(-7, Currency::JPY).to_string(), "-7 JPY");
    assert_eq!(Money::from_minor(7, Currency::KWD).to_string(), "0.007 KWD");
}

#[test]
fn loose_amounts_are_refused() {
    for text in [
        "", "-", ".", ".5", "5.", "+5", " 5", "5 ", "05", "00", "1e3", "1,5", "1.5.0", "--1", "-0", "-0.00", "NaN",
        "0x10", "1_000", "٣",
    ] {
        let parsed = Money::parse(text, Currency::EUR);
        assert_eq!(parsed, Err(MoneyError::Malformed), "{text:?}");
    }
    let fine_yen = Money::parse("1.0", Currency::JPY);
    assert!(matches!(fine_yen, Err(MoneyError::TooPrecise { .. })), "{fine_yen:?}");
    let fine_euro = Money::parse("1.000", Currency::EUR);
    assert!(matches!(fine_euro, Err(MoneyError::TooPrecise { .. })), "{fine_euro:?}");
    for text in ["92233720368547758.08", "-92233720368547758.09", "99999999999999999999"] {
        assert_eq!(Money::parse(text, Currency::EUR), Err(MoneyError::Overflow), "{text}");
    }
}

#[test]
fn the_wire_form_is_strict() {
    let read = |text: &str| serde_json::from_str::<Money>(text);
    assert_eq!(read(r#"{"amount":"12.50","currency":"EUR"}"#).expect("plain money"), eur(1_250));
    for bad in [
        r#"{"amount":12.5,"currency":"EUR"}"#,
        r#"{"amount":"12.50","currency":"eur"}"#,
        r#"{"amount":"12.50","currency":"XXX"}"#,
        r#"{"amount":"12.50"}"#,
        r#"{"amount":"12.50","currency":"EUR","cents":1}"#,
        r#""12.50 EUR""#,
        // One digit more than the OpenAPI document allows.
        r#"{"amount":"1000000000000000","currency":"EUR"}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let written = serde_json::to_string(&eur(1_250)).expect("money serialises");
    assert_eq!(written, r#"{"amount":"12.50","currency":"EUR"}"#);
}

#[test]
fn currencies_are_distinct_capitals() {
    let mut codes: Vec<_> = Currency::all().map(Currency::code).collect();
    assert!(codes.iter().all(|code| code.len() == 3));
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_uppercase())));
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count);
    for known in [Currency::EUR, Currency::USD, Currency::JPY, Currency::KWD] {
        assert_eq!(known.code().parse(), Ok(known));
    }
}

#[test]
fn arithmetic_is_checked() {
    assert_eq!(eur(5).checked_add(eur(7)), Ok(eur(12)));
    assert_eq!(eur(5).checked_sub(eur(7)), Ok(eur(-2)));
    assert_eq!(eur(5).checked_mul(3), Ok(eur(15)));
    assert_eq!(eur(i64::MAX).checked_add(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(eur(i64::MIN).checked_sub(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(eur(i64::MAX).checked_mul(2), Err(MoneyError::Overflow));
    let yen = Money::from_minor(1, Currency::JPY);
    assert!(matches!(eur(1).checked_add(yen), Err(MoneyError::CurrencyMismatch { .. })));
}

#[test]
fn fees_round_half_away_from_zero() {
    let rate = |bps: i32| BasisPoints::try_from(bps).expect("a rate");
    assert_eq!(eur(99).fee(rate(250)), Ok(eur(2)));
    assert_eq!(eur(100).fee(rate(250)), Ok(eur(3)));
    assert_eq!(eur(-100).fee(rate(250)), Ok(eur(-3)));
    assert_eq!(eur(1).fee(rate(4_999)), Ok(eur(0)));
    assert_eq!(eur(1).fee(rate(5_000)), Ok(eur(1)));
    assert_eq!(eur(i64::MAX).fee(rate(10_000)), Ok(eur(i64::MAX)));
    assert_eq!(eur(i64::MIN).fee(rate(10_000)), Ok(eur(i64::MIN)));
    assert!(BasisPoints::try_from(10_001).is_err());
    assert!(BasisPoints::try_from(-1).is_err());
}

#[test]
fn a_split_gives_the_odd_units_to_the_largest_remainders() {
    assert_eq!(eur(100).split(&[1, 1, 1]), Ok(vec![eur(34), eur(33), eur(33)]));
    assert_eq!(eur(-100).split(&[1, 1, 1]), Ok(vec![eur(-34), eur(-33), eur(-33)]));
    assert_eq!(eur(10).split(&[1, 5]), Ok(vec![eur(2), eur(8)]));
    assert_eq!(eur(5).split(&[0, 1]), Ok(vec![eur(0), eur(5)]));
    assert_eq!(eur(5).split(&[]), Err(MoneyError::NothingToSplitBy));
    assert_eq!(eur(5).split(&[0, 0]), Err(MoneyError::NothingToSplitBy));
    let largest = eur(i64::MIN).split(&[u64::MAX, u64::MAX]).expect("two halves");
    assert_eq!(largest, [eur(i64::MIN / 2), eur(i64::MIN / 2)]);
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(Currency::all().collect::<Vec<_>>())
}

/// Fifteen digits: the longest amount that can be sent in a currency without fractions.
const LONGEST: i64 = 999_999_999_999_999;

proptest! {
    #[test]
    fn what_is_written_reads_back(any: i64, minor in -LONGEST..=LONGEST, currency in any_currency()) {
        let money = Money::from_minor(any, currency);
        prop_assert_eq!(Money::parse(&money.amount(), currency), Ok(money));
        let money = Money::from_minor(minor, currency);
        let json = serde_json::to_string(&money).expect("money serialises");
        prop_assert_eq!(serde_json::from_str::<Money>(&json).expect("reads back"), money);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "-?[0-9.]{0,12}|.{0,24}", currency in any_currency()) {
        if let Ok(money) = Money::parse(&text, currency) {
            prop_assert!(money.amount().starts_with(text.trim_end_matches(['0', '.'])) || money.minor() == 0);
        }
    }

    #[test]
    fn a_split_loses_nothing(minor: i64, weights in prop::collection::vec(0_u64.., 1..8)) {
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let parts = eur(minor).split(&weights).expect("weights");
        let sum: i128 = parts.iter().map(|part| i128::from(part.minor())).sum();
        prop_assert_eq!(sum, i128::from(minor));
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        for (part, &weight) in parts.iter().zip(&weights) {
            let floor = u128::from(minor.unsigned_abs()) * u128::from(weight) / total;
            let got = u128::from(part.minor().unsigned_abs());
            prop_assert!(got == floor || got == floor + 1);
        }
    }

    #[test]
    fn a_fee_is_within_half_a_unit(minor: i64, bps in 0..=10_000) {
        let fee = eur(minor).fee(BasisPoints::try_from(bps).expect("a rate")).expect("fits");
        let exact = i128::from(minor) * i128::from(bps);
        prop_assert!((i128::from(fee.minor()) * 10_000 - exact).abs() <= 5_000);
        prop_assert!(fee.minor().unsigned_abs() <= minor.unsigned_abs());
    }
}
