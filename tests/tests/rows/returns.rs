use std::time::Duration;

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

use crate::escrow::offered;

/// Puts units of a new item on offer at 100 euros each, out of a stock book; the listing, and where its level is read.
async fn stocked(by: &Person, site: &str, units: i64) -> (String, String) {
    let item = json!({"category_id": market::testing::CONSOLES, "sku": "stocked", "title": "Console"});
    let item = id(&by.post("/v1/items", item).await.ok());
    let level = format!("/v1/items/{item}/stock/{site}");
    let _ = by.post(&format!("{level}/adjust"), json!({"to": units})).await.ok();
    let _ = by.patch(&level, json!({"low_at": units - 2})).await.ok();
    let new = json!({"item_id": item, "site_id": site, "title": "Stocked console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("100.00"), "quantity": 50});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    (listing, level)
}

/// Asks for a return and brings it to where the seller has the goods; what it has become.
async fn sent_back(seller: &Person, buyer: &Person, order: &str, lines: &[(i16, i64, &str)]) -> Value {
    let wanted: Vec<_> = lines.iter().map(|(line, quantity, _)| json!({"line": line, "quantity": quantity})).collect();
    let request = json!({"lines": wanted, "reason": "not_needed", "text": "More than we need."});
    let back = id(&buyer.post(&format!("/v1/orders/{order}/returns"), request).await.ok());
    let step = |act: &str| format!("/v1/returns/{back}/{act}");
    let _ = seller.post(&step("approve"), json!({"note": "Please send it to the depot."})).await.ok();
    let _ = buyer.post(&step("send"), json!({"tracking": "Parcel 42"})).await.ok();
    let arrived: Vec<_> = lines.iter().map(|(line, _, to)| json!({"line": line, "disposition": to})).collect();
    let received = seller.post(&step("receive"), json!({"lines": arrived.clone()})).await.ok();
    // Nothing moves a second time, whoever asks again.
    seller.post(&step("receive"), json!({ "lines": arrived })).await.refused(409, "return_status");
    received
}

/// A buyer sends one of two lines back before the seller is paid, one part after, and the rest when nobody expects it: stock is where
/// the seller put it, the commission is what the kept goods cost, each refund has its credit note, and the books sum to zero.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_returned_line_puts_stock_and_commission_back_once() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let earth = "01900000-0000-7000-8001-000000000001";
    let depot = json!({"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let (listing, level) = stocked(&ann, &id(&ann.post("/v1/sites", depot).await.ok()), 10).await;
    let other = offered(&ann).await;
    let lines = [(&listing, 4), (&other, 2)]
        .map(|(listing, quantity)| json!({"listing": listing, "quantity": quantity, "price": eur("100.00")}));
    let placed = bob.post("/v1/checkouts", json!({ "lines": lines })).await.ok();
    let (checkout, order) = (id(&placed), id(&placed["orders"][0]));
    let payment = id(&bob.post(&format!("/v1/checkouts/{checkout}/pay"), json!({"method": "card"})).await.ok());
    bob.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    let on_hand = async || {
        let read = ann.get(&level).await.ok();
        (read["on_hand"].as_i64(), read["quarantined"].as_i64())
    };
    assert_eq!(on_hand().await, (Some(6), Some(0)));
    market.mail_to(&ann.email, "Running low").await;
    let _ = ann.post(&format!("/v1/orders/{order}/ship"), json!({})).await.ok();
    let _ = bob.post(&format!("/v1/orders/{order}/receive"), json!({})).await.ok();

    // Before the seller is paid: one unit that can be sold again, one that cannot.
    let order_of = |listing: &str| -> i16 {
        let lines = placed["orders"][0]["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        let place = lines.iter().position(|line| line["listing_id"] == listing).expect("a line");
        i16::try_from(place + 1).expect("a line")
    };
    let (counted, uncounted) = (order_of(&listing), order_of(&other));
    let first = sent_back(&ann, &bob, &order, &[(counted, 1, "on_hand"), (uncounted, 1, "quarantine")]).await;
    assert_eq!(
        (&first["status"], &first["refunded"], &first["share"]),
        (&json!("refunded"), &eur("200.00"), &eur("200.00"))
    );
    assert_eq!(on_hand().await, (Some(7), Some(0)));
    let _ = bob.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok();

    // After it: what the seller has earned goes back, and the platform's commission with it.
    let earned = async |kind: &str| {
        let sql = "SELECT coalesce(sum(e.amount_minor), 0)::bigint
                   FROM money_entries AS e JOIN money_accounts AS a ON a.id = e.account_id WHERE a.kind = $1";
        sqlx::query_scalar::<_, i64>(sql).bind(kind).fetch_one(&market.db.pool).await.unwrap()
    };
    assert_eq!((earned("receivable").await, earned("commission").await), (38_000, 2_000));
    let second = sent_back(&ann, &bob, &order, &[(counted, 2, "quarantine")]).await;
    assert_eq!((&second["status"], &second["refunded"]), (&json!("refunded"), &eur("200.00")));
    assert_eq!(on_hand().await, (Some(7), Some(2)));
    assert_eq!((earned("receivable").await, earned("commission").await), (19_000, 1_000));
    // The seller has looked at them: they are fine.
    let _ = ann.post(&format!("{level}/adjust"), json!({"release": 2})).await.ok();
    ann.post(&format!("{level}/adjust"), json!({"write_off": 1})).await.refused(409, "out_of_stock");
    assert_eq!(on_hand().await, (Some(9), Some(0)));
    market.mail_to(&ann.email, "No longer low").await;

    // The rest is sent, and nobody says that it has arrived.
    let rest =
        json!({"lines": [{"line": counted, "quantity": 1}, {"line": uncounted, "quantity": 1}], "reason": "other"});
    let rest = id(&bob.post(&format!("/v1/orders/{order}/returns"), rest).await.ok());
    let _ = ann.post(&format!("/v1/returns/{rest}/approve"), json!({})).await.ok();
    let _ = bob.post(&format!("/v1/returns/{rest}/send"), json!({"tracking": "Parcel 43"})).await.ok();
    let mut tx = market.db.pool.begin().await.unwrap();
    for sql in [
        "UPDATE returns SET due_at = clock_timestamp() - interval '1 second' WHERE id = $1::uuid",
        "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'returns.lapse' AND payload ->> 'return' = $1::text",
    ] {
        sqlx::query(sql).bind(&rest).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let last = bob.until(&format!("/v1/returns/{rest}"), "status", "refunded").await;
    assert_eq!(last["refunded"], eur("200.00"));
    assert_eq!(on_hand().await, (Some(9), Some(1)));
    assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["status"], "refunded");
    assert_eq!((earned("receivable").await, earned("commission").await, earned("held").await), (0, 0, 0));

    // Each refund reaches the buyer and has its credit note.
    let refunds = format!("/v1/orders/{order}/refunds");
    for _ in 0..600 {
        let given = bob.get(&refunds).await.ok();
        if given["items"].as_array().is_some_and(|all| all.iter().all(|one| one["status"] == "done")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let given = bob.get(&refunds).await.ok();
    let given = given["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let causes: Vec<_> = given.iter().map(|one| (&one["cause"], &one["status"])).collect();
    assert_eq!(causes, [(&json!("return"), &json!("done")); 3]);
    let documents = bob.get(&format!("/v1/orders/{order}/invoices")).await.ok();
    let documents = documents["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let credited: Vec<_> =
        documents.iter().filter(|one| one["kind"] == "credit_note").map(|one| &one["gross"]).collect();
    assert_eq!(credited, [&eur("200.00"); 3]);
    for subject in ["Return requested", "Return sent", "Return received"] {
        market.mail_to(&ann.email, subject).await;
    }
    for subject in ["Return approved", "Return received"] {
        market.mail_to(&bob.email, subject).await;
    }
    market.until_quiet().await;
    assert_eq!(earned("cash").await, 0, "all that came in has gone out");
    let sum: i64 = sqlx::query_scalar("SELECT sum(amount_minor)::bigint FROM money_entries")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    let movements: i64 = sqlx::query_scalar("SELECT count(*) FROM stock_movements WHERE kind = 'return'")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    assert_eq!((sum, movements), (0, 3));
    market.close().await;
}
