use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::testing::eur;

fn noon() -> DateTime<Utc> {
    "2026-11-27T12:00:00Z".parse().expect("a time")
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

#[test]
fn what_was_delivered_goes_back_within_fourteen_days() {
    let end = noon() + TimeDelta::days(14);
    for status in [OrderStatus::Delivered, OrderStatus::Accepted, OrderStatus::Completed] {
        assert_eq!(judge_request(status, Some(noon()), end), Ok(()), "{status:?}");
        let late = judge_request(status, Some(noon()), end + SECOND);
        assert_eq!(late, Err(ReturnRefusal::TooLate { since: end }), "{status:?}");
        // A dispute was decided for the seller of what never came.
        assert_eq!(judge_request(status, None, noon()), Err(ReturnRefusal::NotDelivered), "{status:?}");
    }
    for (status, refusal) in [
        (OrderStatus::Paid, ReturnRefusal::NotDelivered),
        (OrderStatus::InFulfilment, ReturnRefusal::NotDelivered),
        (OrderStatus::Disputed, ReturnRefusal::Disputed),
        (OrderStatus::Refunded, ReturnRefusal::OrderStatus(OrderStatus::Refunded)),
        (OrderStatus::Cancelled, ReturnRefusal::OrderStatus(OrderStatus::Cancelled)),
    ] {
        assert_eq!(judge_request(status, Some(noon()), noon()), Err(refusal));
    }
}

#[test]
fn of_each_line_what_is_not_on_its_way_back_goes_back_once_named() {
    let bought = [Bought { line: 1, quantity: 5, returning: 2 }, Bought { line: 2, quantity: 1, returning: 1 }];
    let judge = |wanted: &[(i16, i64)]| {
        let wanted: Vec<_> = wanted.iter().map(|&(line, quantity)| Wanted { line, quantity }).collect();
        judge_lines(&bought, &wanted)
    };
    assert_eq!(judge(&[(1, 3)]), Ok(()));
    assert_eq!(judge(&[]), Err(ReturnRefusal::NoLine));
    for quantity in [-1, 0, 4] {
        assert_eq!(judge(&[(1, quantity)]), Err(ReturnRefusal::Quantity { line: 1, most: 3 }));
    }
    assert_eq!(judge(&[(1, 1), (1, 1)]), Err(ReturnRefusal::TwiceNamed(1)));
    assert_eq!(judge(&[(2, 1)]), Err(ReturnRefusal::NothingLeft { line: 2 }));
    for line in [-1, 0, 3] {
        assert_eq!(judge(&[(line, 1)]), Err(ReturnRefusal::UnknownLine(line)));
    }
}

const ACTS: [Act; 5] = [Act::Approve, Act::Refuse, Act::Cancel, Act::Send, Act::Receive];

#[test]
fn each_act_has_its_time_and_none_while_a_dispute_is_open() {
    use Act::{Approve, Cancel, Receive, Refuse, Send};
    use ReturnStatus::{Approved, Cancelled, InTransit, Lapsed, Received, Refunded, Refused, Requested};
    let may: [(ReturnStatus, &[Act]); 8] = [
        (Requested, &[Approve, Refuse, Cancel]),
        (Approved, &[Cancel, Send, Receive]),
        (InTransit, &[Cancel, Receive]),
        (Refused, &[]),
        (Cancelled, &[]),
        (Lapsed, &[]),
        (Received, &[]),
        (Refunded, &[]),
    ];
    for (status, acts) in may {
        for act in ACTS {
            let expected = if acts.contains(&act) { Ok(()) } else { Err(ReturnRefusal::Status(status)) };
            assert_eq!(judge_act(act, status, OrderStatus::Completed), expected, "{act:?} {status:?}");
            let disputed = expected.and(Err(ReturnRefusal::Disputed));
            assert_eq!(judge_act(act, status, OrderStatus::Disputed), disputed, "{act:?} {status:?}");
        }
    }
}

#[test]
fn each_line_goes_somewhere_once() {
    let (hand, apart) = (Disposition::OnHand, Disposition::Quarantine);
    assert_eq!(judge_dispositions(&[1, 2], &[(2, apart), (1, hand)]), Ok(()));
    assert_eq!(judge_dispositions(&[1, 2], &[(1, hand)]), Err(ReturnRefusal::NoDisposition(2)));
    assert_eq!(judge_dispositions(&[1], &[(1, hand), (1, apart)]), Err(ReturnRefusal::TwiceNamed(1)));
    assert_eq!(judge_dispositions(&[1], &[(1, hand), (3, hand)]), Err(ReturnRefusal::UnknownLine(3)));
}

#[test]
fn time_decides_when_it_has_come_and_no_dispute_is_open() {
    let judge = |status, now| judge_time(status, Some(noon()), OrderStatus::Completed, now);
    for (status, timely) in [
        (ReturnStatus::Requested, Timely::Approve),
        (ReturnStatus::Approved, Timely::Lapse),
        (ReturnStatus::InTransit, Timely::Receive),
    ] {
        assert_eq!(judge(status, noon()), timely);
        assert_eq!(judge(status, noon() - SECOND), Timely::NotYet { until: noon() });
        assert_eq!(judge_time(status, Some(noon()), OrderStatus::Disputed, noon()), Timely::Nothing);
    }
    assert_eq!(judge_time(ReturnStatus::Refunded, None, OrderStatus::Completed, noon()), Timely::Nothing);
}

#[test]
fn a_unit_costs_its_part_of_the_line_and_of_tax_and_premium() {
    let lines = |now: [i64; 2]| {
        [
            Returned { amount: eur(1_000), quantity: 3, before: 0, now: now[0] },
            Returned { amount: eur(3_000), quantity: 1, before: 0, now: now[1] },
        ]
    };
    // A fifth on top: 12 and 36 euros.
    assert_eq!(share(eur(4_800), &lines([0, 1])), Ok(eur(3_600)));
    assert_eq!(share(eur(4_800), &lines([1, 0])), Ok(eur(400)));
    assert_eq!(share(eur(4_800), &lines([3, 1])), Ok(eur(4_800)));
    assert_eq!(share(eur(4_800), &lines([0, 0])), Ok(eur(0)));
}

/// What was sold, and which lines' units come back, in that order.
#[derive(Clone, Debug)]
struct Sale {
    /// Price and quantity of each.
    lines: Vec<(i64, i64)>,
    /// What tax and premium come to.
    extra: i64,
    /// Line and units of each.
    parts: Vec<(usize, i64)>,
}

fn sales() -> impl Strategy<Value = Sale> {
    prop::collection::vec((1_i64..100_000, 1_i64..8), 1..5).prop_flat_map(|lines| {
        let count = lines.len();
        let parts = prop::collection::vec((0..count, 1_i64..5), 0..40);
        (Just(lines), 0_i64..50_000, parts).prop_map(|(lines, extra, parts)| Sale { lines, extra, parts })
    })
}

proptest! {
    /// Any units in any order, and then all the rest: no return costs less than nothing, and together they cost what was paid.
    #[test]
    fn returns_of_everything_in_any_parts_cost_exactly_everything(Sale { lines, extra, parts } in sales()) {
        let payable = eur(lines.iter().map(|(amount, _)| amount).sum::<i64>() + extra);
        let mut before = vec![0; lines.len()];
        let mut sum = 0;
        let rest = lines.iter().enumerate().map(|(line, (_, quantity))| (line, *quantity));
        for (line, wanted) in parts.iter().copied().chain(rest) {
            let now = wanted.min(lines[line].1 - before[line]);
            let state: Vec<_> = lines
                .iter()
                .zip(&before)
                .enumerate()
                .map(|(n, (&(amount, quantity), &before))| {
                    Returned { amount: eur(amount), quantity, before, now: if n == line { now } else { 0 } }
                })
                .collect();
            let cost = share(payable, &state).unwrap();
            prop_assert!(cost.minor() >= 0);
            if now == 0 {
                prop_assert_eq!(cost.minor(), 0);
            }
            before[line] += now;
            sum += cost.minor();
        }
        prop_assert_eq!(sum, payable.minor());
    }
}
