//! Highest bids below the reserve.

use super::*;

#[tokio::test]
async fn silence_declines_a_bid_below_the_reserve_and_both_sides_are_told_once() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let terms = NewAuction { reserve: Some(secret(4_000)), ..market.terms().await };
    let lot = market.auction(&terms).await;
    market.bid(lot, market.bob, 3_999, None).await;
    market.end_in(lot, TimeDelta::milliseconds(-1)).await;
    market.enqueue(&CloseAuction { auction: lot }).await;
    assert_eq!(market.workers.queue.drain().await, 1);
    assert_eq!(market.view(lot).await.status, AuctionStatus::OnApproval);
    assert_eq!(market.mails("unsold").await, []);
    let told = async |template| {
        let mut told: Vec<_> =
            market.mails(template).await.into_iter().map(|(to, data)| (to, data["side"].clone())).collect();
        told.sort_by_key(|(_, side)| side.to_string());
        told
    };
    let both = [(market.bob.user, json!("buyer")), (market.seller.user, json!("seller"))];
    assert_eq!(told("approval_asked").await, both);
    // The timer waits; the sweep leaves it alone until the time is over, and then pulls it.
    let (state, ..) = market.job("auctions.expire_approval").await;
    assert_eq!(state, "scheduled");
    market.enqueue(&SweepAuctions {}).await;
    market.workers.queue.drain().await;
    assert_eq!(market.view(lot).await.status, AuctionStatus::OnApproval);
    let mut tx = market.workers.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "UPDATE approvals SET asked_at = asked_at - interval '25 hours', expires_at = expires_at - interval '25 hours'",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    market.enqueue(&SweepAuctions {}).await;
    market.workers.queue.drain().await;
    assert_eq!(market.view(lot).await.status, AuctionStatus::Unsold);
    assert_eq!(told("approval_ended").await, both);
    market.close().await;
}
