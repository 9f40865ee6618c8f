#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::clock::Clock;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

/// A seller's site with a stock book of one item, and a listing out of it.
pub(crate) struct Depot {
    pub(crate) site: String,
    pub(crate) listing: String,
    level: String,
}

pub(crate) async fn depot(by: &Person, sku: &str) -> Depot {
    let earth = "01900000-0000-7000-8001-000000000001";
    let site = json!({"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let site = id(&by.post("/v1/sites", site).await.ok());
    let item = json!({"category_id": market::testing::CONSOLES, "sku": sku, "title": "Console"});
    let item = id(&by.post("/v1/items", item).await.ok());
    let level = format!("/v1/items/{item}/stock/{site}");
    let _ = by.post(&format!("{level}/adjust"), json!({"to": 10})).await.ok();
    let new = json!({"item_id": item, "site_id": site, "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("100.00"), "quantity": 10, "delivery_options": ["pickup", "freight"]});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    let windows: Vec<_> = (1..=7).map(|day| json!({"weekday": day, "opens": "08:00", "closes": "18:00"})).collect();
    let hours = json!({"time_zone": "Europe/Berlin", "slot_minutes": 60, "capacity": 1, "windows": windows,
        "free_days": 2, "storage_fees": [eur("2.50")]});
    let _ = by.put(&format!("/v1/sites/{site}/hours"), hours).await.ok();
    Depot { site, listing, level }
}

/// A paid order of two units.
pub(crate) async fn bought(by: &Person, listing: &str) -> String {
    let line = json!({"listing": listing, "quantity": 2, "price": eur("100.00")});
    let placed = by.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let (checkout, order) = (id(&placed), id(&placed["orders"][0]));
    let payment = id(&by.post(&format!("/v1/checkouts/{checkout}/pay"), json!({"method": "card"})).await.ok());
    by.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    order
}

/// The free slots of the next days.
async fn slots(by: &Person, order: &str) -> Vec<Value> {
    let first = Clock::SYSTEM.now().date_naive();
    let last = first + TimeDelta::days(6);
    let read = by.get(&format!("/v1/orders/{order}/slots?first_day={first}&last_day={last}")).await.ok();
    read["items"].as_array().expect("slots").clone()
}

/// The first slot that begins more than a day from now.
pub(crate) async fn slot(by: &Person, order: &str) -> Value {
    let far = Clock::SYSTEM.now() + TimeDelta::hours(26);
    let starts = |slot: &Value| slot["starts_at"].as_str().expect("a time").parse::<DateTime<Utc>>().expect("a time");
    slots(by, order).await.into_iter().find(|slot| starts(slot) > far).expect("a slot")
}

pub(crate) async fn book(by: &Person, order: &str, slot: &Value) -> tests::installation::people::Answer {
    let new = json!({"kind": "collection", "site": slot["site"], "starts_at": slot["starts_at"]});
    by.post(&format!("/v1/orders/{order}/appointments"), new).await
}

/// Two buyers want the same slot of a depot and one gets it; its pass gives the goods out once, at that depot alone, and the sale goes on
/// as after any delivery. The one who had to wait is told of a time by the seller, and would like a delivery instead.
#[tokio::test(flavor = "multi_thread")]
async fn row_collection_by_appointment_and_release_pass() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob, eve) =
        (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await, market.trader(&admin, "Eve").await);
    let (depot, other) = (depot(&ann, "one").await, depot(&ann, "other").await);
    let (bobs, eves) = (bought(&bob, &depot.listing).await, bought(&eve, &depot.listing).await);
    let slot = slot(&bob, &bobs).await;
    assert_eq!((&slot["site"], &slot["free"]), (&json!(depot.site), &json!(1)), "where the goods are");
    let (one, two) = tokio::join!(book(&bob, &bobs, &slot), book(&eve, &eves, &slot));
    let (winner, loser, order, waits, booked) = match (one.status.as_u16(), two.status.as_u16()) {
        (201, 409) => (&bob, &eve, bobs, eves, one.ok()),
        (409, 201) => (&eve, &bob, eves, bobs, two.ok()),
        other => panic!("{other:?}: {one:?} and {two:?}"),
    };
    assert!(slots(loser, &waits).await.iter().all(|free| free["starts_at"] != slot["starts_at"]));
    book(loser, &waits, &slot).await.refused(409, "slot_taken");

    // The pass: shown to its buyer, good once, there, and for the latest one alone.
    let path = format!("/v1/appointments/{}", id(&booked));
    loser.get(&path).await.refused(404, "not_found");
    let old = winner.post(&format!("{path}/pass"), json!({})).await.ok()["pass"].clone();
    let pass = winner.post(&format!("{path}/pass"), json!({})).await.ok()["pass"].clone();
    let redeem = async |by: &Person, site: &str, pass: &Value| {
        by.post(&format!("/v1/sites/{site}/redeem"), json!({ "pass": pass })).await
    };
    redeem(&ann, &depot.site, &old).await.refused(404, "not_found");
    redeem(&ann, &other.site, &pass).await.refused(409, "pass_of_other_site");
    redeem(winner, &depot.site, &pass).await.refused(404, "not_found");
    let (first, second) = tokio::join!(redeem(&ann, &depot.site, &pass), redeem(&ann, &depot.site, &pass));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{first:?} and {second:?}");
    let read = winner.get(&format!("/v1/orders/{order}")).await.ok();
    assert_eq!(read["status"], "delivered");
    let shipment = winner.get(&format!("/v1/shipments?order={order}")).await.ok()["items"][0].clone();
    assert_eq!((&shipment["status"], &shipment["from_site"]), (&json!("delivered"), &json!(depot.site)));
    // Paying has taken the units out of the book; giving them out takes none again.
    assert_eq!(ann.get(&depot.level).await.ok()["on_hand"], 6);
    let _ = winner.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok();
    for person in [&ann, winner] {
        market.mail_to(&person.email, "Collection booked").await;
        market.mail_to(&person.email, "Arrived").await;
    }

    // The seller proposes another time, which the buyer accepts, moves and gives up for a delivery.
    let later = self::slot(loser, &waits).await;
    let proposed = book(&ann, &waits, &later).await.ok();
    assert_eq!(proposed["status"], "proposed");
    market.mail_to(&loser.email, "Appointment proposed").await;
    let path = format!("/v1/appointments/{}", id(&proposed));
    assert_eq!(loser.post(&format!("{path}/accept"), json!({})).await.ok()["status"], "booked");
    let free = slots(loser, &waits).await;
    let last = free.last().expect("a slot");
    let moved = loser.post(&format!("{path}/move"), json!({"starts_at": last["starts_at"]})).await.ok();
    assert_eq!(moved["starts_at"], last["starts_at"]);
    let _ = ann.post(&format!("{path}/cancel"), json!({})).await.ok();
    for (person, subject) in
        [(&ann, "Collection moved"), (&ann, "Collection cancelled"), (loser, "Collection cancelled")]
    {
        market.mail_to(&person.email, subject).await;
    }
    let until = last["ends_at"].clone();
    let wish = json!({"kind": "delivery", "starts_at": last["starts_at"], "ends_at": until});
    let _ = loser.post(&format!("/v1/orders/{waits}/appointments"), wish).await.ok();
    let shown = ann.get(&format!("/v1/orders/{waits}/appointments")).await.ok();
    assert_eq!((&shown["items"][0]["kind"], &shown["items"][0]["ends_at"]), (&json!("delivery"), &until));
    let part = json!({"order_id": waits, "lines": [{"order_line": 1, "quantity": 1}]});
    assert_eq!(ann.post("/v1/shipments", part).await.ok()["planned_delivery"], until);
    market.until_quiet().await;
    market.close().await;
}

/// Nobody comes, three times: both sides hear of each once, and another appointment is possible. Meanwhile storage begins to cost
/// something, each day once, and nothing is given out before it is settled; in the end the seller gives the money back.
#[tokio::test(flavor = "multi_thread")]
async fn row_storage_fee_and_no_show() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let depot = depot(&ann, "one").await;
    let order = bought(&bob, &depot.listing).await;
    let run = async |schedule: &str| {
        let _ = admin.post(&format!("/v1/schedules/{schedule}/run-now"), json!({})).await.ok();
    };
    for round in 1..=3 {
        let booked = id(&book(&bob, &order, &slot(&bob, &order).await).await.ok());
        let path = format!("/v1/appointments/{booked}");
        let pass = bob.post(&format!("{path}/pass"), json!({})).await.ok()["pass"].clone();
        let shift = async |from_now: &str| {
            let sql = "UPDATE appointments
                       SET starts_at = clock_timestamp() + $2::interval, ends_at = clock_timestamp() + $2::interval + interval '1 hour'
                       WHERE id = $1::uuid";
            sqlx::query(sql).bind(&booked).bind(from_now).execute(&market.db.pool).await.expect("moved");
        };
        shift("20 hours").await;
        for _ in 0..2 {
            run("appointments.remind").await;
            market.until_quiet().await;
        }
        shift("-3 hours").await;
        ann.post(&format!("/v1/sites/{}/redeem", depot.site), json!({ "pass": pass }))
            .await
            .refused(409, "pass_expired");
        run("appointments.end").await;
        let missed = bob.until(&path, "status", "missed").await;
        assert_eq!(missed["missed"], round);
    }
    for person in [&ann, &bob] {
        market.mail_to(&person.email, "Collection soon").await;
        market.mail_to(&person.email, "Not collected").await;
    }

    // Three days after those that cost nothing have begun, whoever looks how often.
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "UPDATE storage_terms
         SET due_at = due_at - (free_until - kept), free_until = kept
         FROM (SELECT clock_timestamp() - interval '2 days 1 hour') AS since (kept)",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.expect("aged");
    }
    tx.commit().await.expect("committed");
    let appointments = format!("/v1/orders/{order}/appointments");
    for _ in 0..3 {
        run("appointments.charge_storage").await;
    }
    let read = bob.until_that(&appointments, |read| read["storage"]["days"] == 3).await;
    assert_eq!((&read["storage"]["due"], &read["storage"]["per_day"]), (&eur("7.50"), &eur("2.50")));
    for person in [&ann, &bob] {
        market.mail_to(&person.email, "Storage").await;
    }
    let booked = id(&book(&bob, &order, &slot(&bob, &order).await).await.ok());
    let pass = bob.post(&format!("/v1/appointments/{booked}/pass"), json!({})).await.ok()["pass"].clone();
    ann.post(&format!("/v1/sites/{}/redeem", depot.site), json!({ "pass": pass })).await.refused(409, "storage_due");
    let settle = format!("/v1/orders/{order}/storage/settle");
    bob.post(&settle, json!({"how": "waived"})).await.refused(404, "not_found");
    assert_eq!(ann.post(&settle, json!({"how": "paid"})).await.ok()["due"], eur("0.00"));
    ann.post(&settle, json!({"how": "paid"})).await.refused(409, "nothing_due");
    let _ = ann.post(&format!("/v1/appointments/{booked}/cancel"), json!({})).await.ok();

    let all = json!({"amount": eur("200.00"), "reason": "Nobody came three times."});
    let _ = ann.post(&format!("/v1/orders/{order}/refunds"), all).await.ok();
    assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["status"], "refunded");
    market.until_quiet().await;
    let mails: Vec<(String, i64)> = sqlx::query_as(
        "SELECT template, count(*)
         FROM emails
         WHERE template LIKE 'appointment%' OR template LIKE 'storage%'
         GROUP BY template
         ORDER BY template",
    )
    .fetch_all(&market.db.pool)
    .await
    .expect("mails");
    let expected = [
        ("appointment_booked", 8),
        ("appointment_cancelled", 2),
        ("appointment_missed", 6),
        ("appointment_reminder", 6),
        ("storage_begun", 2),
    ];
    assert_eq!(mails, expected.map(|(template, count)| (template.to_owned(), count)), "each once for each side");
    let sum: i64 = sqlx::query_scalar("SELECT sum(amount_minor)::bigint FROM money_entries")
        .fetch_one(&market.db.pool)
        .await
        .expect("the ledger");
    assert_eq!(sum, 0);
    market.close().await;
}
