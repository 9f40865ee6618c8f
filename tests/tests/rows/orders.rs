#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

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

/// A hundred people of a hundred organisations, logged in. They are written past the registration, with the password of somebody who has
/// registered.
async fn a_hundred_buyers(market: &TestInstallation, registered: &Person) -> Vec<Person> {
    let mut conn = market.db.pool.acquire().await.unwrap();
    let mut written = Vec::new();
    for _ in 0..100 {
        let trader = testing::trader(&mut conn).await;
        let mut buyer = registered.clone();
        (buyer.email, buyer.org) = (format!("{}@example.test", trader.user), trader.org.to_string());
        written.push(buyer);
    }
    sqlx::query(
        "UPDATE users
         SET password_hash = registered.password_hash
         FROM users AS registered
         WHERE registered.email = $1
           AND users.password_hash = '-'",
    )
    .bind(&registered.email)
    .execute(&mut *conn)
    .await
    .unwrap();
    let mut buyers = Vec::new();
    for buyer in written {
        buyers.push(market.anew(&buyer).await);
    }
    buyers
}

/// A hundred organisations buy the last unit, all at once: one has an order, and 99 are told that nothing is left.
#[tokio::test(flavor = "multi_thread")]
async fn row_orders_100_parallel_buyers_stock_1() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let buyers = a_hundred_buyers(&market, &ann).await;
    let buy = format!("/v1/listings/{}/buy", offered(&ann, "Last console", 1).await);
    let wanted = json!({"quantity": 1, "price": eur("12.50")});
    let answers = join_all(buyers.iter().map(|buyer| buyer.post(&buy, wanted.clone()))).await;
    let (bought, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((bought.len(), refused.len()), (1, 99), "{bought:?}");
    for answer in refused {
        answer.refused(409, "out_of_stock");
        let fault = &answer.body["errors"][0];
        assert_eq!((&fault["pointer"], &fault["detail"]), (&json!("/quantity"), &json!("only 0 are available")));
    }
    let orders = ann.get("/v1/orders?side=seller").await.ok();
    assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
    let mut bought = 0;
    for buyer in &buyers {
        bought += buyer.get("/v1/orders?side=buyer").await.ok()["items"].as_array().unwrap().len();
    }
    assert_eq!(bought, 1);
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

/// A buyer pays a basket of three sellers at once, and each seller has an order of their own. One of them gives everything back: what is
/// held for the others stays as it was, they send and are paid, and the buyer has back what that one order came to.
#[tokio::test(flavor = "multi_thread")]
async fn row_of_several_sellers_one_refund_leaves_the_others_alone() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let bob = market.trader(&admin, "Bob").await;
    let mut sellers = Vec::new();
    for (name, title, quantity) in [("Ann", "Console", 2), ("Dee", "Cable", 4), ("Eve", "Controller", 3)] {
        let seller = market.trader(&admin, name).await;
        let listing = offered(&seller, title, quantity).await;
        let _ = bob.put(&format!("/v1/basket/{listing}"), json!({"quantity": quantity})).await.ok();
        sellers.push((seller, title));
    }
    let checkout = bob.post("/v1/checkouts", json!({"total": eur("112.50")})).await.ok();
    let pay = format!("/v1/checkouts/{}/pay", id(&checkout));
    let payment = id(&bob.post(&pay, json!({"method": "card"})).await.ok());
    bob.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    market.until_quiet().await;
    assert_eq!((market.payments.payments(), market.booked("cash").await), (1, -11_250));

    let order_of = async |seller: &Person| {
        let sold = seller.get("/v1/orders?side=seller").await.ok();
        assert_eq!(sold["items"].as_array().map(Vec::len), Some(1), "{sold}");
        id(&sold["items"][0])
    };
    let shown = async |seller: &Person, order: &str| {
        let escrow = seller.get(&format!("/v1/orders/{order}/escrow")).await.ok();
        (seller.get(&format!("/v1/orders/{order}")).await.ok(), escrow, seller.get("/v1/balances").await.ok())
    };
    let mut sold = Vec::new();
    for ((seller, title), total) in sellers.iter().zip(["25.00", "50.00", "37.50"]) {
        let order = order_of(seller).await;
        let (of, escrow, balances) = shown(seller, &order).await;
        assert_eq!((&of["status"], &of["total"]), (&json!("paid"), &eur(total)));
        assert_eq!((&escrow["status"], &escrow["amount"]), (&json!("held"), &eur(total)));
        assert_eq!(market.mails(seller, &format!("Paid, please send: “{title}”")), 1);
        sold.push((seller, order, (of, escrow, balances)));
    }

    let (eve, given_back, _) = sold.pop().unwrap();
    let refunds = format!("/v1/orders/{given_back}/refunds");
    let all = json!({"amount": eur("37.50"), "reason": "They do not work."});
    let _ = eve.post(&refunds, all.clone()).await.ok();
    bob.until_that(&refunds, |refunds| refunds["items"][0]["status"] == "done").await;
    eve.post(&refunds, all).await.refused(409, "escrow_refunded");
    market.until_quiet().await;
    let (of, escrow, _) = shown(eve, &given_back).await;
    assert_eq!((&of["status"], &escrow["status"]), (&json!("refunded"), &json!("refunded")));
    assert_eq!(market.booked("cash").await, -7_500);
    for (seller, order, before) in &sold {
        assert_eq!(&shown(seller, order).await, before);
        let refunds = seller.get(&format!("/v1/orders/{order}/refunds")).await.ok();
        assert_eq!((&refunds["items"], market.mails(seller, "Refund")), (&json!([]), 0));
    }
    assert_eq!(market.mails(&bob, "Refund: “Controller”"), 1);

    for ((seller, order, _), earned) in sold.iter().zip(["23.75", "47.50"]) {
        seller.does(order, &["ship"]).await;
        bob.does(order, &["receive", "accept"]).await;
        let (of, escrow, balances) = shown(seller, order).await;
        assert_eq!((&of["status"], &escrow["status"]), (&json!("completed"), &json!("released")));
        let receivable = balances["items"].as_array().unwrap().iter().find(|it| it["kind"] == "receivable");
        assert_eq!(receivable.map(|it| &it["amount"]), Some(&eur(earned)), "less the commission of 5 %");
    }
    market.until_quiet().await;
    assert_eq!((market.imbalance().await, market.booked("held").await), (0, 0));
    market.close().await;
}
