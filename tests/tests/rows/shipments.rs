use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

use crate::escrow::offered;

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

pub(crate) async fn site(of: &Person, name: &str, capacity: Option<i64>) -> String {
    let site = json!({"region_id": EARTH, "name": name, "kind": "station", "latitude": 53.5, "longitude": 10,
        "capacity": capacity});
    id(&of.post("/v1/sites", site).await.ok())
}

/// An item of which there are so many units at a site, and where its levels are read.
pub(crate) async fn stocked(of: &Person, site: &str, units: i64) -> (String, String) {
    let item = json!({"category_id": market::testing::CONSOLES, "sku": "ice", "title": "Ice, 1 t"});
    let item = id(&of.post("/v1/items", item).await.ok());
    let levels = format!("/v1/items/{item}/stock");
    let _ = of.post(&format!("{levels}/{site}/adjust"), json!({"to": units})).await.ok();
    (item, levels)
}

pub(crate) fn path(shipment: &Value) -> String {
    format!("/v1/shipments/{}", shipment["tracking"].as_str().unwrap_or_default())
}

/// A station sends ice to another one: the delivery is changed and cancelled, which gives the units back once; another one is loaded,
/// arrives in parts where there is room, and the rest comes back. Weight and volume are never taken for units.
#[tokio::test(flavor = "multi_thread")]
async fn row_cargo_deliveries_create_edit_cancel_deliver() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let (from, to) = (site(&ann, "Shackleton", None).await, site(&ann, "Tycho", Some(6)).await);
    let (item, levels) = stocked(&ann, &from, 10).await;
    let level = async |site: &str| {
        let read = ann.get(&format!("{levels}/{site}")).await.ok();
        (read["on_hand"].as_i64().unwrap(), read["reserved"].as_i64().unwrap())
    };
    let ship = json!({"name": "Tug", "registration": "TY-7", "max_weight_g": 9_000_000, "max_volume_ml": 9_000_000});
    let ship = id(&ann.post("/v1/vehicles", ship).await.ok());
    let cargo = |quantity: i64| {
        json!({"from_site": from, "to_site": to, "vehicle": ship, "planned_pickup": "2099-01-01T00:00:00Z",
            "planned_delivery": "2099-01-02T00:00:00Z",
            "lines": [{"item_id": item, "quantity": quantity, "weight_g": 1_000_000, "volume_ml": 1_100_000}]})
    };

    ann.post("/v1/shipments", cargo(11)).await.refused(409, "vehicle_full");
    let first = path(&ann.post("/v1/shipments", cargo(4)).await.ok());
    assert_eq!(level(&from).await, (10, 4));
    let lighter = json!({"lines": [{"line": 1, "weight_g": 900_000, "volume_ml": 900_000}]});
    let edited = ann.patch(&first, lighter).await.ok();
    assert_eq!((&edited["lines"][0]["quantity"], level(&from).await), (&json!(4), (10, 4)));
    let edited =
        ann.patch(&first, json!({"carrier": "Moon Freight", "lines": [{"line": 1, "quantity": 3}]})).await.ok();
    assert_eq!((&edited["carrier"], level(&from).await), (&json!("Moon Freight"), (10, 3)));
    let _ = ann.post(&format!("{first}/cancel"), json!({})).await.ok();
    for _ in 0..2 {
        assert_eq!(level(&from).await, (10, 0));
        ann.post(&format!("{first}/cancel"), json!({})).await.refused(409, "shipment_status");
    }

    let second = path(&ann.post("/v1/shipments", cargo(8)).await.ok());
    let act = async |act: &str, body: Value| ann.post(&format!("{second}/{act}"), body).await;
    act("deliver", json!({})).await.refused(409, "shipment_status");
    let _ = act("pick-up", json!({})).await.ok();
    assert_eq!(level(&from).await, (2, 0));
    act("cancel", json!({})).await.refused(409, "shipment_status");
    act("deliver", json!({})).await.refused(409, "site_full");
    let part = act("deliver", json!({"lines": [{"line": 1, "quantity": 6}]})).await.ok();
    assert_eq!((&part["status"], level(&to).await), (&json!("picked_up"), (6, 0)));
    let _ = act("fail", json!({"reason": "The store is full."})).await.ok();
    let _ = act("return", json!({})).await.ok();
    assert_eq!((level(&from).await, level(&to).await), ((4, 0), (6, 0)));

    // The event log has every act, once.
    market.until_quiet().await;
    for (shipment, status, acts) in [(&first, "cancelled", 4), (&second, "returned", 5)] {
        assert_eq!(ann.get(&format!("{shipment}/standing")).await.ok()["status"], status);
        assert_eq!(ann.get(&format!("{shipment}/events")).await.ok()["items"].as_array().unwrap().len(), acts);
    }
    let figures = ann.get("/v1/shipments/figures").await.ok();
    assert_eq!(
        (&figures["picked_up"], &figures["moved_ml"], &figures["ended"]),
        (&json!(1), &json!(8_800_000), &json!(1))
    );
    market.close().await;
}

/// A trade of two units at a site, agreed: its order and its checkout.
async fn traded(seller: &Person, buyer: &Person, item: &str, site: &str) -> (String, String) {
    let trade =
        json!({"buyer_org_id": buyer.org, "item_id": item, "site_id": site, "price": eur("50.00"), "quantity": 2});
    let offer = format!("/v1/offers/{}", id(&seller.post("/v1/trades", trade).await.ok()));
    let agreed = buyer.post(&format!("{offer}/accept"), json!({"version": 1})).await.ok();
    let name = |field: &str| agreed[field].as_str().unwrap_or_default().to_owned();
    (name("order"), name("checkout"))
}

/// A trade is delivered before it is paid, and paid afterwards: its payment is what the buyer has made of it, whatever carriers say.
async fn a_trade_is_delivered_and_then_paid(market: &TestInstallation, ann: &Person, bob: &Person, now: DateTime<Utc>) {
    let from = site(ann, "Copernicus", None).await;
    let (item, levels) = stocked(ann, &from, 5).await;
    let (order, checkout) = traded(ann, bob, &item, &from).await;
    let money = async || {
        let order = bob.get(&format!("/v1/orders/{order}")).await.ok();
        let checkout = bob.get(&format!("/v1/checkouts/{checkout}")).await.ok();
        let level = ann.get(&format!("{levels}/{from}")).await.ok();
        (order, checkout, ann.get("/v1/balances").await.ok(), level["reserved"].clone())
    };
    let agreed = money().await;
    assert_eq!(
        (&agreed.0["source"], &agreed.0["status"], &agreed.3),
        (&json!("trade"), &json!("pending_payment"), &json!(2))
    );
    let cargo = json!({"order_id": order, "lines": [{"order_line": 1, "quantity": 2}]});
    let cargo = ann.post("/v1/shipments", cargo).await.ok();
    let (cargo, number) = (path(&cargo), cargo["tracking"].clone());
    let report = async |name: &str, status: &str, minutes: i64| {
        let event = json!({"source": "carrier", "source_event_id": format!("trade-{name}"), "shipment": number,
            "type": "actual", "status": status, "occurred_at": now + TimeDelta::minutes(minutes)});
        let _ = ann.post("/v1/cargo-events", event).await.ok();
    };
    report("1", "in_transit", 0).await;
    report("2", "delivered", 1).await;
    ann.until(&cargo, "status", "delivered").await;
    market.until_quiet().await;
    assert_eq!(money().await, agreed);
    bob.post(&format!("/v1/checkouts/{checkout}/cancel"), json!({})).await.refused(409, "goods_left");

    let paid = id(&bob.post(&format!("/v1/checkouts/{checkout}/pay"), json!({"method": "card"})).await.ok());
    bob.until(&format!("/v1/payments/{paid}"), "status", "held").await;
    bob.until(&format!("/v1/orders/{order}"), "status", "delivered").await;
    market.until_quiet().await;
    let escrow = async || bob.get(&format!("/v1/orders/{order}/escrow")).await.ok();
    let (held, of) = (money().await, escrow().await);
    assert_eq!((&of["status"], &held.1["status"], &held.3), (&json!("held"), &json!("paid"), &json!(0)));
    assert!(of["inspect_until"].is_string(), "{of}");
    report("3", "delivered", 2).await;
    market.until_quiet().await;
    assert_eq!((money().await, escrow().await), (held, of));

    assert_eq!(bob.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok()["status"], "completed");
    market.until_quiet().await;
}

/// The buyer of two trades never pays. What was only packed is called off when its time to pay is over; what was delivered stays owed, until
/// its seller writes it off: both are mailed once, the buyer has a strike, and no money has moved.
async fn a_trade_is_delivered_and_never_paid(
    market: &TestInstallation,
    admin: &Person,
    seller: &Person,
    buyer: &Person,
) {
    let from = site(seller, "Aristarchus", None).await;
    let (item, levels) = stocked(seller, &from, 5).await;
    let packed = async || {
        let (order, checkout) = traded(seller, buyer, &item, &from).await;
        let cargo = json!({"order_id": order, "lines": [{"order_line": 1, "quantity": 2}]});
        (order, checkout, path(&seller.post("/v1/shipments", cargo).await.ok()))
    };
    let ((order, checkout, sent), (other, _, kept)) = (packed().await, packed().await);
    let _ = seller.post(&format!("{sent}/pick-up"), json!({})).await.ok();
    let _ = buyer.post(&format!("{sent}/deliver"), json!({})).await.ok();
    let balances = seller.get("/v1/balances").await.ok();
    let write_off = async |by: &Person, order: &str| {
        let reason = json!({"reason": "Three letters came back."});
        by.post(&format!("/v1/orders/{order}/write-off"), reason).await
    };
    write_off(seller, &order).await.refused(409, "time_to_pay");

    market.pass_time_to_pay().await;
    let _ = admin.post("/v1/schedules/checkout.sweep/run-now", json!({})).await.ok();
    seller.until(&format!("/v1/orders/{other}"), "status", "expired").await;
    market.until_quiet().await;
    assert_eq!(seller.get(&format!("{kept}/standing")).await.ok()["status"], "cancelled");
    assert_eq!(buyer.get(&format!("/v1/orders/{order}")).await.ok()["status"], "pending_payment");

    write_off(seller, &other).await.refused(409, "checkout_ended");
    write_off(buyer, &order).await.refused(404, "not_found");
    assert_eq!(write_off(seller, &order).await.ok()["status"], "expired");
    write_off(seller, &order).await.refused(409, "checkout_ended");
    let pay = format!("/v1/checkouts/{checkout}/pay");
    buyer.post(&pay, json!({"method": "card"})).await.refused(409, "checkout_ended");
    let level = seller.get(&format!("{levels}/{from}")).await.ok();
    assert_eq!((&level["on_hand"], &level["reserved"]), (&json!(3), &json!(0)));
    let movements = seller.get(&format!("{levels}/{from}/movements")).await.ok();
    let last = &movements["items"][0];
    assert_eq!((&last["kind"], &last["reason"]), (&json!("write_off"), &json!("Three letters came back.")));
    let strikes = buyer.get("/v1/standing").await.ok()["strikes"].clone();
    assert_eq!((strikes.as_array().map(Vec::len), &strikes[0]["order"]), (Some(1), &json!(order)));
    market.until_quiet().await;
    assert_eq!(seller.get("/v1/balances").await.ok(), balances);
    for person in [seller, buyer] {
        assert_eq!(market.mails(person, "Written off: “Ice, 1 t”"), 1, "{}", person.email);
    }
}

/// What a buyer has paid stays as it is when it is delivered, by its own shipments or by a consignment that has nothing to do with it;
/// and what nobody has paid, a trade's, is not paid by that either, but paid later or written off.
#[tokio::test(flavor = "multi_thread")]
async fn row_delivered_never_alters_the_payment() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let (order, payment) = bought(&ann, &bob, 3).await;
    let money = async || {
        let escrow = bob.get(&format!("/v1/orders/{order}/escrow")).await.ok();
        let payment = bob.get(&format!("/v1/payments/{payment}")).await.ok();
        let balances = ann.get("/v1/balances").await.ok();
        (escrow["status"].clone(), escrow["released"].clone(), escrow["refunded"].clone(), payment, balances)
    };
    let before = money().await;
    assert_eq!(before.0, "held");

    let (from, to) = (site(&ann, "Shackleton", None).await, site(&bob, "Tycho", None).await);
    let (item, _) = stocked(&ann, &from, 5).await;
    let (_, theirs) = stocked(&bob, &to, 1).await;
    let consignment = json!({"consignee_org_id": bob.org, "from_site": from, "to_site": to,
        "lines": [{"item_id": item, "quantity": 2}]});
    let consignment = path(&ann.post("/v1/shipments", consignment).await.ok());
    let _ = ann.post(&format!("{consignment}/pick-up"), json!({})).await.ok();
    assert_eq!(bob.post(&format!("{consignment}/deliver"), json!({})).await.ok()["status"], "delivered");
    assert_eq!(bob.get(&format!("{theirs}/{to}")).await.ok()["on_hand"], 3);
    assert_eq!(
        (money().await, bob.get(&format!("/v1/orders/{order}")).await.ok()["status"].clone()),
        (before.clone(), json!("paid"))
    );

    for quantity in [2, 1] {
        let part = json!({"order_id": order, "lines": [{"order_line": 1, "quantity": quantity}]});
        let part = path(&ann.post("/v1/shipments", part).await.ok());
        let _ = ann.post(&format!("{part}/pick-up"), json!({})).await.ok();
        assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["status"], "in_fulfilment");
        assert_eq!(bob.post(&format!("{part}/deliver"), json!({})).await.ok()["status"], "delivered");
        assert_eq!(money().await, before);
    }
    assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["status"], "delivered");
    let escrow = bob.get(&format!("/v1/orders/{order}/escrow")).await.ok();
    assert!(escrow["inspect_until"].is_string(), "{escrow}");
    market.until_quiet().await;
    assert_eq!(money().await, before);
    let (cid, dee) = (market.trader(&admin, "Cid").await, market.trader(&admin, "Dee").await);
    let now = sqlx::query_scalar("SELECT now()").fetch_one(&market.db.pool).await.unwrap();
    a_trade_is_delivered_and_then_paid(&market, &cid, &dee, now).await;
    // Both hear once of what is theirs.
    let sent = "SELECT template, count(*), count(DISTINCT user_id)
                FROM emails
                WHERE template IN ('offer_received', 'offer_accepted', 'order_completed')
                GROUP BY template
                ORDER BY template";
    let sent: Vec<(String, i64, i64)> = sqlx::query_as(sent).fetch_all(&market.db.pool).await.unwrap();
    let of = |template: &str, mails, people| (template.to_owned(), mails, people);
    assert_eq!(sent, [of("offer_accepted", 2, 2), of("offer_received", 1, 1), of("order_completed", 2, 2)]);
    a_trade_is_delivered_and_never_paid(&market, &admin, &dee, &cid).await;
    market.close().await;
}

/// Buys so many units, and pays them; the order and its payment.
async fn bought(seller: &Person, buyer: &Person, units: i64) -> (String, String) {
    let line = json!({"listing": offered(seller).await, "quantity": units, "price": eur("100.00")});
    let placed = buyer.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let pay = format!("/v1/checkouts/{}/pay", id(&placed));
    let payment = id(&buyer.post(&pay, json!({"method": "card"})).await.ok());
    buyer.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    (id(&placed["orders"][0]), payment)
}

/// From the order over the escrow to two shipments that both sides can follow, one made by hand and one of the rest; each step is
/// mailed once to whom it concerns, and the seller is paid when the buyer accepts.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_purchase_ships_and_both_are_mailed_once() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let (order, _) = bought(&ann, &bob, 4).await;
    let part = json!({"order_id": order, "carrier": "Hansa Freight", "lines": [{"order_line": 1, "quantity": 1}]});
    let part = path(&ann.post("/v1/shipments", part).await.ok());
    assert_eq!(ann.post(&format!("/v1/orders/{order}/ship"), json!({})).await.ok()["status"], "in_fulfilment");
    ann.post(&format!("/v1/orders/{order}/ship"), json!({})).await.refused(409, "order_status");
    for side in [&ann, &bob] {
        let listed = side.get(&format!("/v1/shipments?order={order}")).await.ok();
        let quantities: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|it| it["lines"][0]["quantity"].clone()).collect();
        assert_eq!(quantities, [3, 1]);
        assert_eq!(side.get(&part).await.ok()["status"], "picked_up");
    }
    assert_eq!(bob.post(&format!("/v1/orders/{order}/receive"), json!({})).await.ok()["status"], "delivered");
    assert_eq!(bob.get(&part).await.ok()["status"], "delivered");
    assert_eq!(bob.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok()["status"], "completed");
    market.until_quiet().await;
    let mails = market.mail.list();
    for (person, subject) in [
        (&ann, "Paid, please send: “A console”"),
        (&bob, "Paid: “A console”"),
        (&bob, "On its way: “A console”"),
        (&ann, "Arrived: “A console”"),
        (&bob, "Arrived: “A console”"),
        (&ann, "Completed: “A console”"),
        (&bob, "Completed: “A console”"),
    ] {
        let count = mails.iter().filter(|one| one.is_to(&person.email) && one.subject.contains(subject)).count();
        assert_eq!(count, 1, "{subject} to {}", person.email);
    }
    market.close().await;
}
