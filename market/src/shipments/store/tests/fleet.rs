use shared::audit::Actor;

use super::*;
use crate::shipments::model::{NewMaintenance, Vehicle, VehicleChange};

/// For 10 kg and 20 l.
pub(super) async fn truck(conn: &mut PgConnection, yard: &Yard) -> Vehicle {
    let new = NewVehicle {
        name: "Truck".to_owned(),
        registration: Uuid::now_v7().to_string(),
        max_weight_g: 10_000,
        max_volume_ml: 20_000,
    };
    let actor = Actor::User(yard.shipper.user);
    act(conn, async |tx| create_vehicle(tx, yard.shipper.org, actor, &new).await).await.expect("a vehicle")
}

/// On the vehicle from `from` hours from now for two hours.
pub(super) async fn on(
    conn: &mut PgConnection,
    yard: &Yard,
    vehicle: VehicleId,
    quantity: i64,
    from: i64,
) -> NewShipment {
    let from = database_time(conn).await + TimeDelta::hours(from);
    NewShipment {
        vehicle: Some(vehicle),
        planned_pickup: Some(from),
        planned_delivery: Some(from + TimeDelta::hours(2)),
        ..yard.transfer(quantity)
    }
}

fn over(result: Result<Done, ShipmentError>) -> (i64, i64) {
    match result {
        Err(ShipmentError::Refused(ShipmentRefusal::VehicleFull { weight_over_g, volume_over_ml })) => {
            (weight_over_g, volume_over_ml)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_vehicle_carries_what_it_can_at_once_and_says_how_much_is_over() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 100).await;
    let truck = truck(&mut conn, &yard).await;
    let first = on(&mut conn, &yard, truck.id, 7, 10).await;
    let first = yard.sent(&mut conn, &first).await;
    let too_much = on(&mut conn, &yard, truck.id, 4, 11).await;
    assert_eq!(over(act(&mut conn, async |tx| create(tx, yard.by(), &too_much).await).await), (1_000, 2_000));
    assert_eq!(yard.level(&mut conn, yard.site).await, (100, 7), "nothing is held for what was refused");
    let beside = on(&mut conn, &yard, truck.id, 3, 11).await;
    yard.sent(&mut conn, &beside).await;
    let later = on(&mut conn, &yard, truck.id, 10, 14).await;
    let later = yard.sent(&mut conn, &later).await;
    // What is picked up early is beside nothing; what is now on it stays until it is delivered.
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &first).await).await.expect("there is room");
    assert_eq!(over(act(&mut conn, async |tx| pick_up(tx, yard.by(), &later).await).await), (10_000, 20_000));
    act(&mut conn, async |tx| deliver(tx, yard.by(), &first, None).await).await.expect("delivered");
    let heavier = ShipmentChange {
        lines: vec![LineChange { line: 1, quantity: None, weight_g: Some(1_001), volume_ml: None }],
        ..ShipmentChange::default()
    };
    assert_eq!(over(act(&mut conn, async |tx| change(tx, yard.by(), &later, &heavier).await).await), (10, 0));
    let unplanned = NewShipment { vehicle: Some(truck.id), ..yard.transfer(1) };
    let refused = act(&mut conn, async |tx| create(tx, yard.by(), &unplanned).await).await;
    assert!(matches!(&refused, Err(ShipmentError::Invalid(invalid)) if invalid.pointer == "/vehicle"), "{refused:?}");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_vehicle_in_maintenance_carries_nothing_and_one_that_is_needed_stays() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 100).await;
    let truck = truck(&mut conn, &yard).await;
    let (org, actor) = (yard.shipper.org, Actor::User(yard.shipper.user));
    let now = database_time(&mut conn).await;
    let window = |from: i64, hours: i64| NewMaintenance {
        starts_at: now + TimeDelta::hours(from),
        ends_at: now + TimeDelta::hours(from + hours),
        reason: Some("Brakes".to_owned()),
    };
    let made = act(&mut conn, async |tx| add_maintenance(tx, org, actor, truck.id, &window(10, 5)).await).await;
    let made = made.expect("planned");
    for (from, hours, pointer) in [(14, 1, "/starts_at"), (9, 2, "/starts_at"), (20, 0, "/ends_at")] {
        let refused =
            act(&mut conn, async |tx| add_maintenance(tx, org, actor, truck.id, &window(from, hours)).await).await;
        assert!(matches!(&refused, Err(ShipmentError::Invalid(invalid)) if invalid.pointer == pointer), "{refused:?}");
    }
    let then = on(&mut conn, &yard, truck.id, 1, 14).await;
    let refused = act(&mut conn, async |tx| create(tx, yard.by(), &then).await).await;
    assert!(matches!(refused, Err(ShipmentError::Refused(ShipmentRefusal::InMaintenance { .. }))), "{refused:?}");
    let listed = maintenance(&mut conn, org, truck.id).await.expect("listed");
    assert_eq!(listed, std::slice::from_ref(&made));
    act(&mut conn, async |tx| remove_maintenance(tx, org, actor, truck.id, made.id).await).await.expect("removed");
    let number = yard.sent(&mut conn, &then).await;
    for needed in [
        act(&mut conn, async |tx| add_maintenance(tx, org, actor, truck.id, &window(15, 9)).await).await.map(|_| ()),
        act(&mut conn, async |tx| archive_vehicle(tx, org, actor, truck.id).await).await,
    ] {
        assert!(matches!(needed, Err(ShipmentError::Refused(ShipmentRefusal::VehicleInUse))), "{needed:?}");
    }
    let smaller = VehicleChange { max_weight_g: Some(999), ..VehicleChange::default() };
    let refused = act(&mut conn, async |tx| change_vehicle(tx, org, actor, truck.id, &smaller).await).await;
    assert!(matches!(refused, Err(ShipmentError::Refused(ShipmentRefusal::VehicleFull { .. }))), "{refused:?}");
    act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await.expect("cancelled");
    let changed = act(&mut conn, async |tx| change_vehicle(tx, org, actor, truck.id, &smaller).await).await;
    assert_eq!(changed.map(|vehicle| (vehicle.max_weight_g, vehicle.version)).expect("changed"), (999, 2));
    act(&mut conn, async |tx| archive_vehicle(tx, org, actor, truck.id).await).await.expect("archived");
    assert!(vehicles_of(&mut conn, org, None, 10).await.expect("listed").is_empty());
    let stranger = act(&mut conn, async |tx| archive_vehicle(tx, yard.other.org, actor, truck.id).await).await;
    assert!(matches!(stranger, Err(ShipmentError::NoVehicle)), "{stranger:?}");
    drop(conn);
    db.close().await;
}
