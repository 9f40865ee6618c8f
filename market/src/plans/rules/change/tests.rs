use proptest::prelude::*;
use shared::money::{Currency, MAX_TRADED_MINOR};

use super::*;
use crate::testing::eur;

fn active(plan: Plan, fee: i64, days_left: i64, days: i64) -> Before {
    Before { plan, status: SubscriptionStatus::Active, fee: eur(fee), days, days_left }
}

#[test]
fn a_better_plan_holds_at_once_and_costs_the_difference_for_the_days_left() {
    let change = |left| decide(&active(Plan::Standard, 1_900, left, 30), Plan::Pro, Some(eur(7_900)));
    let now = |charge: i64| Ok(Change::Now { plan: Plan::Pro, fee: eur(7_900), charge: Some(eur(charge)) });
    assert_eq!(change(30), now(6_000));
    assert_eq!(change(10), now(2_000));
    assert_eq!(change(1), now(200));
    let seventh = decide(&active(Plan::Standard, 1_900, 1, 31), Plan::Pro, Some(eur(7_900)));
    assert_eq!(seventh, now(193), "193.5 is rounded down");
}

#[test]
fn a_lesser_plan_waits_for_the_end_of_the_term() {
    let before = active(Plan::Pro, 7_900, 10, 30);
    assert_eq!(decide(&before, Plan::Standard, Some(eur(1_900))), Ok(Change::Later(Plan::Standard)));
    assert_eq!(decide(&before, Plan::Free, None), Ok(Change::Later(Plan::Free)));
    assert_eq!(decide(&before, Plan::Pro, Some(eur(7_900))), Ok(Change::Keep));
}

#[test]
fn whoever_tries_a_plan_tries_a_better_one_for_nothing() {
    let before = Before { status: SubscriptionStatus::Trial, fee: eur(0), ..active(Plan::Standard, 0, 3, 14) };
    let pro = Change::Now { plan: Plan::Pro, fee: eur(0), charge: None };
    assert_eq!(decide(&before, Plan::Pro, Some(eur(7_900))), Ok(pro));
}

#[test]
fn debts_come_first_and_what_is_not_offered_cannot_be_had() {
    let owing = Before { status: SubscriptionStatus::PastDue, ..active(Plan::Standard, 1_900, 3, 30) };
    assert_eq!(decide(&owing, Plan::Pro, Some(eur(7_900))), Err(ChangeRefusal::PastDue));
    assert_eq!(decide(&owing, Plan::Free, None), Ok(Change::Later(Plan::Free)), "ending needs no payment");
    let before = active(Plan::Standard, 1_900, 3, 30);
    assert_eq!(decide(&before, Plan::Partner, None), Err(ChangeRefusal::NotOffered));
    let dollars = Money::from_minor(8_500, Currency::USD);
    assert_eq!(decide(&before, Plan::Pro, Some(dollars)), Err(ChangeRefusal::NotOffered));
}

#[test]
fn a_better_plan_that_costs_less_is_neither_charged_nor_paid_back() {
    let cheaper = decide(&active(Plan::Standard, 1_900, 30, 30), Plan::Pro, Some(eur(900)));
    assert_eq!(cheaper, Ok(Change::Now { plan: Plan::Pro, fee: eur(1_900), charge: None }));
}

fn wish() -> impl Strategy<Value = (Plan, i64)> {
    (prop_oneof![Just(Plan::Free), Just(Plan::Standard), Just(Plan::Pro), Just(Plan::Partner)], 0..40_i64)
}

proptest! {
    #[test]
    fn the_rest_of_a_term_costs_no_more_than_the_difference(
        from in 0..MAX_TRADED_MINOR, to in 0..MAX_TRADED_MINOR, days in 1..92_i64, left in 0..92_i64,
    ) {
        let left = left.min(days);
        let due = for_the_rest(eur(from), eur(to), left, days).unwrap().minor();
        prop_assert!((0..=(to - from).max(0)).contains(&due));
        let exact = i128::from((to - from).max(0)) * i128::from(left);
        let error = exact - i128::from(due) * i128::from(days);
        prop_assert!((0..i128::from(days)).contains(&error), "less than a minor unit is given up");
        if left < days {
            prop_assert!(due <= for_the_rest(eur(from), eur(to), left + 1, days).unwrap().minor());
        }
    }

    /// Whatever an organisation does within a term, and whatever the plans cost: it pays at least what its first plan costs and at most
    /// what the dearest costs that it was on, and lesser plans change nothing before the term is over.
    #[test]
    fn a_term_never_costs_more_than_its_dearest_plan(
        days in 28..=31_i64,
        fees in proptest::collection::vec(1..MAX_TRADED_MINOR, 4),
        wishes in proptest::collection::vec(wish(), 0..8),
    ) {
        let fee = |plan: Plan| eur(if plan == Plan::Free { 0 } else { fees[usize::from(rank(plan))] });
        let mut before = active(Plan::Standard, fee(Plan::Standard).minor(), days, days);
        let mut charges = Vec::new();
        let (mut dearest, mut next) = (before.fee, None);
        for (wanted, passed) in wishes {
            before.days_left = (before.days_left - passed).max(1);
            match decide(&before, wanted, (wanted != Plan::Free).then(|| fee(wanted))).unwrap() {
                Change::Keep => next = None,
                Change::Later(plan) => {
                    prop_assert!(rank(plan) < rank(before.plan));
                    next = Some(plan);
                }
                Change::Now { plan, fee, charge } => {
                    prop_assert!(rank(plan) > rank(before.plan));
                    charges.extend(charge);
                    (before.plan, before.fee, next) = (plan, fee, None);
                    dearest = if fee.minor() > dearest.minor() { fee } else { dearest };
                }
            }
        }
        let paid = fee(Plan::Standard).minor() + charges.iter().map(|charge| charge.minor()).sum::<i64>();
        prop_assert!((fee(Plan::Standard).minor()..=dearest.minor()).contains(&paid), "{paid} of {dearest:?}");
        prop_assert!(next.is_none_or(|next| rank(next) < rank(before.plan)));
    }
}
