use serde_json::{Value, json};
use sinks::payments::Fault;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";

/// Puts five consoles on offer at 100 euros each.
pub(crate) async fn offered(by: &Person) -> String {
    let item = json!({"category_id": CONSOLES, "sku": "console", "title": "Console"});
    let item = id(&by.post("/v1/items", item).await.ok());
    let new = json!({"item_id": item, "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("100.00"), "quantity": 5});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

/// A buyer pays two sellers at once, while the provider loses answers and sends its webhooks twice; one order is delivered and
/// accepted by time, of the other a part goes back and the buyer accepts the rest. Every cent is where it belongs, once.
#[tokio::test(flavor = "multi_thread")]
async fn row_escrow_payment() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, eve) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Eve").await);
    let bob = market.trader(&admin, "Bob").await;
    let lines: Vec<Value> = [offered(&ann).await, offered(&eve).await]
        .iter()
        .map(|listing| json!({"listing": listing, "quantity": 2, "price": eur("100.00")}))
        .collect();
    let placed = bob.post("/v1/checkouts", json!({ "lines": lines })).await.ok();
    let checkout = id(&placed);
    assert_eq!((&placed["payable"], placed["orders"].as_array().map(Vec::len)), (&eur("400.00"), Some(2)));

    // A card that is declined, and then one that pays, with its answer lost and its webhooks sent twice.
    let pay = format!("/v1/checkouts/{checkout}/pay");
    let declined = id(&bob.post(&pay, json!({"method": "declined"})).await.ok());
    let declined = bob.until(&format!("/v1/payments/{declined}"), "status", "failed").await;
    assert!(declined["failure"].is_string(), "{declined}");
    market.payments.inject(Fault::LoseReplies { times: 1 });
    market.payments.inject(Fault::RepeatWebhooks { times: 2 });
    let payment = id(&bob.post(&pay, json!({"method": "card"})).await.ok());
    bob.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    assert_eq!(market.payments.payments(), 2, "the declined one and one that was taken");
    assert_eq!(bob.get(&format!("/v1/checkouts/{checkout}")).await.ok()["status"], "paid");
    bob.post(&pay, json!({"method": "card"})).await.refused(409, "checkout_ended");

    for person in [&ann, &eve] {
        market.mail_to(&person.email, "Paid, please send: “A console”").await;
    }
    market.mail_to(&bob.email, "Payment failed: “A console” and 1 more").await;
    market.mail_to(&bob.email, "Paid: “A console”").await;

    let order_of = |seller: &Person| {
        let orders = placed["orders"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mine = orders.iter().find(|order| order["seller_org_id"] == seller.org.as_str());
        id(mine.unwrap_or(&Value::Null))
    };
    let (first, second) = (order_of(&ann), order_of(&eve));
    for (seller, order) in [(&ann, &first), (&eve, &second)] {
        let held = seller.get(&format!("/v1/orders/{order}/escrow")).await.ok();
        assert_eq!((&held["status"], &held["amount"]), (&json!("held"), &eur("200.00")));
        let _ = seller.post(&format!("/v1/orders/{order}/ship"), json!({})).await.ok();
        let _ = bob.post(&format!("/v1/orders/{order}/receive"), json!({})).await.ok();
    }

    // Nobody finds fault with the first one until the time of inspection is over.
    let mut tx = market.db.pool.begin().await.unwrap();
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE escrows SET inspect_until = clock_timestamp() - interval '1 second' WHERE order_id = $1::uuid")
        .bind(&first)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'escrow.release' AND payload ->> 'order' = $1",
    )
    .bind(&first)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let released = ann.until(&format!("/v1/orders/{first}/escrow"), "status", "released").await;
    assert_eq!(released["released"], eur("200.00"));
    assert_eq!(ann.get(&format!("/v1/orders/{first}")).await.ok()["status"], "completed");

    // Of the second a part goes back, and the buyer accepts the rest.
    let part = json!({"amount": eur("50.00"), "reason": "One has a scratch."});
    let _ = eve.post(&format!("/v1/orders/{second}/refunds"), part).await.ok();
    let _ = bob.post(&format!("/v1/orders/{second}/accept"), json!({})).await.ok();
    let path = format!("/v1/orders/{second}/refunds");
    bob.until_that(&path, |refunds| refunds["items"][0]["status"] == "done").await;
    let ended = bob.get(&format!("/v1/orders/{second}/escrow")).await.ok();
    assert_eq!(
        (&ended["status"], &ended["released"], &ended["refunded"]),
        (&json!("partly"), &eur("150.00"), &eur("50.00"))
    );
    eve.post(&path, json!({"amount": eur("1.00"), "reason": "no"})).await.refused(409, "escrow_partly");

    // What everybody has, less the platform's 5 %, and the ledger's sum.
    let earned = async |seller: &Person| seller.get("/v1/balances").await.ok()["items"].clone();
    let receivable = |items: &Value| {
        let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().find(|it| it["kind"] == "receivable").map(|it| it["amount"].clone())
    };
    assert_eq!(receivable(&earned(&ann).await), Some(eur("190.00")));
    assert_eq!(receivable(&earned(&eve).await), Some(eur("142.50")));
    for person in [&ann, &eve] {
        market.mail_to(&person.email, "Completed: “A console”").await;
    }
    market.mail_to(&bob.email, "Refund: “A console”").await;
    market.until_quiet().await;
    let sum: i64 = sqlx::query_scalar("SELECT sum(amount_minor)::bigint FROM money_entries")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    let cash: i64 = sqlx::query_scalar(
        "SELECT sum(e.amount_minor)::bigint
         FROM money_entries AS e JOIN money_accounts AS a ON a.id = e.account_id WHERE a.kind = 'cash'",
    )
    .fetch_one(&market.db.pool)
    .await
    .unwrap();
    assert_eq!((sum, cash), (0, -35_000));
    // Each event was kept once, however often it came, and none is left open.
    let open = "SELECT count(*) FROM webhook_inbox WHERE outcome IS NULL";
    until_sql(&market.db.pool, open, 0).await;
    market.close().await;
}

/// The buyer's bank asks first. Who says no has not paid, and may try again; who says yes at the bank's page pays, once.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_buyer_confirms_a_payment_with_their_bank() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let line = json!({"listing": offered(&ann).await, "quantity": 1, "price": eur("100.00")});
    let checkout = id(&bob.post("/v1/checkouts", json!({ "lines": [line] })).await.ok());
    let pay = format!("/v1/checkouts/{checkout}/pay");
    for (passed, ends) in [(false, "failed"), (true, "held")] {
        let payment = id(&bob.post(&pay, json!({"method": "challenged"})).await.ok());
        let path = format!("/v1/payments/{payment}");
        let asked = bob.until_that(&path, |payment| payment["confirm_at"].is_string()).await;
        assert_eq!(asked["status"], "funding");
        bob.post(&pay, json!({"method": "card"})).await.refused(409, "payment_running");
        // What a browser does with the page's form; the bank then sends the buyer back to the shop.
        let bank = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = bank.post(asked["confirm_at"].as_str().unwrap());
        let answer =
            answer.header("content-type", "application/x-www-form-urlencoded").body(format!("passed={passed}"));
        let answered = answer.send().await.unwrap();
        assert_eq!(answered.status(), reqwest::StatusCode::SEE_OTHER);
        assert_eq!(answered.headers()["location"], format!("{}/", market.base));
        let decided = bob.until(&path, "status", ends).await;
        assert_eq!((decided["confirm_at"].is_null(), decided["failure"].is_string()), (true, !passed), "{decided}");
    }
    market.mail_to(&bob.email, "Payment failed: “A console”").await;
    market.mail_to(&ann.email, "Paid, please send: “A console”").await;
    assert_eq!(bob.get(&format!("/v1/checkouts/{checkout}")).await.ok()["status"], "paid");
    market.until_quiet().await;
}
