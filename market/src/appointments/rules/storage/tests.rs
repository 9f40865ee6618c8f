use proptest::prelude::*;
use shared::money::Currency;

use super::*;
use crate::appointments::model::{SiteHours, WallTime, Window};

fn terms(status: OrderStatus, is_there: bool, days: i16) -> Terms {
    Terms { status, is_there, days, due_at: DateTime::UNIX_EPOCH }
}

#[test]
fn only_what_is_paid_and_still_there_costs_anything() {
    let now = DateTime::UNIX_EPOCH;
    let until = now + TimeDelta::days(1);
    for status in [OrderStatus::Paid, OrderStatus::InFulfilment] {
        assert_eq!(next(terms(status, true, 0), now), Next::Book { day: 1, until });
        assert_eq!(next(terms(status, true, 0), now - TimeDelta::microseconds(1)), Next::NotYet);
        assert_eq!(next(terms(status, false, 3), now), Next::End);
        assert_eq!(next(terms(status, true, MOST_STORAGE_DAYS), now), Next::End);
    }
    assert_eq!(next(terms(OrderStatus::Disputed, true, 3), now), Next::Skip { until });
    for status in [OrderStatus::Delivered, OrderStatus::Completed, OrderStatus::Refunded, OrderStatus::Cancelled] {
        assert_eq!(next(terms(status, true, 3), now), Next::End);
    }
}

#[test]
fn the_days_that_cost_nothing_begin_when_the_goods_could_first_be_fetched() {
    let window =
        |opens, closes| Window { weekday: 1, opens: WallTime::of_minute(opens), closes: WallTime::of_minute(closes) };
    let hours = SiteHours {
        time_zone: "UTC".to_owned().try_into().expect("a zone"),
        slot_minutes: 60,
        capacity: 1,
        windows: vec![window(8 * 60, 10 * 60)],
        deliveries: None,
        closed_days: Vec::new(),
        free_days: 7,
        storage_fees: Vec::new(),
    };
    let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    let slot = |text: &str| Span { starts_at: at(text), ends_at: at(text) + TimeDelta::hours(1) };
    // Mondays: 30 November, 7 and 14 December.
    let (now, own) = (at("2026-11-28T12:00:00Z"), slot("2026-12-14T08:00:00Z"));
    let [early, next] = ["2026-11-30T08:00:00Z", "2026-11-30T09:00:00Z"].map(slot);
    let cases = [
        ("there was room in the first one", vec![own], early.ends_at),
        ("the first one was taken", vec![early, own], next.ends_at),
        (
            "nothing was free sooner",
            vec![early, next, slot("2026-12-07T08:00:00Z"), slot("2026-12-07T09:00:00Z"), own],
            own.ends_at,
        ),
    ];
    for (name, taken, from) in cases {
        assert_eq!(free_from(own, &Hours::collections(&hours), &taken, now), from, "{name}");
    }
}

#[test]
fn a_currency_has_one_fee_above_zero() {
    let euros = |minor| Money::from_minor(minor, Currency::EUR);
    let wrong = |fees: &[Money]| judge_fees(fees).expect_err("refused").pointer;
    assert_eq!(wrong(&[euros(0)]), "/storage_fees/0/amount");
    assert_eq!(wrong(&[euros(1), euros(2)]), "/storage_fees/1/currency");
    assert_eq!(judge_fees(&[euros(1), Money::from_minor(1, Currency::JPY)]), Ok(()));
}

proptest! {
    /// However seldom somebody looks, as many days are booked as have begun.
    #[test]
    fn as_many_days_cost_as_have_begun(looks in prop::collection::vec(0_i64..200, 1..40)) {
        let mut looks = looks;
        looks.sort_unstable();
        let mut it = terms(OrderStatus::Paid, true, 0);
        for hours in looks {
            let now = DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
            while let Next::Book { day, until } = next(it, now) {
                prop_assert_eq!(day, it.days + 1);
                it = Terms { days: day, due_at: until, ..it };
            }
            prop_assert_eq!(i64::from(it.days), hours / 24 + 1);
        }
    }
}
