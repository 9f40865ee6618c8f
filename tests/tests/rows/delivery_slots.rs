#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::clock::Clock;
use tests::installation::TestInstallation;
use tests::installation::people::{Answer, Person, id};

use super::appointments::{bought, depot};

/// The free slots of the days after tomorrow.
async fn slots(by: &Person, order: &str, kind: &str) -> Vec<Value> {
    let first = Clock::SYSTEM.now().date_naive() + TimeDelta::days(2);
    let last = first + TimeDelta::days(6);
    let read = by.get(&format!("/v1/orders/{order}/slots?first_day={first}&last_day={last}&kind={kind}")).await.ok();
    read["items"].as_array().expect("slots").clone()
}

fn begins(slot: &Value) -> DateTime<Utc> {
    slot["starts_at"].as_str().expect("a time").parse().expect("a time")
}

async fn book(by: &Person, order: &str, slot: &Value) -> Answer {
    let new = json!({"kind": "delivery", "site": slot["site"], "starts_at": slot["starts_at"]});
    by.post(&format!("/v1/orders/{order}/appointments"), new).await
}

/// A seller with a van delivers from a depot, once at a time. Two buyers want the same slot at the same moment, one gets it, and the other
/// books the next one. Shipments are planned by that, those that wait and those that are made later, and follow when the buyer moves it.
#[tokio::test(flavor = "multi_thread")]
async fn row_delivery_slots_have_room_and_shipments_are_planned_by_them() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob, eve) =
        (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await, market.trader(&admin, "Eve").await);
    let depot = depot(&ann, "one").await;
    let (bobs, eves) = (bought(&bob, &depot.listing).await, bought(&eve, &depot.listing).await);
    assert!(slots(&bob, &bobs, "delivery").await.is_empty(), "the seller has not said when");
    let path = format!("/v1/sites/{}/hours", depot.site);
    let mut hours = ann.get(&path).await.ok();
    hours["deliveries"] = json!({"slot_minutes": 120, "capacity": 1, "windows": hours["windows"]});
    assert_eq!(ann.put(&path, hours.clone()).await.ok(), hours);
    let ship = async |order: &str| {
        let part = json!({"order_id": order, "lines": [{"order_line": 1, "quantity": 1}]});
        ann.post("/v1/shipments", part).await.ok()
    };
    for order in [&bobs, &eves] {
        assert_eq!(ship(order).await["planned_delivery"], Value::Null);
    }

    let free = slots(&bob, &bobs, "delivery").await;
    let slot = free[0].clone();
    assert_eq!((&slot["kind"], &slot["site"], &slot["free"]), (&json!("delivery"), &json!(depot.site), &json!(1)));
    let (one, two) = tokio::join!(book(&bob, &bobs, &slot), book(&eve, &eves, &slot));
    let (winner, loser, order, waits, booked) = match (one.status.as_u16(), two.status.as_u16()) {
        (201, 409) => (&bob, &eve, bobs, eves, one.ok()),
        (409, 201) => (&eve, &bob, eves, bobs, two.ok()),
        other => panic!("{other:?}: {one:?} and {two:?}"),
    };
    assert_eq!((&booked["status"], &booked["ends_at"]), (&json!("booked"), &slot["ends_at"]));
    book(loser, &waits, &slot).await.refused(409, "slot_taken");
    let left = slots(loser, &waits, "delivery").await;
    assert_eq!((&left[0], left.len()), (&free[1], free.len() - 1));
    let collected = slots(loser, &waits, "collection").await;
    assert!(collected.iter().any(|free| begins(free) == begins(&slot)), "others can collect meanwhile");
    let next = left[0].clone();
    let second = book(loser, &waits, &next).await.ok();
    book(loser, &waits, &left[1]).await.refused(409, "appointment_exists");

    // What waits, and what is packed later.
    let planned = async |order: &str, until: &Value| {
        let shipments = ann.get(&format!("/v1/shipments?order={order}")).await.ok()["items"].clone();
        let shipments = shipments.as_array().expect("shipments");
        assert!(shipments.iter().all(|shipment| shipment["planned_delivery"] == *until), "{until}: {shipments:?}");
        shipments.len()
    };
    assert_eq!(ship(&order).await["planned_delivery"], slot["ends_at"]);
    assert_eq!((planned(&order, &slot["ends_at"]).await, planned(&waits, &next["ends_at"]).await), (2, 1));

    // Moved, and taken by the other one at once.
    let path = format!("/v1/appointments/{}", id(&booked));
    let to = |slot: &Value| json!({"starts_at": slot["starts_at"]});
    winner.post(&format!("{path}/move"), to(&next)).await.refused(409, "slot_taken");
    let last = left.last().expect("a slot");
    let moved = winner.post(&format!("{path}/move"), to(last)).await.ok();
    assert_eq!((&moved["starts_at"], &moved["ends_at"]), (&last["starts_at"], &last["ends_at"]));
    assert_eq!(planned(&order, &last["ends_at"]).await, 2);
    let other = format!("/v1/appointments/{}/move", id(&second));
    let _ = loser.post(&other, to(&slot)).await.ok();
    assert_eq!(planned(&waits, &slot["ends_at"]).await, 1);
    winner.post(&format!("{path}/pass"), json!({})).await.refused(409, "not_collected");

    market.until_quiet().await;
    for (person, subject, count) in [
        (winner, "Delivery booked", 1),
        (loser, "Delivery booked", 1),
        (&ann, "Delivery booked", 2),
        (winner, "Delivery moved", 1),
        (loser, "Delivery moved", 1),
        (&ann, "Delivery moved", 2),
    ] {
        assert!(market.mail_to(&person.email, subject).await.contains("Delivered from: Depot"));
        assert_eq!(market.mails(person, subject), count, "{subject} to {}", person.email);
    }
    market.close().await;
}
