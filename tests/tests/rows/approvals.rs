use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};
use tests::installation::socket::Socket;

use super::defaults::auction;

/// How long each lot is offered.
const LENGTH: TimeDelta = TimeDelta::hours(2);

/// Three lots end below their reserve. The seller sells the first for the bid, names another amount for the second, which the bidder
/// takes and pays, and declines the third, which can be listed again.
#[tokio::test(flavor = "multi_thread")]
async fn row_sale_on_approval_with_a_counter_bid() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let mut lots = Vec::new();
    for _ in 0..3 {
        lots.push(auction(&market, &ann, LENGTH, Some("40.00")).await);
    }
    let mut socket = Socket::open(&market.base, &cid).await;
    socket.follow(&format!("auction:{}", lots[1])).await;
    for lot in &lots {
        let _ = cid.post(&format!("/v1/auctions/{lot}/bids"), json!({"maximum": eur("19.50")})).await.ok();
        let _ = bob.post(&format!("/v1/auctions/{lot}/bids"), json!({"maximum": eur("30.00")})).await.ok();
    }
    for lot in &lots {
        market.pass(lot, LENGTH).await;
    }
    let ended = socket.until(|message| message["data"]["status"] == "on_approval").await;
    assert_eq!((&ended["data"]["price"], &ended["data"]["reserve_met"]), (&eur("20.00"), &json!(false)));
    for lot in &lots {
        ann.until(&format!("/v1/auctions/{lot}"), "status", "on_approval").await;
    }
    market.mail_to(&ann.email, "Your decision").await;
    market.mail_to(&bob.email, "The seller decides").await;
    let path = |lot: &str, act: &str| format!("/v1/auctions/{lot}/approval{act}");
    cid.get(&path(&lots[0], "")).await.refused(404, "not_found");
    cid.post(&path(&lots[0], "/accept"), json!({})).await.refused(404, "not_found");
    bob.post(&path(&lots[0], "/accept"), json!({})).await.refused(409, "not_your_turn");

    let sold = ann.post(&path(&lots[0], "/accept"), json!({})).await.ok();
    assert_eq!((&sold["amount"], &sold["auction"]["status"]), (&eur("20.00"), &json!("awarded")));
    ann.post(&path(&lots[0], "/decline"), json!({})).await.refused(409, "approval_ended");
    assert!(market.mail_to(&bob.email, "You won").await.contains(sold["order"].as_str().unwrap_or_default()));

    let counter = path(&lots[1], "/counter");
    for (amount, pointer) in [
        (eur("20.00"), "/amount"),
        (eur("40.01"), "/amount"),
        (json!({"amount": "30", "currency": "JPY"}), "/amount/currency"),
    ] {
        let refused = ann.post(&counter, json!({"amount": amount})).await;
        refused.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let named = ann.post(&counter, json!({"amount": eur("36.00")})).await.ok();
    assert_eq!((&named["status"], &named["your_turn"]), (&json!("countered"), &json!(false)));
    ann.post(&counter, json!({"amount": eur("35.00")})).await.refused(409, "no_counter");
    market.mail_to(&bob.email, "Another amount").await;
    let shown = bob.get(&path(&lots[1], "")).await.ok();
    assert_eq!((&shown["counter"], &shown["price"], &shown["your_turn"]), (&eur("36.00"), &eur("20.00"), &json!(true)));
    let bought = bob.post(&path(&lots[1], "/accept"), json!({})).await.ok();
    socket.until(|message| message["data"]["status"] == "awarded").await;
    let order = bob.get(&format!("/v1/orders/{}", bought["order"].as_str().unwrap_or_default())).await.ok();
    assert_eq!((&order["total"], &order["status"]), (&eur("36.00"), &json!("pending_payment")));
    let pay = format!("/v1/checkouts/{}/pay", order["checkout"].as_str().unwrap_or_default());
    let _ = bob.post(&pay, json!({"method": "card"})).await.ok();
    bob.until(&format!("/v1/orders/{}", id(&order)), "status", "paid").await;

    let declined = ann.post(&path(&lots[2], "/decline"), json!({})).await.ok();
    assert_eq!((&declined["status"], &declined["counter"]), (&json!("declined"), &Value::Null));
    market.mail_to(&bob.email, "Not sold").await;
    let unsold = ann.until(&format!("/v1/auctions/{}", lots[2]), "status", "unsold").await;
    let relist = format!("/v1/listings/{}/relist", unsold["listing_id"].as_str().unwrap_or_default());
    let _ = ann.post(&relist, json!({})).await.ok();
    market.close().await;
}
