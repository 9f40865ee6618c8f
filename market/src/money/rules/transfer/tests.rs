use super::*;
use crate::money::model::AccountKind::{Cash, Commission, Tax};
use crate::testing::eur;
use shared::money::Money;

fn entry(kind: crate::money::model::AccountKind, amount: Money) -> Entry {
    Entry { account: Account::platform(kind), amount }
}

#[test]
fn entries_of_one_account_are_one_and_those_of_nothing_are_none() {
    let entries = [
        entry(Tax, eur(3)),
        entry(Cash, eur(-10)),
        entry(Tax, eur(7)),
        entry(Commission, eur(5)),
        entry(Commission, eur(-5)),
    ];
    let wanted = vec![(Account::platform(Cash), Currency::EUR, -10), (Account::platform(Tax), Currency::EUR, 10)];
    assert_eq!(merge(&entries), Ok(wanted));
    assert_eq!(merge(&[]), Err(BadTransfer::MovesNothing));
    assert_eq!(merge(&entries[3..]), Err(BadTransfer::MovesNothing));
}

#[test]
fn each_currency_sums_to_zero_by_itself() {
    let entries = [entry(Cash, eur(-10)), entry(Tax, Money::from_minor(10, Currency::USD))];
    assert_eq!(merge(&entries), Err(BadTransfer::DoesNotSumToZero(Currency::EUR)));
}
