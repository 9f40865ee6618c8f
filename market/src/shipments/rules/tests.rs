use super::*;
use crate::ids::ItemId;

fn line(number: i16, quantity: i64, delivered: i64) -> ShipmentLine {
    ShipmentLine {
        line: number,
        item_id: ItemId::generate(),
        title: "Ice".to_owned(),
        order_line: None,
        quantity,
        weight_g: 1_000,
        volume_ml: 500,
        delivered_quantity: delivered,
        returned_quantity: 0,
        stocked: true,
        to_item: None,
    }
}

#[test]
fn what_is_pending_is_changed_and_picked_up_and_what_has_left_arrives() {
    use ShipmentStatus::{
        AttemptFailed, Cancelled, Delivered, Exception, InTransit, OutForDelivery, Pending, PickedUp, Returned,
    };
    for act in [Act::Change, Act::Cancel, Act::PickUp, Act::Deliver, Act::Fail, Act::GiveBack] {
        let before = matches!(act, Act::Change | Act::Cancel | Act::PickUp);
        assert_eq!(judge_act(act, Pending).is_ok(), before, "{act:?}");
        for status in [PickedUp, InTransit, OutForDelivery, AttemptFailed, Exception] {
            assert_eq!(judge_act(act, status).is_ok(), !before, "{act:?} of {status:?}");
        }
        for status in [Delivered, Returned, Cancelled] {
            assert_eq!(judge_act(act, status), Err(ShipmentRefusal::Status(status)), "{act:?}");
        }
    }
}

#[test]
fn no_more_is_delivered_than_is_on_its_way() {
    let lines = [line(1, 5, 2), line(2, 4, 4)];
    assert_eq!(judge_delivery(&lines, None), Ok(vec![(1, 3)]));
    assert_eq!(judge_delivery(&lines, Some(&[(1, 3)])), Ok(vec![(1, 3)]));
    for (given, refusal) in [
        (&[][..], ShipmentRefusal::NoLine),
        (&[(3, 1)], ShipmentRefusal::UnknownLine(3)),
        (&[(1, 1), (1, 1)], ShipmentRefusal::TwiceNamed(1)),
        (&[(1, 4)], ShipmentRefusal::Quantity { line: 1, most: 3 }),
        (&[(1, 0)], ShipmentRefusal::Quantity { line: 1, most: 3 }),
        (&[(1, -1)], ShipmentRefusal::Quantity { line: 1, most: 3 }),
        (&[(2, 1)], ShipmentRefusal::Quantity { line: 2, most: 0 }),
    ] {
        assert_eq!(judge_delivery(&lines, Some(given)), Err(refusal));
    }
}

#[test]
fn lines_that_are_changed_are_there_and_named_once() {
    let lines = [line(1, 5, 0), line(2, 4, 0)];
    assert_eq!(judge_lines(&lines, [2, 1].into_iter()), Ok(()));
    assert_eq!(judge_lines(&lines, [3].into_iter()), Err(ShipmentRefusal::UnknownLine(3)));
    assert_eq!(judge_lines(&lines, [1, 1].into_iter()), Err(ShipmentRefusal::TwiceNamed(1)));
}

#[test]
fn an_order_has_arrived_when_all_its_lines_have() {
    let line = |delivered| Ordered { line: 1, quantity: 3, shipped: 3, delivered };
    assert!(all_delivered(&[line(3), line(3)]));
    assert!(!all_delivered(&[line(3), line(2)]));
}
