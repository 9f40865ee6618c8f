use chrono::{DateTime, TimeDelta, Utc};
use market::testing::database_time;
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::escrow::tests::TestSale;
use crate::testing::{Answer, Person};

/// A paid order of one unit, and a site of its seller that is open all week, with slots of an hour.
struct Depot {
    sale: TestSale,
    site: String,
}

impl Depot {
    async fn new() -> Self {
        let sale = TestSale::new().await;
        let earth = "01900000-0000-7000-8001-000000000001";
        let site = json!({"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
        let site = sale.api.post(Some(&sale.ann), "/v1/sites", site).await.ok()["id"].as_str().unwrap().to_owned();
        let depot = Self { sale, site };
        assert_eq!(depot.open(&depot.sale.ann, &hours()).await.status, 200);
        depot
    }

    async fn open(&self, who: &Person, hours: &Value) -> Answer {
        self.sale.api.call(Some(who), Method::PUT, &format!("/v1/sites/{}/hours", self.site), hours.clone()).await
    }

    async fn in_days(&self, days: i64) -> DateTime<Utc> {
        let now = database_time(&mut self.sale.api.db.pool.acquire().await.unwrap()).await;
        DateTime::from_timestamp((now.timestamp() / 3_600 + 24 * days) * 3_600, 0).unwrap()
    }

    fn appointments(&self) -> String {
        format!("/v1/orders/{}/appointments", self.sale.order)
    }

    async fn book(&self, who: &Person, starts_at: DateTime<Utc>) -> Answer {
        let new = json!({"kind": "collection", "site": self.site, "starts_at": starts_at});
        self.sale.keyed(who, &self.appointments(), &new).await
    }

    async fn step(&self, who: &Person, id: &str, act: &str, body: &Value) -> Answer {
        self.sale.api.post(Some(who), &format!("/v1/appointments/{id}/{act}"), body.clone()).await
    }

    async fn redeem(&self, who: &Person, pass: &str) -> Answer {
        self.sale.keyed(who, &format!("/v1/sites/{}/redeem", self.site), &json!({ "pass": pass })).await
    }

    async fn mails(&self) -> Vec<(String, i64)> {
        sqlx::query_as(
            "SELECT template, count(*) FROM emails WHERE template LIKE 'appointment%' GROUP BY template ORDER BY template",
        )
        .fetch_all(&self.sale.api.db.pool)
        .await
        .unwrap()
    }
}

fn hours() -> Value {
    let windows: Vec<_> = (1..=7).map(|day| json!({"weekday": day, "opens": "00:00", "closes": "24:00"})).collect();
    json!({"time_zone": "UTC", "slot_minutes": 60, "capacity": 1, "windows": windows, "closed_days": []})
}

#[tokio::test]
async fn an_order_is_collected_by_appointment_and_both_sides_hear_of_it() {
    let depot = Depot::new().await;
    let (sale, ann, bob) = (&depot.sale, &depot.sale.ann, &depot.sale.bob);
    let tomorrow = depot.in_days(2).await;
    depot.book(bob, tomorrow).await.refused(409, "not_paid");
    sale.paid().await;
    let day = tomorrow.date_naive();
    let slots = format!("/v1/orders/{}/slots?first_day={day}&last_day={day}", sale.order);
    let free = sale.api.get(Some(bob), &slots).await.ok()["items"].as_array().unwrap().clone();
    assert_eq!((free.len(), &free[0]["site"], &free[0]["free"]), (24, &json!(depot.site), &json!(1)));
    let made = depot.book(bob, tomorrow).await;
    assert_eq!((made.status.as_u16(), &made.body["status"]), (201, &json!("booked")));
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(made.headers["location"], format!("/v1/appointments/{id}"));
    assert_eq!(sale.api.get(Some(bob), &slots).await.ok()["items"].as_array().unwrap().len(), 23);
    depot.book(bob, tomorrow + TimeDelta::hours(1)).await.refused(409, "appointment_exists");
    let later = tomorrow + TimeDelta::hours(2);
    let moved = depot.step(bob, &id, "move", &json!({ "starts_at": later })).await.ok();
    assert_eq!(moved["starts_at"], json!(later));
    depot.step(ann, &id, "pass", &json!({})).await.refused(404, "not_found");
    let pass = depot.step(bob, &id, "pass", &json!({})).await.ok()["pass"].as_str().unwrap().to_owned();
    assert!(pass.starts_with("TP") && pass.len() == 28, "{pass}");
    depot.redeem(bob, &pass).await.refused(404, "not_found");
    let given = depot.redeem(ann, &pass).await.ok();
    assert_eq!((&given["status"], &given["id"]), (&json!("redeemed"), &json!(id)));
    depot.redeem(ann, &pass).await.refused(409, "pass_used");
    depot.step(bob, &id, "cancel", &json!({})).await.refused(409, "appointment_status");
    let order = sale.api.get(Some(bob), &format!("/v1/orders/{}", sale.order)).await.ok();
    assert_eq!(order["status"], "delivered");
    let shipments = sale.api.get(Some(bob), "/v1/shipments").await.ok()["items"].as_array().unwrap().clone();
    assert_eq!((shipments.len(), &shipments[0]["status"]), (1, &json!("delivered")));
    assert_eq!((sale.jobs("escrow.release").await, sale.jobs("escrow.notify").await), (1, 1));
    assert_eq!(depot.mails().await, [("appointment_booked".to_owned(), 2), ("appointment_moved".to_owned(), 2)]);
    for who in [ann, bob] {
        assert_eq!(sale.api.get(Some(who), &depot.appointments()).await.ok()["items"][0]["status"], "redeemed");
        assert_eq!(sale.api.get(Some(who), &format!("/v1/appointments/{id}")).await.ok()["site_name"], "Depot");
    }
    for path in [depot.appointments(), format!("/v1/appointments/{id}"), slots] {
        sale.api.get(Some(&sale.eve), &path).await.refused(404, "not_found");
    }
    depot.book(bob, later + TimeDelta::hours(9)).await.refused(409, "order_status");
    depot.sale.api.close().await;
}

#[tokio::test]
async fn a_delivery_takes_a_slot_of_the_site_that_it_comes_from() {
    let depot = Depot::new().await;
    let (sale, ann, bob) = (&depot.sale, &depot.sale.ann, &depot.sale.bob);
    sale.paid().await;
    let at = depot.in_days(2).await;
    let day = at.date_naive();
    let free = async |kind: &str| {
        let path = format!("/v1/orders/{}/slots?first_day={day}&last_day={day}{kind}", sale.order);
        sale.api.get(Some(bob), &path).await.ok()["items"].as_array().unwrap().clone()
    };
    assert!(free("&kind=delivery").await.is_empty(), "the site has no slots of deliveries");
    let mut open = hours();
    open["deliveries"] = json!({"slot_minutes": 120, "capacity": 1, "windows": open["windows"]});
    assert_eq!(depot.open(ann, &open).await.ok()["deliveries"], open["deliveries"]);
    let slots = free("&kind=delivery").await;
    let slot = &slots[0];
    assert_eq!((slots.len(), &slot["kind"], &slot["site"]), (12, &json!("delivery"), &json!(depot.site)));
    assert_eq!(free("").await, free("&kind=collection").await);
    assert_eq!(free("").await[0]["kind"], "collection");

    let new = json!({"kind": "delivery", "site": depot.site, "starts_at": slot["starts_at"]});
    sale.keyed(bob, &depot.appointments(), &new).await.refused(409, "not_for_delivery");
    let offered = "UPDATE listings SET delivery_options = '{freight}'";
    sqlx::query(offered).execute(&sale.api.db.pool).await.unwrap();
    let made = sale.keyed(bob, &depot.appointments(), &new).await;
    assert_eq!((made.status.as_u16(), &made.body["status"]), (201, &json!("booked")));
    assert_eq!((&made.body["ends_at"], &made.body["site_name"]), (&slot["ends_at"], &json!("Depot")));
    let next = json!({"kind": "delivery", "site": depot.site, "starts_at": slots[1]["starts_at"]});
    sale.keyed(bob, &depot.appointments(), &next).await.refused(409, "appointment_exists");
    assert_eq!((free("&kind=delivery").await.len(), free("").await.len()), (11, 24));
    let id = made.body["id"].as_str().unwrap();
    depot.step(bob, id, "pass", &json!({})).await.refused(409, "not_collected");
    let until = depot.step(bob, id, "move", &json!({"starts_at": at, "ends_at": at})).await;
    assert_eq!(until.refused(422, "invalid_value").body["errors"][0]["pointer"], "/ends_at");
    let moved = depot.step(bob, id, "move", &json!({"starts_at": slots[1]["starts_at"]})).await.ok();
    assert_eq!(moved["ends_at"], slots[1]["ends_at"]);
    assert_eq!(depot.mails().await, [("appointment_booked".to_owned(), 2), ("appointment_moved".to_owned(), 2)]);
    sale.act(ann, "ship").await.ok();
    assert!(free("&kind=delivery").await.is_empty(), "it has left");
    depot.step(bob, id, "move", &json!({"starts_at": slots[2]["starts_at"]})).await.refused(409, "nothing_to_deliver");
    depot.sale.api.close().await;
}

#[tokio::test]
async fn requests_that_are_not_possible_say_what_is_wrong_and_where() {
    let depot = Depot::new().await;
    let (sale, ann, bob) = (&depot.sale, &depot.sale.ann, &depot.sale.bob);
    sale.paid().await;
    let at = depot.in_days(2).await;
    let site = &depot.site;
    for (new, pointer) in [
        (json!({"kind": "collection", "starts_at": at}), "/site"),
        (json!({"kind": "collection", "site": uuid::Uuid::nil(), "starts_at": at}), "/site"),
        (json!({"kind": "collection", "site": site, "starts_at": at + TimeDelta::minutes(1)}), "/starts_at"),
        (json!({"kind": "collection", "site": site, "starts_at": at - TimeDelta::days(9)}), "/starts_at"),
        (json!({"kind": "collection", "site": site, "starts_at": at + TimeDelta::days(90)}), "/starts_at"),
        (json!({"kind": "collection", "site": site, "starts_at": at, "ends_at": at}), "/ends_at"),
        (json!({"kind": "delivery", "starts_at": at}), "/ends_at"),
        (json!({"kind": "delivery", "starts_at": at, "ends_at": at}), "/ends_at"),
        (json!({"kind": "delivery", "site": site, "starts_at": at, "ends_at": at}), "/ends_at"),
        (json!({"kind": "delivery", "site": site, "starts_at": at}), "/site"),
    ] {
        let refused = sale.keyed(bob, &depot.appointments(), &new).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{new}");
    }
    for (field, value, pointer) in [
        ("slot_minutes", json!(4), "/slot_minutes"),
        ("capacity", json!(101), "/capacity"),
        ("windows", json!([{"weekday": 8, "opens": "08:00", "closes": "09:00"}]), "/windows/0/weekday"),
        ("windows", json!([{"weekday": 1, "opens": "08:00", "closes": "08:00"}]), "/windows/0/closes"),
        ("deliveries", json!({"slot_minutes": 481, "capacity": 1, "windows": []}), "/deliveries/slot_minutes"),
        ("deliveries", json!({"slot_minutes": 60, "capacity": 0, "windows": []}), "/deliveries/capacity"),
        (
            "deliveries",
            json!({"slot_minutes": 60, "capacity": 1, "windows": [{"weekday": 1, "opens": "08:00", "closes": "07:00"}]}),
            "/deliveries/windows/0/closes",
        ),
    ] {
        let mut bad = hours();
        bad[field] = value;
        let refused = depot.open(ann, &bad).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{bad}");
    }
    let mut bad = hours();
    bad["windows"][0]["opens"] = json!("8 o'clock");
    depot.open(ann, &bad).await.refused(400, "invalid_body");
    depot.open(bob, &hours()).await.refused(404, "not_found");
    for days in ["first_day=2026-12-01&last_day=2026-11-30", "first_day=2026-12-01&last_day=2026-12-15"] {
        let path = format!("/v1/orders/{}/slots?{days}", sale.order);
        sale.api.get(Some(bob), &path).await.refused(422, "invalid_value");
    }
    let path = format!("/v1/orders/{}/slots?first_day=2026-12-01&last_day=2026-12-01&kind=party", sale.order);
    sale.api.get(Some(bob), &path).await.refused(400, "invalid_query");
    for pass in ["", &"x".repeat(101)] {
        depot.redeem(ann, pass).await.refused(422, "invalid_value");
    }
    depot.sale.api.close().await;
}

#[tokio::test]
async fn who_guesses_passes_waits_and_a_good_one_ends_the_count() {
    let depot = Depot::new().await;
    let (sale, ann, bob) = (&depot.sale, &depot.sale.ann, &depot.sale.bob);
    sale.paid().await;
    let id = depot.book(bob, depot.in_days(2).await).await.ok()["id"].as_str().unwrap().to_owned();
    let pass = depot.step(bob, &id, "pass", &json!({})).await.ok()["pass"].as_str().unwrap().to_owned();
    for _ in 0..19 {
        depot.redeem(ann, "TP00000000000000000000000000").await.refused(404, "not_found");
    }
    depot.redeem(ann, &pass).await.ok();
    for _ in 0..20 {
        depot.redeem(ann, "TP00000000000000000000000000").await.refused(404, "not_found");
    }
    let waits = depot.redeem(ann, &pass).await.refused(429, "too_many_attempts");
    assert!(waits.headers.contains_key("retry-after"));
    depot.sale.api.close().await;
}

#[tokio::test]
async fn a_redemption_that_is_sent_again_gets_the_same_answer() {
    let depot = Depot::new().await;
    let (sale, ann, bob) = (&depot.sale, &depot.sale.ann, &depot.sale.bob);
    sale.paid().await;
    let proposed = depot.book(ann, depot.in_days(2).await).await.ok();
    assert_eq!(proposed["status"], "proposed");
    let id = proposed["id"].as_str().unwrap();
    assert_eq!(depot.step(bob, id, "accept", &json!({})).await.ok()["status"], "booked");
    assert_eq!(depot.mails().await, [("appointment_booked".to_owned(), 2), ("appointment_proposed".to_owned(), 1)]);
    let pass = depot.step(bob, id, "pass", &json!({})).await.ok()["pass"].clone();
    let path = format!("/v1/sites/{}/redeem", depot.site);
    let send = async || {
        let request = sale.api.request(Method::POST, &path).header("idempotency-key", "gate-1");
        sale.api.send(crate::testing::with_token(request.json(&json!({ "pass": pass })), Some(ann))).await
    };
    let first = send().await;
    assert_eq!(first.status, 200);
    let again = send().await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    depot.sale.api.close().await;
}
