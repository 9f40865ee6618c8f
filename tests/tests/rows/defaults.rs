#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::TimeDelta;
use jobs::checkout::{News, NotifyParties};
use market::testing;
use queue::enqueue::{Enqueue, enqueue_all};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until;

/// How long a lot is offered.
const LENGTH: TimeDelta = TimeDelta::hours(2);
/// What the subject of a reminder says.
const REMINDER: &str = "Please pay for";

/// An auction that begins now; its id.
pub(crate) async fn auction(
    market: &TestInstallation,
    seller: &Person,
    length: TimeDelta,
    reserve: Option<&str>,
) -> String {
    let item = json!({"category_id": testing::CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
    let item = id(&seller.post("/v1/items", item).await.ok());
    let listing = json!({"item_id": item, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
    let listing = id(&seller.post("/v1/listings", listing).await.ok());
    let _ = seller.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    let mut conn = market.db.pool.acquire().await.unwrap();
    let ends_at = testing::database_time(&mut conn).await + length;
    drop(conn);
    let terms =
        json!({"ends_at": ends_at, "soft_close_seconds": 0, "opening": eur("10.00"), "reserve": reserve.map(eur)});
    id(&seller.post(&format!("/v1/listings/{listing}/auctions"), terms).await.ok())
}

/// Closes an auction by the workers; the winner's order.
async fn won(market: &TestInstallation, seller: &Person, auction: &str, winner: &Person) -> String {
    market.pass(auction, LENGTH).await;
    seller.until(&format!("/v1/auctions/{auction}"), "status", "awarded").await;
    let orders = winner.get("/v1/orders?side=buyer").await.ok();
    id(&orders["items"][0])
}

/// So many hours pass for whoever has not paid, and the reminders whose time has come are sent.
async fn hours_pass(market: &TestInstallation, hours: i32) {
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    for earlier in [
        "UPDATE checkouts
         SET created_at = created_at - make_interval(hours => $1), pay_by = pay_by - make_interval(hours => $1)
         WHERE status = 'open'",
        "UPDATE jobs
         SET run_at = greatest(run_at - make_interval(hours => $1), clock_timestamp())
         WHERE kind = 'checkout.notify' AND state = 'scheduled'",
    ] {
        sqlx::query(earlier).bind(hours).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The job of a reminder runs once more.
async fn remind_again(market: &TestInstallation, buyer: &Person, order: &str) {
    let order = buyer.get(&format!("/v1/orders/{order}")).await.ok();
    assert_eq!(order["status"], "pending_payment");
    let checkout = order["checkout"].as_str().unwrap().parse().unwrap();
    let again = Enqueue::new(&NotifyParties { checkout, news: News::Reminder });
    enqueue_all(&mut market.db.pool.acquire().await.unwrap(), &[again]).await.unwrap();
    market.until_quiet().await;
}

/// With two strikes somebody bids in three open auctions, one of which is there already, and in no fourth one.
async fn bids_in_three(market: &TestInstallation, seller: &Person, bidder: &Person) {
    let mut bids = Vec::new();
    for _ in 0..3 {
        let open = auction(market, seller, TimeDelta::days(3), None).await;
        bids.push(format!("/v1/auctions/{open}/bids"));
    }
    let bid = json!({"maximum": eur("20.00")});
    for bids in &bids[..2] {
        let _ = bidder.post(bids, bid.clone()).await.ok();
    }
    bidder.post(&bids[2], bid).await.refused(409, "too_many_auctions");
    let _ = bidder.post(&bids[0], json!({"maximum": eur("25.00")})).await.ok();
}

/// A winner is reminded once and does not pay: a strike, and the next bidder takes the lot at their own maximum and pays. The second time
/// leaves the winner three auctions, the third time none, until an appeal is granted. Whoever has paid is not reminded.
#[tokio::test(flavor = "multi_thread")]
async fn row_non_payer_ladder_and_second_chance() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let mut strikes = Vec::new();
    for number in 1..=3 {
        let auction = auction(&market, &ann, LENGTH, None).await;
        for (bidder, amount) in [(&cid, "20.00"), (&bob, "30.00")] {
            let bid = json!({"maximum": eur(amount)});
            let _ = bidder.post(&format!("/v1/auctions/{auction}/bids"), bid).await.ok();
        }
        if number == 3 {
            bids_in_three(&market, &ann, &bob).await;
        }
        let order = won(&market, &ann, &auction, &bob).await;

        // Of three days two are over.
        hours_pass(&market, 49).await;
        until(|| market.mails(&bob, REMINDER) == number).await;
        remind_again(&market, &bob, &order).await;
        assert_eq!((market.mails(&bob, REMINDER), market.mails(&cid, REMINDER)), (number, 0));
        assert_eq!(bob.get("/v1/standing").await.ok()["strikes"].as_array().map(Vec::len), Some(number - 1));

        hours_pass(&market, 24).await;
        let _ = admin.post("/v1/schedules/auctions.sweep/run-now", json!({})).await.ok();
        bob.until(&format!("/v1/orders/{order}"), "status", "expired").await;
        ann.until(&format!("/v1/auctions/{auction}"), "status", "defaulted").await;
        for person in [&ann, &bob] {
            until(|| market.mails(person, "Not paid in time") == number).await;
        }
        let standing = bob.get("/v1/standing").await.ok();
        strikes = standing["strikes"].as_array().unwrap().clone();
        assert_eq!((strikes.len(), &strikes[0]["order"]), (number, &json!(order)));
        assert_eq!(standing["most_auctions"], if number == 2 { json!(3) } else { Value::Null });
        assert_eq!(standing["barred_until"].is_string(), number == 3, "{standing}");

        let chances = format!("/v1/auctions/{auction}/second-chances");
        let offered = &cid.get(&chances).await.ok()["items"][0];
        assert_eq!((&offered["amount"], &offered["status"]), (&eur("20.00"), &json!("offered")));
        assert_eq!(ann.get(&chances).await.ok()["items"][0]["amount"], Value::Null, "it is not accepted");
        let take = format!("/v1/second-chances/{}/accept", id(offered));
        bob.post(&take, json!({})).await.refused(404, "not_found");
        if number == 1 {
            market.mail_to(&cid.email, "A second chance: “A console”").await;
            let bought = cid.post(&take, json!({})).await.ok();
            let order = cid.get(&format!("/v1/orders/{}", bought["order"].as_str().unwrap())).await.ok();
            assert_eq!((&order["total"], &order["status"]), (&eur("20.00"), &json!("pending_payment")));
            cid.post(&take, json!({})).await.refused(409, "second_chance_ended");
            let pay = format!("/v1/checkouts/{}/pay", order["checkout"].as_str().unwrap());
            let _ = cid.post(&pay, json!({"method": "card"})).await.ok();
            cid.until(&format!("/v1/orders/{}", id(&order)), "status", "paid").await;
            market.mail_to(&ann.email, "Paid, please send: “A console”").await;
        } else {
            let left = cid.post(&format!("/v1/second-chances/{}/decline", id(offered)), json!({})).await;
            assert_eq!(left.status, 204, "{left:?}");
            market.mail_to(&ann.email, "Not taken").await;
        }
    }

    let last = auction(&market, &ann, TimeDelta::days(3), None).await;
    let bids = format!("/v1/auctions/{last}/bids");
    let bid = json!({"maximum": eur("30.00")});
    bob.post(&bids, bid.clone()).await.refused(403, "barred");

    let strike = id(&strikes[0]);
    let appeal = format!("/v1/strikes/{strike}/appeal");
    let text = json!({"text": "The bank was closed for a week."});
    cid.post(&appeal, text.clone()).await.refused(404, "not_found");
    let _ = bob.post(&appeal, text.clone()).await.ok();
    bob.post(&appeal, text).await.refused(409, "appealed");
    let waiting = admin.get("/v1/admin/strikes?appealed=true").await.ok();
    assert_eq!(waiting["items"].as_array().map(Vec::len), Some(1), "{waiting}");
    let decide = format!("/v1/admin/strikes/{strike}/decide");
    let _ = admin.post(&decide, json!({"outcome": "lifted", "reason": "It was."})).await.ok();
    let _ = bob.post(&bids, bid).await.ok();
    assert_eq!(bob.get("/v1/standing").await.ok()["most_auctions"], 3);
    market.until_quiet().await;
    for (person, subject, mails) in
        [(&bob, REMINDER, 3), (&ann, REMINDER, 0), (&ann, "Not paid in time", 3), (&bob, "Not paid in time", 3)]
    {
        assert_eq!(market.mails(person, subject), mails, "{subject} to {}", person.email);
    }
    market.close().await;
}
