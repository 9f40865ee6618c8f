use super::*;
use crate::testing::socket::{Client, wait_in_line};

#[tokio::test]
async fn bids_and_snapshots_pass_by_those_who_wait_for_tickets() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let mut client = Client::open(&market.api, &market.bob).await;
    let line = wait_in_line(&market.api, 40).await;
    let snapshot = client.subscribe(&format!("auction:{auction}")).await;
    assert_eq!((&snapshot["type"], &snapshot["data"]["bid_count"]), (&json!("snapshot"), &json!(0)), "{snapshot}");
    market.bid(&market.ann, auction, "55.00").await.ok();
    while client.hear().await["data"]["bid_count"] != 1 {}
    drop(line);
    market.api.close().await;
}
