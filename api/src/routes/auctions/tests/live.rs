use jobs::auctions::events::{News, announce};
use market::auctions::store;

use super::*;
use crate::testing::socket::Client;

/// Seq and status of what was told, which must carry the whole auction and no secret.
fn told(message: &Value) -> (i64, &str) {
    assert!(message["data"]["price"].is_object() && message["data"]["you_lead"].is_null(), "{message}");
    assert_eq!(message["seq"], message["data"]["version"], "{message}");
    (message["seq"].as_i64().unwrap(), message["data"]["status"].as_str().unwrap())
}

#[tokio::test]
async fn a_hot_auction_is_told_in_order_up_to_its_award() {
    let market = Market::new().await;
    let auction = market.auction("auction", json!({})).await;
    let mut client = Client::open(&market.api, &market.seller).await;
    let snapshot = client.subscribe(&format!("auction:{auction}")).await;
    assert_eq!((snapshot["type"].as_str(), told(&snapshot).1), (Some("snapshot"), "live"));
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

    let (mut seen, mut messages) = (told(&snapshot).0, 0);
    loop {
        let message = client.hear().await;
        let (seq, status) = told(&message);
        assert!(seq > seen, "{seq} after {seen}");
        (seen, messages) = (seq, messages + 1);
        if status == "awarded" {
            assert_eq!(message["type"], "awarded");
            break;
        }
    }
    assert_eq!(seen, view.version);
    assert!(messages <= 31, "{messages} messages about 30 bids and an award");
    market.api.db.close().await;
}

#[tokio::test]
async fn what_nobody_published_is_told_all_the_same() {
    let market = Market::new().await;
    let (first, second) = (market.auction("auction", json!({})).await, market.auction("auction", json!({})).await);
    let mut client = Client::open(&market.api, &market.ann).await;
    for auction in [first, second] {
        assert_eq!(told(&client.subscribe(&format!("auction:{auction}")).await).1, "live");
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
        assert_eq!((message["type"].as_str(), told(&message).1), (Some(outcome), outcome));
    }
    market.api.db.close().await;
}
