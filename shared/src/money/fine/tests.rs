use proptest::prelude::*;

use super::*;

fn eur(amount: &str) -> FineMoney {
    FineMoney::parse(amount, Currency::EUR).expect(amount)
}

#[test]
fn four_digits_more_than_money_has_are_kept() {
    assert_eq!(eur("957.5775").parts(), 957_577_500);
    assert_eq!(eur("-22.368").parts(), -22_368_000);
    assert_eq!((eur("0.000001").parts(), eur("12").parts()), (1, 12_000_000));
    assert_eq!(eur("0.444").amount(), "0.444");
    assert_eq!((eur("957.5775").amount(), eur("-12.5").amount()), ("957.5775".to_owned(), "-12.50".to_owned()));
    let yen = FineMoney::parse("5.0001", Currency::JPY).expect("four digits");
    assert_eq!((yen.parts(), yen.amount()), (50_001, "5.0001".to_owned()));
    assert_eq!(FineMoney::parse("5", Currency::JPY).expect("a number").amount(), "5");
    let too_fine = |currency, most| Err(MoneyError::TooFine { currency, most });
    assert_eq!(FineMoney::parse("0.0000001", Currency::EUR), too_fine(Currency::EUR, 6));
    assert_eq!(FineMoney::parse("0.00001", Currency::JPY), too_fine(Currency::JPY, 4));
    for text in ["", "-", ".5", "5.", "+5", "05", "1e3", "1,5", "-0", "-0.0000", "NaN"] {
        assert_eq!(FineMoney::parse(text, Currency::EUR), Err(MoneyError::Malformed), "{text:?}");
    }
    assert_eq!(FineMoney::parse("9223372036854.775808", Currency::EUR), Err(MoneyError::Overflow));
}

#[test]
fn a_sum_is_rounded_once_and_half_away_from_zero() {
    let minor = |amount: &str| eur(amount).rounded().expect("fits").minor();
    assert_eq!(["0.004999", "0.005", "0.014999", "0.015"].map(minor), [0, 1, 1, 2]);
    assert_eq!(["-0.004999", "-0.005", "-0.015"].map(minor), [0, -1, -2]);
    // Rounded one by one, three thirds of a cent would be none.
    let third = eur("0.003334");
    let sum = third.checked_add(third).and_then(|sum| sum.checked_add(third)).expect("fits");
    assert_eq!((minor("0.003334"), sum.rounded().expect("fits").minor(), sum.is_whole()), (0, 1, false));
    let mixed = third.checked_add(FineMoney::from_parts(1_i64, Currency::JPY));
    assert!(matches!(mixed, Err(MoneyError::CurrencyMismatch { .. })), "{mixed:?}");
    let most = FineMoney::from(Money::from_minor(i64::MAX, Currency::EUR));
    assert_eq!(most.rounded().expect("fits").minor(), i64::MAX);
    assert_eq!(most.checked_add(eur("0.005")).and_then(FineMoney::rounded), Err(MoneyError::Overflow));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(parts in any::<i64>()) {
        let fine = FineMoney::from_parts(parts, Currency::EUR);
        prop_assert_eq!(FineMoney::parse(&fine.amount(), Currency::EUR), Ok(fine));
    }

    #[test]
    fn money_is_itself(minor in any::<i64>()) {
        let money = Money::from_minor(minor, Currency::KWD);
        prop_assert_eq!(FineMoney::from(money).rounded(), Ok(money));
        prop_assert!(FineMoney::from(money).is_whole());
    }
}
