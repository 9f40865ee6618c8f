use ShipmentStatus::{
    AttemptFailed, Cancelled, Delivered, Exception, InTransit, OutForDelivery, Pending, PickedUp, Returned,
};

use super::*;

const ALL: [ShipmentStatus; 9] =
    [Pending, PickedUp, InTransit, OutForDelivery, Delivered, AttemptFailed, Exception, Returned, Cancelled];

#[test]
fn what_has_ended_stays_and_what_has_left_is_not_cancelled() {
    for said in ALL {
        for ended in [Delivered, Returned, Cancelled] {
            assert_eq!(step(ended, said), Step::Nothing, "{ended:?} and {said:?}");
        }
    }
    assert_eq!(step(Pending, Cancelled), Step::Cancel);
    for now in [PickedUp, InTransit, OutForDelivery, AttemptFailed, Exception] {
        assert_eq!(step(now, Cancelled), Step::Nothing, "{now:?}");
        assert_eq!(step(now, Pending), Step::Nothing, "{now:?}");
        assert_eq!(step(now, now), Step::Nothing, "{now:?}");
    }
}

#[test]
fn the_latest_report_moves_it_either_way() {
    for now in [Pending, PickedUp, InTransit, OutForDelivery, AttemptFailed, Exception] {
        assert_eq!(step(now, Delivered), Step::Deliver);
        assert_eq!(step(now, Returned), Step::GiveBack);
        for said in [PickedUp, InTransit, OutForDelivery, AttemptFailed, Exception] {
            let expected = if now == said { Step::Nothing } else { Step::Move(said) };
            assert_eq!(step(now, said), expected, "{now:?} and {said:?}");
        }
    }
}

#[test]
fn what_is_said_of_a_time_before_an_act_moves_nothing_but_to_an_end() {
    let acted = DateTime::UNIX_EPOCH;
    let at = |status, seconds| Standing {
        status: Some(status),
        since: Some(acted + chrono::TimeDelta::seconds(seconds)),
        ..Standing::default()
    };
    assert_eq!(judge(AttemptFailed, Some(acted), &at(InTransit, -1)), Step::Nothing);
    assert_eq!(judge(AttemptFailed, Some(acted), &at(InTransit, 1)), Step::Move(InTransit));
    assert_eq!(judge(AttemptFailed, None, &at(InTransit, -1)), Step::Move(InTransit));
    assert_eq!(judge(AttemptFailed, Some(acted), &at(Delivered, -1)), Step::Deliver);
    assert_eq!(judge(AttemptFailed, Some(acted), &at(Returned, -1)), Step::GiveBack);
    assert_eq!(judge(Pending, None, &Standing::default()), Step::Nothing);
}
