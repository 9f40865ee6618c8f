//! Shipments of ours that follow their events.

use chrono::TimeDelta;
use jobs::cargo::{ProjectStandings, StaleTracking, tell_shipments};
use market::cargo::store::standing;
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use market::listings::model::SaleMode;
use market::shipments::rules::follow::{Step, judge};
use market::shipments::store as shipments;
use market::testing;
use shared::ids::OrgId;

use super::dock::{Dock, event};

/// One job for all that were recorded together, and none for what is not of ours: neither references that are not tracking numbers, nor
/// a tracking number in another organisation's log.
#[tokio::test]
async fn one_job_carries_over_what_was_recorded_together() {
    let dock = Dock::with_room(None).await;
    let (first, second) = (dock.sent(1).await, dock.sent(1).await);
    dock.drain().await;
    let now = dock.now().await;
    let mut events: Vec<_> = (0..500).map(|n| event(&format!("S-{n}"), n, ShipmentStatus::InTransit, now)).collect();
    assert_eq!(dock.record(dock.by.org, &events).await.change, None);
    for event in &mut events {
        event.source_event_id.push('b');
    }
    for n in 0..5 {
        let at = now + TimeDelta::seconds(n);
        events.push(event(first.as_str(), n, ShipmentStatus::PickedUp, at));
        events.push(event(second.as_str(), n, ShipmentStatus::InTransit, at));
    }
    events[501].position = Some(Position { latitude: 53.0, longitude: 8.75 });
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'cargo.project'";
    let before = dock.count(jobs).await;
    dock.report(&events).await;
    assert_eq!(dock.count(jobs).await, before + 1);
    assert_eq!(dock.count("SELECT count(*) FROM cargo_marks").await, 0);
    let (first, second) = (dock.read(&first).await, dock.read(&second).await);
    assert_eq!((first.status, second.status), (ShipmentStatus::PickedUp, ShipmentStatus::InTransit));
    assert_eq!((first.position, second.position), (None, events[501].position));
    // Of somebody else, who reports under our number.
    let other = OrgId::generate();
    let stored = dock.record(other, &[event(first.tracking.as_str(), 9, ShipmentStatus::Delivered, now)]).await;
    tell_shipments(&dock.workers.ledger, stored.change.unwrap()).await;
    dock.drain().await;
    assert_eq!(dock.read(&first.tracking).await, first);
    assert_eq!(dock.count("SELECT count(*) FROM cargo_marks").await, 0);
    // What followed is not reported again: the log would hear its own echo.
    assert_eq!(dock.count("SELECT count(*) FROM cargo_events WHERE source = 'tradeyard'").await, 2);
    dock.close().await;
}

/// Whoever recorded events dies before it hands them over; whoever carries them over dies before it takes the mark away.
#[tokio::test]
async fn a_shipment_follows_once_whoever_dies_on_the_way() {
    let dock = Dock::with_room(None).await;
    let number = dock.sent(3).await;
    dock.drain().await;
    let now = dock.now().await;
    let stored = dock.record(dock.by.org, &[event(number.as_str(), 1, ShipmentStatus::Delivered, now)]).await;
    assert!(stored.change.is_some());
    let _ = dock.workers.ledger.enqueue(&ProjectStandings::default()).await.unwrap();
    dock.drain().await;
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::Pending, "it is not overdue yet");
    dock.sql("CREATE TABLE marks_then AS SELECT * FROM cargo_marks").await;
    dock.sweep().await;
    let delivered = dock.read(&number).await;
    assert_eq!(delivered.status, ShipmentStatus::Delivered);
    assert_eq!(dock.count("SELECT sum(on_hand)::bigint FROM stock_levels").await, 50);
    dock.sql("INSERT INTO cargo_marks SELECT * FROM marks_then").await;
    dock.sweep().await;
    assert_eq!(dock.read(&number).await, delivered);
    assert_eq!(dock.count("SELECT count(*) FROM cargo_marks").await, 0);
    assert_eq!(dock.count("SELECT count(*) FROM stock_movements WHERE kind = 'transfer_in'").await, 1);
    dock.close().await;
}

/// A site without room refuses units, whoever reports them; the shipment follows when there is room, and others need not wait.
#[tokio::test]
async fn what_cannot_follow_now_follows_later_and_stops_nobody() {
    let dock = Dock::with_room(Some(2)).await;
    let (large, small) = (dock.sent(3).await, dock.sent(1).await);
    let now = dock.now().await;
    dock.report(&[
        event(large.as_str(), 1, ShipmentStatus::Delivered, now),
        event(small.as_str(), 1, ShipmentStatus::Delivered, now),
    ])
    .await;
    assert_eq!(dock.read(&large).await.status, ShipmentStatus::Pending);
    assert_eq!(dock.read(&small).await.status, ShipmentStatus::Delivered);
    assert_eq!(
        dock.count("SELECT tries::bigint FROM cargo_marks WHERE due_at > now() + interval '50 seconds'").await,
        1
    );
    dock.sql("UPDATE sites SET capacity = 20, version = version + 1 WHERE capacity = 2").await;
    dock.sweep().await;
    assert_eq!(dock.read(&large).await.status, ShipmentStatus::Delivered);
    dock.close().await;
}

/// Mails to those who trade for the shipper are posted once for each thing that goes wrong, however often it is reported.
#[tokio::test]
async fn what_goes_wrong_on_the_way_is_mailed_once() {
    let dock = Dock::with_room(None).await;
    let number = dock.sent(1).await;
    let now = dock.now().await;
    let reference = number.as_str();
    let mails = async || {
        let mut counts = Vec::new();
        for template in ["shipment_exception", "shipment_attempt_failed", "shipment_returned"] {
            counts.push(dock.mails(template).await);
        }
        counts
    };
    for (id, status, at, counts) in [
        (1, ShipmentStatus::InTransit, 1, [0, 0, 0]),
        (2, ShipmentStatus::Exception, 2, [1, 0, 0]),
        (3, ShipmentStatus::Exception, 3, [1, 0, 0]),
        (4, ShipmentStatus::InTransit, 1, [1, 0, 0]),
        (5, ShipmentStatus::AttemptFailed, 4, [1, 1, 0]),
        (6, ShipmentStatus::Returned, 5, [1, 1, 1]),
        (7, ShipmentStatus::Exception, 6, [1, 1, 1]),
    ] {
        let reported = [event(reference, id, status, now + TimeDelta::seconds(10 * at))];
        dock.report(&reported).await;
        dock.report(&reported).await;
        assert_eq!(mails().await, counts, "{status:?}");
    }
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::Returned);
    dock.close().await;
}

/// A purchase is delivered, and nobody has reported before that it was picked up: both sides hear that it has arrived, and nobody that it is
/// on its way.
#[tokio::test]
async fn what_jumps_to_delivered_is_told_as_arrived_alone() {
    let dock = Dock::with_room(None).await;
    let mut conn = dock.workers.db.pool.acquire().await.unwrap();
    let buyer = testing::trader(&mut conn).await;
    let sold = testing::listing(&mut conn, dock.shipper, SaleMode::Fixed, 5).await;
    let (checkout, order) = testing::placed(&mut conn, buyer, sold, testing::eur(20_000)).await;
    let _ = testing::pay(&mut conn, buyer, checkout).await;
    drop(conn);
    let number = dock.sent_to_buyer(order, 2).await;
    let now = dock.now().await;
    dock.report(&[event(number.as_str(), 1, ShipmentStatus::Delivered, now)]).await;
    let shipment = dock.read(&number).await;
    assert_eq!((shipment.status, shipment.consignee_org_id), (ShipmentStatus::Delivered, Some(buyer.org)));
    assert_eq!((dock.mails("order_delivered").await, dock.mails("order_shipped").await), (2, 0));
    dock.report(&[event(number.as_str(), 2, ShipmentStatus::Delivered, now)]).await;
    assert_eq!(dock.mails("order_delivered").await, 2);
    // The escrow is released later.
    dock.workers.leave().await;
}

/// What somebody here has done is told to the log afterwards; what the log says of an earlier time does not undo it meanwhile.
#[tokio::test]
async fn older_news_do_not_undo_an_act_that_the_log_does_not_know_yet() {
    let dock = Dock::with_room(None).await;
    let number = dock.sent(1).await;
    dock.drain().await;
    let before = dock.now().await;
    let stored = dock.record(dock.by.org, &[event(number.as_str(), 1, ShipmentStatus::InTransit, before)]).await;
    for _ in 0..2 {
        let mut tx = dock.workers.ledger.begin().await.unwrap();
        let done = match shipments::fail(&mut tx, dock.by, &number).await {
            Ok(done) => done,
            Err(_) => shipments::pick_up(&mut tx, dock.by, &number).await.unwrap(),
        };
        // Its report is still to come.
        drop(done);
        tx.commit().await.unwrap();
    }
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::AttemptFailed);
    tell_shipments(&dock.workers.ledger, stored.change.unwrap()).await;
    dock.drain().await;
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::AttemptFailed);
    let later = dock.now().await;
    dock.report(&[event(number.as_str(), 2, ShipmentStatus::OutForDelivery, later)]).await;
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::OutForDelivery);
    dock.close().await;
}

/// A shipper hears of a silence once; it ends with the next sign, and the next one is another one.
#[tokio::test]
async fn a_silent_shipment_alerts_its_shipper_once_in_a_silence() {
    let dock = Dock::with_room(None).await;
    let (number, waiting) = (dock.sent(1).await, dock.sent(1).await);
    let now = dock.now().await;
    dock.report(&[event(number.as_str(), 1, ShipmentStatus::InTransit, now)]).await;
    let look = async |mails: i64, stalled: bool| {
        for _ in 0..2 {
            let _ = dock.workers.ledger.enqueue(&StaleTracking { silent_hours: 72 }).await.unwrap();
            dock.drain().await;
            assert_eq!(dock.mails("shipment_stalled").await, mails);
            assert_eq!(dock.read(&number).await.stalled_since.is_some(), stalled);
        }
    };
    let silence = "UPDATE shipment_traces SET seq = seq + 1, heard_at = heard_at - interval '73 hours'";
    look(0, false).await;
    dock.sql(silence).await;
    look(1, true).await;
    assert_eq!(dock.read(&waiting).await.stalled_since, None, "nobody expects to hear of what was not picked up");
    let position = CargoEvent {
        status: None,
        position: Some(Position { latitude: 51.5, longitude: 12.0 }),
        ..event(number.as_str(), 2, ShipmentStatus::InTransit, now)
    };
    dock.report(&[position]).await;
    look(1, false).await;
    dock.sql(silence).await;
    look(2, true).await;
    dock.report(&[event(number.as_str(), 3, ShipmentStatus::Delivered, now)]).await;
    dock.sql(silence).await;
    look(2, false).await;
    dock.close().await;
}

/// Numbers that look random and are the same each time.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// What was reported last of its delivery is shown, whatever time it names; before that, what its shipper plans. What its source takes
/// back is not, and none of it moves the shipment.
#[tokio::test]
async fn a_shipment_is_expected_when_the_last_report_says() {
    let dock = Dock::with_room(None).await;
    let number = dock.sent(1).await;
    dock.drain().await;
    assert_eq!(dock.read(&number).await.expected, None, "nobody has said");
    dock.sql("UPDATE shipments SET planned_delivery = now() + interval '9 days', version = version + 1").await;
    let planned = dock.read(&number).await;
    let plan = planned.expected.unwrap();
    assert_eq!((Some(plan.at), plan.basis, plan.reported_at), (planned.planned_delivery, EventType::Planned, None));

    let now = dock.now().await;
    let said = |id: i64, kind, status, hours| CargoEvent {
        kind,
        ..event(number.as_str(), id, status, now + TimeDelta::hours(hours))
    };
    let shown = async || {
        let expected = dock.read(&number).await.expected.unwrap();
        assert!(expected.reported_at.is_some());
        (expected.basis, (expected.at - now).num_hours())
    };
    let delivered = ShipmentStatus::Delivered;
    for (id, kind, hours) in [
        (1, EventType::Planned, 50),
        (2, EventType::Estimated, 30),
        (3, EventType::Estimated, 70),
        (4, EventType::Planned, 40),
    ] {
        dock.report(&[said(id, kind, delivered, hours)]).await;
        assert_eq!(shown().await, (kind, hours));
    }
    dock.report(&[said(5, EventType::Estimated, ShipmentStatus::OutForDelivery, 1)]).await;
    assert_eq!(shown().await, (EventType::Planned, 40), "that is not its delivery");
    let back = said(6, EventType::Planned, delivered, 40);
    dock.report(&[CargoEvent { status: None, corrects: Some(format!("{number}-4")), ..back }]).await;
    assert_eq!(shown().await, (EventType::Estimated, 70), "its source has taken the last one back");
    assert_eq!(dock.read(&number).await.status, ShipmentStatus::Pending);
    dock.report(&[said(7, EventType::Actual, delivered, 0)]).await;
    let there = dock.read(&number).await;
    assert_eq!((there.status, there.expected), (delivered, None));
    dock.close().await;
}

/// Events of any order, late, corrected and ahead; acts in between, which the log hears of later; hand-overs that are lost, late and
/// doubled. In the end nothing is left to follow.
#[tokio::test]
async fn whatever_the_order_a_shipment_ends_where_its_standing_says() {
    use ShipmentStatus::{
        AttemptFailed, Cancelled, Delivered, Exception, InTransit, OutForDelivery, PickedUp, Returned,
    };
    const STATUSES: [ShipmentStatus; 10] = [
        PickedUp,
        InTransit,
        InTransit,
        InTransit,
        OutForDelivery,
        AttemptFailed,
        Exception,
        Delivered,
        Returned,
        Cancelled,
    ];
    let dock = Dock::with_room(None).await;
    let mut seeded = Seeded(20_261_128);
    let mut numbers = Vec::new();
    for _ in 0..12 {
        numbers.push(dock.sent(1).await);
    }
    for round in 0..60 {
        let number = &numbers[seeded.below(numbers.len())];
        let now = dock.now().await;
        match seeded.below(8) {
            0 => drop(dock.act(async |tx| shipments::pick_up(tx, dock.by, number).await).await),
            1 => drop(dock.act(async |tx| shipments::fail(tx, dock.by, number).await).await),
            2 => dock.drain().await,
            _ => {
                let at = now + TimeDelta::seconds(i64::try_from(seeded.below(400)).unwrap() - 120);
                let mut one = event(number.as_str(), round, STATUSES[seeded.below(10)], at);
                if seeded.below(4) == 0 {
                    one.position = Some(Position { latitude: f64::from(round), longitude: 1.0 });
                }
                if seeded.below(5) == 0 {
                    one.corrects = Some(format!("{number}-{}", seeded.below(60)));
                }
                let change = dock.record(dock.by.org, &[one]).await.change.unwrap();
                for _ in 0..seeded.below(3) {
                    tell_shipments(&dock.workers.ledger, change).await;
                    if seeded.below(2) == 0 {
                        dock.drain().await;
                    }
                }
            }
        }
    }
    dock.drain().await;
    dock.sweep().await;
    assert_eq!(dock.count("SELECT count(*) FROM cargo_marks").await, 0);
    let mut conn = dock.workers.db.app.acquire().await.unwrap();
    let mut moved = 0;
    for number in &numbers {
        let stands = standing(&mut conn, dock.by.org, number.as_str()).await.unwrap();
        let shipment = dock.read(number).await;
        assert_eq!(judge(shipment.status, shipment.acted_at, &stands), Step::Nothing, "{shipment:?} {stands:?}");
        if shipment.ended_at.is_none() {
            assert_eq!((shipment.position, shipment.seen_at), (stands.position, stands.seen_at), "{number}");
        }
        moved += usize::from(shipment.status != ShipmentStatus::Pending);
    }
    assert!(moved > 6, "only {moved} have moved");
    drop(conn);
    dock.close().await;
}
