#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use std::collections::BTreeSet;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use shared::testing::{NetworkFault, Proxy, server};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur};

const BUYERS: usize = 10;
const ORDERS: usize = 100;

/// The orders that mails with this in their subject are about, and how many mails these are.
async fn told_of(market: &TestInstallation, to: &[&Person], subject: &str) -> (BTreeSet<String>, usize) {
    let order = Regex::new("/orders/([0-9a-f-]{36})").unwrap();
    let (mut orders, mut mails) = (BTreeSet::new(), 0);
    for mail in market.mail.list() {
        if mail.subject.contains(subject) && to.iter().any(|person| mail.is_to(&person.email)) {
            let raw = market.mail.raw(mail.id).await.unwrap().unwrap();
            let raw = String::from_utf8_lossy(&raw).replace("=\r\n", "");
            orders.insert(order.captures(&raw).unwrap_or_else(|| panic!("no order: {raw}"))[1].to_owned());
            mails += 1;
        }
    }
    (orders, mails)
}

/// Buyers order this far apart while RabbitMQ is away, which carries the mails. They notice nothing; when it is back, each order's buyer
/// and seller have one mail.
async fn orders_while_away(apart: Duration) {
    let (proxy, url) = Proxy::before(&server("AMQP_URL")).await.unwrap();
    let market = TestInstallation::with(&[("AMQP_URL", url)]).await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let mut buyers = Vec::new();
    for number in 0..BUYERS {
        buyers.push(market.trader(&admin, &format!("Buyer {number}")).await);
    }
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("12.50"), "quantity": ORDERS})).await;
    assert_eq!(admin.get("/v1/queues/emails").await.ok()["transport"], "rabbit");
    market.until_quiet().await;

    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    let (buy, one) = (format!("/v1/listings/{listing}/buy"), json!({"quantity": 1, "price": eur("12.50")}));
    for number in 0..ORDERS {
        assert_eq!(buyers[number % BUYERS].post(&buy, one.clone()).await.status, 201, "order {number}");
        tokio::time::sleep(apart).await;
    }
    let away = |queue: &Value| queue["dispatcher"]["broker_error"].is_string();
    admin.until_that("/v1/queues/emails", away).await;
    assert_eq!(told_of(&market, &[&ann], "New order").await, (BTreeSet::new(), 0), "nothing carries a mail");
    proxy.set(NetworkFault::None);
    market.until_quiet().await;

    let orders = "SELECT id::text FROM orders";
    let orders: Vec<String> = sqlx::query_scalar(orders).fetch_all(&market.db.pool).await.unwrap();
    let orders: BTreeSet<_> = orders.into_iter().collect();
    assert_eq!(orders.len(), ORDERS);
    let buyers: Vec<&Person> = buyers.iter().collect();
    for (side, subject) in [(vec![&ann], "New order"), (buyers, "Your order")] {
        assert_eq!(told_of(&market, &side, subject).await, (orders.clone(), ORDERS), "{subject}");
    }
    market.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn row_a_broker_away_during_100_orders_and_100_mails_after_it() {
    orders_while_away(Duration::ZERO).await;
}

/// The same over a minute.
#[tokio::test(flavor = "multi_thread")]
async fn soak_a_broker_away_for_a_minute_during_100_orders() {
    orders_while_away(Duration::from_millis(600)).await;
}
