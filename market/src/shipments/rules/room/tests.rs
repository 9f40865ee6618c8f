use chrono::TimeDelta;

use super::*;

const ROOM: Room = Room { weight_g: 100, volume_ml: 1_000 };

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

fn load(from: i64, until: i64, weight_g: i64, volume_ml: i64) -> Load {
    Load { from: at(from), until: at(until), weight_g, volume_ml }
}

#[test]
fn what_is_on_it_at_once_counts_together() {
    let loads = [load(8, 10, 60, 100), load(10, 12, 50, 100)];
    // They follow each other, so that there is room for 40 beside the heavier.
    assert_eq!(judge(ROOM, &loads, &[], load(9, 11, 40, 100)), Ok(()));
    let over = |weight_over_g, volume_over_ml| Err(ShipmentRefusal::VehicleFull { weight_over_g, volume_over_ml });
    assert_eq!(judge(ROOM, &loads, &[], load(9, 11, 41, 100)), over(1, 0));
    assert_eq!(judge(ROOM, &loads, &[], load(11, 13, 50, 901)), over(0, 1));
    assert_eq!(judge(ROOM, &loads, &[], load(12, 13, 100, 1_000)), Ok(()));
    assert_eq!(judge(ROOM, &loads, &[], load(6, 8, 100, 1_000)), Ok(()));
    assert_eq!(judge(ROOM, &loads, &[], load(6, 20, 41, 901)), over(1, 1));
    assert_eq!(judge(ROOM, &[], &[], load(6, 20, 103, 1_002)), over(3, 2));
}

#[test]
fn nothing_is_on_a_vehicle_that_is_away() {
    let away = [Away { from: at(8), until: at(10) }];
    let refused = Err(ShipmentRefusal::InMaintenance { from: at(8), until: at(10) });
    for (from, until, expected) in
        [(7, 8, Ok(())), (10, 11, Ok(())), (7, 9, refused), (9, 11, refused), (7, 11, refused)]
    {
        assert_eq!(judge(ROOM, &[], &away, load(from, until, 1, 1)), expected, "{from} to {until}");
    }
}

#[test]
fn a_smaller_vehicle_must_have_room_for_what_it_carries() {
    let loads = [load(8, 10, 60, 100), load(9, 12, 40, 100)];
    assert_eq!(judge_all(ROOM, &loads), Ok(()));
    let refused = judge_all(Room { weight_g: 99, volume_ml: 200 }, &loads);
    assert_eq!(refused, Err(ShipmentRefusal::VehicleFull { weight_over_g: 1, volume_over_ml: 0 }));
}
