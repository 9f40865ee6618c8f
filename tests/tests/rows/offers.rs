use std::time::Duration;

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";

fn terms(amount: &str, quantity: i64) -> Value {
    json!({"price": eur(amount), "quantity": quantity})
}

async fn item(by: &Person, sku: &str) -> String {
    id(&by.post("/v1/items", json!({"category_id": CONSOLES, "sku": sku, "title": "Console"})).await.ok())
}

/// Lists three units in this way.
async fn listed(by: &Person, title: &str, mode: &str) -> String {
    let new =
        json!({"item_id": item(by, title).await, "title": title, "sale_mode": mode, "currency": "EUR", "quantity": 3});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

async fn offer(by: &Person, listing: &str, terms: Value) -> String {
    format!("/v1/offers/{}", id(&by.post(&format!("/v1/listings/{listing}/offers"), terms).await.ok()))
}

/// Buyer and seller haggle by turns, each told of the other's terms; of two accepts one makes the order, which is paid like any
/// other; what was sold meanwhile is refused and the offer stays; a seller answers what somebody wants.
#[tokio::test(flavor = "multi_thread")]
async fn row_offers_and_counter_offers() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.trader(&admin, "Eve").await;

    let goods = listed(&ann, "Haggled console", "offer").await;
    let made = offer(&bob, &goods, terms("70.00", 2)).await;
    market.mail_to(&ann.email, "An offer for Haggled console").await;
    let _ =
        ann.post(&format!("{made}/counter"), json!({"version": 1, "price": eur("90.00"), "quantity": 2})).await.ok();
    market.mail_to(&bob.email, "Other terms for Haggled console").await;
    let _ =
        bob.post(&format!("{made}/counter"), json!({"version": 2, "price": eur("80.00"), "quantity": 2})).await.ok();
    // What was shown before is not what stands.
    ann.post(&format!("{made}/accept"), json!({"version": 1})).await.refused(409, "offer_changed");
    let path = format!("{made}/accept");
    let (one, other) = tokio::join!(ann.post(&path, json!({"version": 3})), ann.post(&path, json!({"version": 3})));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
    let orders: i64 =
        sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&market.db.pool).await.expect("a count");
    assert_eq!(orders, 1);
    for person in [&ann, &bob] {
        market.mail_to(&person.email, "Agreed: Haggled console").await;
    }
    let accepted = bob.get(&made).await.ok();
    let order = format!("/v1/orders/{}", accepted["order"].as_str().expect("an order"));
    let placed = bob.get(&order).await.ok();
    assert_eq!((&placed["source"], &placed["total"]), (&json!("offer"), &eur("160.00")));
    let pay = format!("/v1/checkouts/{}/pay", accepted["checkout"].as_str().expect("a checkout"));
    let _ = bob.post(&pay, json!({"method": "card"})).await.ok();
    let mut paid = Value::Null;
    for _ in 0..600 {
        paid = ann.get(&order).await.ok();
        if paid["status"] == "paid" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(paid["status"], "paid", "{paid}");

    // One is left: of two who want it, one gets it.
    let (late, rival) = (offer(&bob, &goods, terms("85.00", 1)).await, offer(&eve, &goods, terms("95.00", 1)).await);
    let _ = ann.post(&format!("{rival}/accept"), json!({"version": 1})).await.ok();
    ann.post(&format!("{late}/accept"), json!({"version": 1})).await.refused(409, "out_of_stock");
    assert_eq!(bob.get(&late).await.ok()["status"], "open");
    let _ = ann.post(&format!("{late}/decline"), json!({"version": 1})).await.ok();
    market.mail_to(&bob.email, "Declined: your offer for Haggled console").await;

    let wanted = listed(&bob, "Wanted console", "wanted").await;
    let answer =
        json!({"price": eur("60.00"), "quantity": 3, "item_id": item(&eve, "answer").await, "note": "As new."});
    let answer = offer(&eve, &wanted, answer).await;
    let mail = market.mail_to(&bob.email, "An offer for Wanted console").await;
    assert!(mail.contains("Eve Ltd") && mail.contains("As new."), "{mail}");
    let accepted = bob.post(&format!("{answer}/accept"), json!({"version": 1})).await.ok();
    let order = eve.get(&format!("/v1/orders/{}", accepted["order"].as_str().expect("an order"))).await.ok();
    assert_eq!((&order["buyer_name"], &order["total"]), (&json!("Bob Ltd"), &eur("180.00")));

    let again = offer(&bob, &listed(&ann, "Another console", "offer").await, terms("10.00", 1)).await;
    let _ = bob.post(&format!("{again}/withdraw"), json!({"version": 1})).await.ok();
    market.mail_to(&ann.email, "Withdrawn: the offer for Another console").await;
    ann.post(&format!("{again}/accept"), json!({"version": 1})).await.refused(409, "offer_ended");
    market.close().await;
}
