use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use shared::ids::OrgId;
use uuid::Uuid;

use super::*;
use crate::ids::SaleEventId;
use crate::sale_events::model::{RegistrationStatus, SaleEventStatus};

fn org(n: usize) -> OrgId {
    OrgId(Uuid::from_u128(n as u128 + 1))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

const BIDDERS: usize = 4;
const LOTS: usize = 6;

#[derive(Clone, Debug)]
enum Step {
    /// Somebody wants to lead a lot, or to have it.
    Hold { lot: usize, bidder: usize, minor: i64 },
    /// A lot holds nothing any more: unsold, taken back, not paid.
    Free { lot: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let hold = (0..LOTS, 0..=BIDDERS, 1..400_i64).prop_map(|(lot, bidder, minor)| Step::Hold { lot, bidder, minor });
    let free = (0..LOTS).prop_map(|lot| Step::Free { lot });
    prop::collection::vec(prop_oneof![6 => hold, 1 => free], 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(shared::testing::cases(1_000).sum()))]

    /// The accounts against a model that keeps what each lot holds, and adds it all up each time.
    #[test]
    fn limits_across_lots_as_modelled(limits in prop::collection::vec(1..900_i64, BIDDERS), steps in steps()) {
        let event = SaleEventId(Uuid::nil());
        let mut accounts = Limits::default();
        for (bidder, limit) in limits.iter().enumerate() {
            accounts.insert(event, org(bidder), Account { limit: Some(*limit), reserved: 0 });
        }
        let mut held = [None; LOTS];
        let mut model: HashMap<usize, (usize, i64)> = HashMap::new();
        for step in steps {
            match step {
                Step::Hold { lot, bidder, minor } => {
                    let others: i64 = model
                        .iter()
                        .filter(|(at, (by, _))| **at != lot && *by == bidder)
                        .map(|(_, (_, minor))| minor)
                        .sum();
                    let wanted = match limits.get(bidder) {
                        None => Err(NotReserved::NotRegistered),
                        Some(limit) if others + minor > *limit => Err(NotReserved::LimitExceeded { left: limit - others }),
                        Some(_) => Ok(()),
                    };
                    let got = accounts.hold(event, &mut held[lot], Some(Held { org: org(bidder), minor }));
                    prop_assert_eq!(got, wanted);
                    if wanted.is_ok() {
                        model.insert(lot, (bidder, minor));
                    }
                }
                Step::Free { lot } => {
                    accounts.hold(event, &mut held[lot], None).expect("to free is no question");
                    model.remove(&lot);
                }
            }
            for (lot, held) in held.iter().enumerate() {
                let wanted = model.get(&lot).map(|(by, minor)| Held { org: org(*by), minor: *minor });
                prop_assert_eq!(*held, wanted);
            }
            for (bidder, limit) in limits.iter().enumerate() {
                let sum: i64 = model.values().filter(|(by, _)| *by == bidder).map(|(_, minor)| minor).sum();
                prop_assert!(sum <= *limit);
                // One more than what is left is too much, and says what is left.
                let more = Held { org: org(bidder), minor: limit - sum + 1 };
                prop_assert_eq!(accounts.check(event, None, more), Err(NotReserved::LimitExceeded { left: limit - sum }));
            }
        }
    }

    /// Ends never go back from lot to lot, and a group's lots share the last of its hard ends.
    #[test]
    fn ends_are_staggered_in_order(
        groups in prop::collection::vec(prop::option::of(1..4_i32), 1..40),
        step in 0..120_i64,
        hard in 0..3_600_i64,
    ) {
        let timetable = Timetable { first_ends_at: at(1_000), step: TimeDelta::seconds(step), hard_close: TimeDelta::seconds(hard) };
        let lots: Vec<_> = (1..).zip(groups).collect();
        let plan = timetable.plan(&lots);
        for (n, planned) in (0_i64..).zip(&plan) {
            prop_assert_eq!(planned.ends_at, at(1_000 + n * step));
            prop_assert!(planned.hard_ends_at >= planned.ends_at + TimeDelta::seconds(hard));
            let mates = plan.iter().filter(|other| planned.group.is_some() && other.group == planned.group);
            let last = mates.map(|other| other.ends_at).max().unwrap_or(planned.ends_at);
            prop_assert_eq!(planned.hard_ends_at, last + TimeDelta::seconds(hard));
        }
    }
}

#[test]
fn an_event_runs_from_its_start_until_its_last_lot_is_decided() {
    let starts = at(100);
    assert_eq!(shown(Stored::Draft, starts, 0, at(200)), SaleEventStatus::Draft);
    assert_eq!(shown(Stored::Published, starts, 3, at(99)), SaleEventStatus::Published);
    assert_eq!(shown(Stored::Published, starts, 3, at(100)), SaleEventStatus::Running);
    assert_eq!(shown(Stored::Published, starts, 0, at(200)), SaleEventStatus::Ended);
    assert_eq!(shown(Stored::Cancelled, starts, 0, at(200)), SaleEventStatus::Cancelled);
}

#[test]
fn a_limit_is_raised_and_never_lowered() {
    use RegistrationStatus::{Approved, Refused, Requested};
    let decide = |status, before, limit| decide_bidder(Stored::Published, status, before, limit);
    assert_eq!(decide(Requested, None, Some(10)), Ok(Approved));
    assert_eq!(decide(Requested, None, None), Ok(Refused));
    assert_eq!(decide(Approved, Some(10), Some(11)), Ok(Approved));
    assert_eq!(decide(Approved, Some(10), Some(10)), Ok(Approved));
    assert_eq!(decide(Approved, Some(10), Some(9)), Err(NotDone::Lowered));
    assert_eq!(decide(Approved, Some(10), None), Err(NotDone::Lowered));
    assert_eq!(decide(Refused, None, Some(10)), Err(NotDone::Refused));
    for limit in [Some(10), None] {
        assert_eq!(decide_bidder(Stored::Cancelled, Requested, None, limit), Err(NotDone::Cancelled));
    }
}

#[test]
fn who_may_register() {
    let (seller, bidder) = (org(0), org(1));
    assert_eq!(decide_registration(Stored::Published, 1, seller, bidder), Ok(()));
    assert_eq!(decide_registration(Stored::Published, 1, seller, seller), Err(NotDone::OwnEvent));
    assert_eq!(decide_registration(Stored::Published, 0, seller, bidder), Err(NotDone::Ended));
    assert_eq!(decide_registration(Stored::Draft, 1, seller, bidder), Err(NotDone::NotPublished));
    assert_eq!(decide_registration(Stored::Cancelled, 1, seller, bidder), Err(NotDone::Cancelled));
}

#[test]
fn the_end_of_every_lot_has_a_year_of_four_digits() {
    let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let last = time("9997-12-31T23:59:59Z");
    assert!(judge_first_end(last).is_ok());
    assert_eq!(judge_first_end(time("9998-01-01T00:00:00Z")).unwrap_err().pointer, "/first_ends_at");
    let latest = Timetable { first_ends_at: last, step: TimeDelta::days(1), hard_close: TimeDelta::days(1) };
    assert!(latest.plan(&[(500, None)]).iter().all(|lot| lot.hard_ends_at < time("9999-12-31T23:59:59Z")));
}
