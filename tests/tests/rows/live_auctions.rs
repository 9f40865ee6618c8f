use chrono::TimeDelta;
use market::testing;
use serde_json::json;
use tests::installation::TestInstallation;
use tests::installation::people::id;
use tests::installation::socket::Socket;

/// How long the auction waits, and then how long it takes.
const LENGTH: TimeDelta = TimeDelta::hours(2);

/// A seller offers a console; one buyer bids and follows the auction at a socket, another outbids them; the workers open and close the
/// auction, the better bid wins at one increment above the other, and each party gets its mail once.
#[tokio::test(flavor = "multi_thread")]
async fn row_live_bids_and_closing_at_the_end() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;

    let item = json!({"category_id": testing::CONSOLES, "sku": "C-1", "title": "Console"});
    let item = id(&ann.post("/v1/items", item).await.ok());
    let listing = json!({"item_id": item, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
    let listing = id(&ann.post("/v1/listings", listing).await.ok());
    let _ = ann.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    let mut conn = market.db.pool.acquire().await.unwrap();
    let starts_at = testing::database_time(&mut conn).await + LENGTH;
    drop(conn);
    let terms = json!({"starts_at": starts_at, "ends_at": starts_at + LENGTH, "soft_close_seconds": 0,
        "opening": {"amount": "10.00", "currency": "EUR"}});
    let auction = id(&ann.post(&format!("/v1/listings/{listing}/auctions"), terms).await.ok());
    let bids = format!("/v1/auctions/{auction}/bids");
    let bid = |amount: &str| json!({"maximum": {"amount": amount, "currency": "EUR"}});
    bob.post(&bids, bid("20.00")).await.refused(409, "auction_not_started");

    let mut socket = Socket::open(&market.base, &bob).await;
    socket.follow(&format!("auction:{auction}")).await;
    market.pass(&auction, LENGTH).await;
    socket.until(|message| message["data"]["status"] == "live").await;
    let _ = bob.post(&bids, bid("20.00")).await.ok();
    let _ = cid.post(&bids, bid("30.00")).await.ok();
    // The job that closes it waits for the end again.
    market.until_quiet().await;
    market.pass(&auction, LENGTH).await;
    let awarded = socket.until(|message| message["data"]["status"] == "awarded").await;
    assert_eq!(awarded["data"]["bid_count"], 2, "{awarded}");

    let won = market.mail_to(&cid.email, "You won").await;
    let sold = market.mail_to(&ann.email, "Sold").await;
    let orders = cid.get("/v1/orders?side=buyer").await.ok();
    let order = &orders["items"][0];
    assert!(won.contains(&id(order)) && sold.contains(&id(order)), "{order}\n{won}\n{sold}");
    assert_eq!(order["total"], json!({"amount": "20.50", "currency": "EUR"}));
    assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
    assert!(bob.get("/v1/orders?side=buyer").await.ok()["items"].as_array().unwrap().is_empty());
    market.until_quiet().await;
    for (person, subject) in [(&cid, "You won"), (&ann, "Sold"), (&bob, "outbid")] {
        let mails = market.mail.list();
        let count = mails.iter().filter(|one| one.is_to(&person.email) && one.subject.contains(subject)).count();
        assert_eq!(count, 1, "{subject} to {}", person.email);
    }
    market.close().await;
}
