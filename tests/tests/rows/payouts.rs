use std::time::Duration;

use serde_json::{Value, json};
use sinks::payments::Fault;
use sinks::simulator::AccountState;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

use super::escrow::offered;

/// The first of a list, once it has this status.
async fn first(by: &Person, path: &str, status: &str) -> Value {
    for _ in 0..600 {
        let listed = by.get(path).await.ok();
        if listed["items"][0]["status"] == status {
            return listed["items"][0].clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after a minute {path} is {:?}", by.get(path).await);
}

/// What a seller has on one of its accounts.
async fn balance(of: &Person, kind: &str) -> Value {
    let balances = of.get("/v1/balances").await.ok();
    let items = balances["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().find(|it| it["kind"] == kind).map_or(Value::Null, |it| it["amount"].clone())
}

/// A seller is paid out what was earned, while the provider loses every answer once: the payout waits for an account and goes on by
/// itself when the provider's webhook says that there is one. Buyer and seller read the invoice and, after a refund out of the
/// seller's earnings, its credit note.
#[tokio::test(flavor = "multi_thread")]
async fn row_payouts_and_invoices() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    let sell = async |quantity: u32| {
        let line = json!({"listing": listing, "quantity": quantity, "price": eur("100.00")});
        let placed = bob.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
        let payment = bob.post(&format!("/v1/checkouts/{}/pay", id(&placed)), json!({"method": "card"})).await.ok();
        bob.until(&format!("/v1/payments/{}", id(&payment)), "status", "held").await;
        let order = id(&placed["orders"][0]);
        let _ = ann.post(&format!("/v1/orders/{order}/ship"), json!({})).await.ok();
        let _ = bob.post(&format!("/v1/orders/{order}/receive"), json!({})).await.ok();
        let _ = bob.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok();
        order
    };
    let order = sell(2).await;
    assert_eq!(balance(&ann, "receivable").await, eur("190.00"));

    // The daily run finds no account to pay to.
    let run = async || admin.post("/v1/schedules/payouts.run/run-now", json!({})).await.ok();
    let _ = run().await;
    let waiting = first(&ann, "/v1/payouts", "waiting").await;
    assert_eq!(waiting["amount"], eur("190.00"));
    market.mail_to(&ann.email, "190.00 EUR waits for your payout account").await;

    // Ann opens one; the answer is lost, and so are the two of the payout.
    market.payments.inject(Fault::LoseReplies { times: 1 });
    let account = ann.post("/v1/payout-accounts", json!({})).await.ok();
    let path = format!("/v1/payout-accounts/{}", id(&account));
    for _ in 0..600 {
        if ann.get(&path).await.ok()["checked_at"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let name: String =
        sqlx::query_scalar("SELECT provider_ref FROM payout_accounts").fetch_one(&market.db.pool).await.unwrap();
    market.payments.inject(Fault::LoseReplies { times: 2 });
    market.payments.inject(Fault::RepeatWebhooks { times: 1 });
    assert!(market.payments.set_account(&name, AccountState::Active));
    ann.until(&path, "status", "active").await;
    let paid = first(&ann, "/v1/payouts", "paid").await;
    assert_eq!((&paid["id"], &paid["amount"]), (&waiting["id"], &eur("190.00")));
    assert_eq!(market.payments.disbursements(), 2, "one way to the account, one from there to the bank");
    market.mail_to(&ann.email, "190.00 EUR is on its way to your bank").await;

    // Both read the invoice.
    let documents = bob.get(&format!("/v1/orders/{order}/invoices")).await.ok();
    let invoice = &documents["items"][0];
    assert_eq!((&invoice["number"], &invoice["gross"]), (&json!(1), &eur("200.00")));
    assert_eq!(ann.get("/v1/invoices?side=seller").await.ok()["items"], documents["items"]);
    assert_eq!(bob.get("/v1/invoices?side=buyer").await.ok()["items"], documents["items"]);

    // A part goes back when all was paid out: it is owed, and kept back of the next sale.
    let back = json!({"from": "earned", "amount": eur("100.00"), "reason": "One does not work."});
    let _ = ann.post(&format!("/v1/orders/{order}/refunds"), back).await.ok();
    assert_eq!(balance(&ann, "debt").await, eur("-95.00"));
    first(&bob, &format!("/v1/orders/{order}/refunds"), "done").await;
    let documents = bob.get(&format!("/v1/orders/{order}/invoices")).await.ok();
    let credit = &documents["items"][1];
    assert_eq!((&credit["kind"], &credit["gross"]), (&json!("credit_note"), &eur("100.00")));
    assert_eq!(credit["refers_to"], documents["items"][0]["id"]);
    let _ = sell(2).await;
    assert_eq!((balance(&ann, "receivable").await, balance(&ann, "debt").await), (eur("95.00"), eur("0.00")));
    let _ = run().await;
    let mut payouts = Value::Null;
    for _ in 0..600 {
        payouts = ann.get("/v1/payouts").await.ok();
        if payouts["items"][1]["id"] == paid["id"] && payouts["items"][0]["status"] == "paid" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((&payouts["items"][0]["status"], &payouts["items"][0]["amount"]), (&json!("paid"), &eur("95.00")));

    market.until_quiet().await;
    let sum: i64 = sqlx::query_scalar("SELECT sum(amount_minor)::bigint FROM money_entries")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    let gaps: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice_gaps").fetch_one(&market.db.pool).await.unwrap();
    assert_eq!((sum, gaps), (0, 0));
    market.close().await;
}
