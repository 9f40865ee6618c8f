use market::reports::table::Column;
use shared::money::Money;

use super::*;

const SECTION: Section = Section {
    name: "times",
    title: "Sales by time",
    columns: &[Column::money("sales", "Sales"), Column::CURRENCY],
    charts: &[],
};

#[test]
fn amounts_finer_than_money_add_up_exactly_and_are_rounded_once() {
    let mut sums = Sums::default();
    for amount in ["0.004", "0.004", "0.004", "10", "-0.002"] {
        let exact = FineMoney::parse(amount, Currency::EUR).unwrap();
        let row = [Cell::amount(exact).unwrap(), Cell::Currency(Currency::EUR)];
        // Each is shown as nothing, or as ten.
        assert!(matches!(row[0], Cell::Money(_)) == (amount == "10"), "{row:?}");
        sums.add(&SECTION, &row).unwrap();
    }
    let [sum] = sums.end(&SECTION) else { panic!("one sum") };
    assert_eq!((sum.rows, sum.amount), (5, Money::from_minor(1_001, Currency::EUR)));
    let most = Cell::Money(Money::from_minor(i64::MAX, Currency::EUR));
    sums.add(&SECTION, std::slice::from_ref(&most)).unwrap();
    assert_eq!(sums.add(&SECTION, &[most]), Err(MoneyError::Overflow));
}
