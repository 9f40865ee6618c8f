use proptest::prelude::*;

use super::*;
use crate::testing::eur;

fn bps(rate: i32) -> BasisPoints {
    BasisPoints::try_from(rate).expect("a rate")
}

/// 10 % up to 1,000.00, 5 % up to 10,000.00, 1 % above, at least 1.00.
fn usual() -> PremiumTariff {
    let rates = [1_000, 500, 100].map(bps).to_vec();
    PremiumTariff::new(Currency::EUR, vec![100_000, 1_000_000], rates, 100).expect("a tariff")
}

#[test]
fn premium_tiers_are_marginal_and_rounded_once() {
    let cases = [
        (0, 0),
        (1, 100),
        (1_000, 100),
        (1_005, 101),
        (100_000, 10_000),
        (100_010, 10_001),
        (1_000_000, 55_000),
        (1_000_100, 55_001),
        (100_000_000, 1_045_000),
    ];
    for (price, premium) in cases {
        assert_eq!(usual().of(eur(price)), Ok(eur(premium)), "of {price}");
    }
    let small =
        PremiumTariff::new(Currency::EUR, vec![1, 2], [4_000, 4_000, 4_000].map(bps).to_vec(), 0).expect("a tariff");
    assert_eq!(small.of(eur(3)), Ok(eur(1)), "0.4 three times is 1.2, not three times 0");
}

#[test]
fn a_tariff_holds_for_its_currency() {
    let price = Money::from_minor(5, Currency::USD);
    assert!(matches!(usual().of(price), Err(MoneyError::CurrencyMismatch { .. })));
}

#[test]
fn unusable_tariffs_are_refused() {
    let new = |upto: &[i64], rates: usize, least| {
        PremiumTariff::new(Currency::EUR, upto.to_vec(), vec![bps(100); rates], least).map(|_| ())
    };
    assert_eq!(new(&[0], 2, 0), Err(BadTariff::Limits));
    assert_eq!(new(&[5, 5], 3, 0), Err(BadTariff::Limits));
    assert_eq!(new(&[MAX_TRADED_MINOR + 1], 2, 0), Err(BadTariff::Limits));
    assert_eq!(new(&[5], 1, 0), Err(BadTariff::Rates));
    assert_eq!(new(&[], 0, 0), Err(BadTariff::Rates));
    assert_eq!(new(&(1..=20).collect::<Vec<_>>(), 21, 0), Err(BadTariff::Rates));
    assert_eq!(new(&[], 1, -1), Err(BadTariff::Least));
}

proptest! {
    #[test]
    fn a_higher_price_never_has_a_lower_premium(a in 1..MAX_TRADED_MINOR, b in 1..MAX_TRADED_MINOR) {
        let premium = |price| usual().of(eur(price)).unwrap().minor();
        prop_assert!(premium(a.min(b)) <= premium(a.max(b)));
    }
}
