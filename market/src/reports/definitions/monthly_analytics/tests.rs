use shared::money::Currency;

use super::*;

#[test]
fn growth_is_rounded_once_and_never_across_currencies() {
    let eur = |minor| Money::from_minor(minor, Currency::EUR);
    let is = |cell, basis_points| assert_eq!(cell, Cell::Percent(Decimal::percent(basis_points)));
    is(growth(eur(150), Some(eur(100))), 5_000);
    is(growth(eur(0), Some(eur(100))), -10_000);
    is(growth(eur(100), Some(eur(300))), -6_667);
    is(growth(eur(20_001), Some(eur(20_000))), 1);
    assert_eq!(growth(eur(100), Some(eur(0))), Cell::Empty);
    assert_eq!(growth(eur(100), None), Cell::Empty);
    assert_eq!(growth(eur(100), Some(Money::from_minor(50, Currency::JPY))), Cell::Empty);
    assert_eq!(growth(eur(i64::MAX), Some(eur(1))), Cell::Empty);
    is(percent(1, 3), 3_333);
}
