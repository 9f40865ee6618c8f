use futures::future::join_all;
use market::testing;
use serde_json::json;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

/// Publishes a listing at 12.50 EUR; its id.
async fn offered(seller: &Person, title: &str, quantity: i64) -> String {
    let item = json!({"category_id": testing::CONSOLES, "sku": title, "title": title});
    let item = id(&seller.post("/v1/items", item).await.ok());
    let listing = json!({"item_id": item, "title": title, "sale_mode": "fixed", "currency": "EUR",
        "price": eur("12.50"), "quantity": quantity});
    let listing = id(&seller.post("/v1/listings", listing).await.ok());
    let _ = seller.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

/// Ten organisations send ten purchases each of the last unit, all at once: one is an order, and 99 are told that nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn row_orders_100_parallel_buyers_stock_1() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let mut buyers = Vec::new();
    for number in 0..10 {
        buyers.push(market.trader(&admin, &format!("Buyer {number}")).await);
    }
    let buy = format!("/v1/listings/{}/buy", offered(&ann, "Last console", 1).await);
    let wanted = json!({"quantity": 1, "price": eur("12.50")});
    let requests = (0..100).map(|number| buyers[number % buyers.len()].post(&buy, wanted.clone()));
    let answers = join_all(requests).await;
    let (bought, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((bought.len(), refused.len()), (1, 99), "{bought:?}");
    for answer in refused {
        answer.refused(409, "out_of_stock");
        let fault = &answer.body["errors"][0];
        assert_eq!((&fault["pointer"], &fault["detail"]), (&json!("/quantity"), &json!("only 0 are available")));
    }
    let orders = ann.get("/v1/orders?side=seller").await.ok();
    assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
    market.close().await;
}

/// A buyer fills a basket from two sellers, pays for none of it in time, and is told so once, as each seller is; what was reserved is
/// bought by somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn row_several_sellers_in_one_basket() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, eve) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Eve").await);
    let (bob, cid) = (market.trader(&admin, "Bob").await, market.trader(&admin, "Cid").await);
    let (first, second) = (offered(&ann, "Console", 2).await, offered(&eve, "Controller", 3).await);
    for (listing, quantity) in [(&first, 2), (&second, 3)] {
        let _ = bob.put(&format!("/v1/basket/{listing}"), json!({"quantity": quantity})).await.ok();
    }
    let basket = bob.get("/v1/basket").await.ok();
    assert_eq!(basket["totals"], json!([eur("62.50")]), "{basket}");
    let checkout = bob.post("/v1/checkouts", json!({"total": basket["totals"][0]})).await.ok();
    assert_eq!((&checkout["status"], &checkout["payable"]), (&json!("open"), &eur("62.50")));
    let orders = checkout["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 2, "{checkout}");
    assert_eq!(bob.get("/v1/basket").await.ok()["lines"], json!([]));
    for (seller, title, total) in [(&ann, "Console", "25.00"), (&eve, "Controller", "37.50")] {
        market.mail_to(&seller.email, &format!("New order: “{title}”")).await;
        market.mail_to(&bob.email, &format!("Your order: “{title}”")).await;
        let sold = seller.get("/v1/orders?side=seller").await.ok();
        assert_eq!((&sold["items"][0]["total"], &sold["items"][0]["status"]), (&eur(total), &json!("pending_payment")));
    }
    let buy = |listing: &str| format!("/v1/listings/{listing}/buy");
    let one = json!({"quantity": 1, "price": eur("12.50")});
    cid.post(&buy(&first), one.clone()).await.refused(409, "out_of_stock");

    // Half an hour passes.
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "UPDATE checkouts SET created_at = created_at - interval '1 hour', pay_by = pay_by - interval '1 hour'",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let jobs = admin.get("/v1/jobs?kind=checkout.expire").await.ok();
    let _ = admin.post(&format!("/v1/jobs/{}/run-now", jobs["items"][0]["id"]), json!({})).await.ok();
    for (seller, title) in [(&ann, "Console"), (&eve, "Controller")] {
        market.mail_to(&seller.email, &format!("Not paid in time: “{title}”")).await;
        market.mail_to(&bob.email, &format!("Not paid in time: “{title}”")).await;
    }
    let ended = bob.get(&format!("/v1/checkouts/{}", id(&checkout))).await.ok();
    assert_eq!(ended["status"], "expired");
    let _ = cid.post(&buy(&first), one).await.ok();
    market.until_quiet().await;
    for subject in ["Your order", "Not paid in time"] {
        let mails = market.mail.list();
        let count = mails.iter().filter(|one| one.is_to(&bob.email) && one.subject.contains(subject)).count();
        assert_eq!(count, 2, "{subject}");
    }
    market.close().await;
}
