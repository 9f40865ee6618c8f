use jobs::auctions::events::{News, announce};
use market::auctions::store;

use super::*;
use crate::testing::socket::Client;

/// Seq and status of what was told, which must carry the whole auction and no secret.
fn heard(message: &Value) -> (i64, &str) {
    assert!(message["data"]["price"].is_object() && message["data"]["you_lead"].is_null(), "{message}");
    assert_eq!(message["seq"], message["data"]["version"], "{message}");
    (message["seq"].as_i64().unwrap(), message["data"]["status"].as_str().unwrap())
}

#[tokio::test]
async fn a_hot_auction_is_told_in_order_up_to_its_award() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let mut client = Client::open(&market.api, &market.seller).await;
    let snapshot = client.subscribe(&format!("auction:{auction}")).await;
    assert_eq!((snapshot["type"].as_str(), heard(&snapshot).1), (Some("snapshot"), "live"));
    for maximum in 11..=40 {
        let bidder = if maximum % 2 == 0 { &market.ann } else { &market.bob };
        market.bid(bidder, auction, &format!("{maximum}.00")).await.ok();
    }
    market.end_in(auction, TimeDelta::seconds(-1)).await;
    // As the worker does it.
    let mut tx = market.api.state.ledger.begin().await.unwrap();
    store::close(&mut tx, auction).await.unwrap();
    let view = store::view(&mut tx, auction, None).await.unwrap().unwrap();
    announce(&mut tx, News::of(view.status), &view);
    tx.commit().await.unwrap();

    let (mut seen, mut messages) = (heard(&snapshot).0, 0);
    loop {
        let message = client.hear().await;
        let (seq, status) = heard(&message);
        assert!(seq > seen, "{seq} after {seen}");
        (seen, messages) = (seq, messages + 1);
        if status == "awarded" {
            assert_eq!(message["type"], "awarded");
            break;
        }
    }
    assert_eq!(seen, view.version);
    assert!(messages <= 31, "{messages} messages about 30 bids and an award");
    market.api.close().await;
}

#[tokio::test]
async fn what_nobody_published_is_told_all_the_same() {
    let market = TestMarket::new().await;
    let (first, second) = (market.auction("auction", json!({})).await, market.auction("auction", json!({})).await);
    let mut client = Client::open(&market.api, &market.ann).await;
    for auction in [first, second] {
        assert_eq!(heard(&client.subscribe(&format!("auction:{auction}")).await).1, "live");
    }
    market.bid(&market.bob, second, "20.00").await.ok();
    assert_eq!(client.hear().await["type"], "bid");
    // Workers that die between their commit and their event.
    for (auction, outcome) in [(first, "unsold"), (second, "awarded")] {
        market.end_in(auction, TimeDelta::seconds(-1)).await;
        let mut tx = market.api.db.pool.begin().await.unwrap();
        store::close(&mut tx, auction).await.unwrap();
        tx.commit().await.unwrap();
        let message = client.hear().await;
        assert_eq!(message["topic"], format!("auction:{auction}"));
        assert_eq!((message["type"].as_str(), heard(&message).1), (Some(outcome), outcome));
    }
    market.api.close().await;
}

#[tokio::test]
async fn a_topic_is_the_same_however_its_id_is_written() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let mut client = Client::open(&market.api, &market.ann).await;
    let snapshot = client.subscribe(&format!("auction:{}", auction.to_string().to_uppercase())).await;
    let topic = format!("auction:{auction}");
    assert_eq!((snapshot["type"].as_str(), &snapshot["topic"]), (Some("snapshot"), &json!(topic)));
    market.bid(&market.bob, auction, "20.00").await.ok();
    assert_eq!(client.hear().await["type"], "bid");
    // The other spelling ends the same subscription: the next one begins with a snapshot, and nothing is told twice.
    client.say(json!({"unsubscribe": format!("auction:{}", auction.0.simple())})).await;
    assert_eq!(client.subscribe(&topic).await["type"], "snapshot");
    market.bid(&market.ann, auction, "30.00").await.ok();
    assert_eq!(client.hear().await["seq"], 3);
    market.bid(&market.bob, auction, "40.00").await.ok();
    assert_eq!(client.hear().await["seq"], 4);
    market.api.close().await;
}

#[tokio::test]
async fn a_moderator_suspends_a_listing_and_brings_it_back() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let path = format!("/v1/auctions/{auction}");
    let listing = format!("/v1/listings/{}", market.get(None, &path).await.ok()["listing_id"].as_str().unwrap());
    let (suspend, reinstate) = (format!("{listing}/suspend"), format!("{listing}/reinstate"));
    let reason = json!({"reason": "counterfeit"});
    let mut client = Client::open(&market.api, &market.ann).await;
    client.subscribe(&format!("auction:{auction}")).await;
    market.post(&market.seller, &suspend, reason.clone()).await.refused(403, "role_too_low");
    market.post(&market.moderator, &suspend, json!({"reason": " "})).await.refused(422, "reason_length");
    let suspended = market.post(&market.moderator, &suspend, reason.clone()).await.ok();
    assert_eq!((&suspended["status"], &suspended["status_reason"]), (&json!("suspended"), &json!("counterfeit")));
    market.post(&market.moderator, &suspend, reason).await.refused(409, "listing_status");

    // Those who watch are told, and nothing more than that.
    let heard = client.hear().await;
    assert_eq!((heard["type"].as_str(), heard["data"].is_null()), (Some("suspended"), true), "{heard}");
    for stranger in [None, Some(&market.ann)] {
        for path in [&listing, &path, &format!("{path}/bids")] {
            market.get(stranger, path).await.refused(404, "not_found");
        }
        for path in ["/v1/auctions", "/v1/listings", &format!("{listing}/auctions")] {
            assert_eq!(market.get(stranger, path).await.ok()["items"], json!([]), "{path}");
        }
    }
    let mut late = Client::open(&market.api, &market.bob).await;
    assert_eq!(late.subscribe(&format!("auction:{auction}")).await["code"], "not_found");
    for insider in [&market.seller, &market.moderator] {
        assert_eq!(market.get(Some(insider), &path).await.ok()["suspended"], true);
        assert_eq!(market.get(Some(insider), &listing).await.ok()["status"], "suspended");
    }
    market.bid(&market.bob, auction, "20.00").await.refused(409, "listing_suspended");

    market.post(&market.moderator, &reinstate, json!({})).await.ok();
    let heard = client.hear().await;
    assert_eq!((heard["type"].as_str(), &heard["data"]["status"]), (Some("reinstated"), &json!("live")), "{heard}");
    market.bid(&market.bob, auction, "20.00").await.ok();
    let mails: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.template, u.email FROM emails AS m JOIN users AS u ON u.id = m.user_id
         WHERE m.template LIKE 'listing_%'
         ORDER BY m.created_at",
    )
    .fetch_all(&market.api.db.pool)
    .await
    .unwrap();
    let to = &market.seller.email;
    assert_eq!(mails, [("listing_suspended".to_owned(), to.clone()), ("listing_reinstated".to_owned(), to.clone())]);
    market.api.close().await;
}
