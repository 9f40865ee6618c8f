use shared::testing::Statements;

use super::*;

/// What a closing deals with, apart from its own job.
const OF_A_CLOSING: &[&str] = &[
    "auctions",
    "listings",
    "bids",
    "categories",
    "orgs",
    "users",
    "awards",
    "checkouts",
    "orders",
    "reservations",
    "emails",
    "webhook",
    "INSERT INTO jobs",
];

#[tokio::test]
async fn a_closing_is_eleven_statements_six_on_approval_and_five_without_a_bid() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let (sold, unsold) = (market.auction(&market.terms().await).await, market.auction(&market.terms().await).await);
    let reserved = NewAuction { reserve: Some(secret(9_000)), ..market.terms().await };
    let asked = market.auction(&reserved).await;
    for lot in [sold, asked] {
        market.bid(lot, market.ann, 2_000, None).await;
        market.bid(lot, market.bob, 1_500, None).await;
    }
    for (lot, status, expected) in
        [(sold, AuctionStatus::Awarded, 11), (asked, AuctionStatus::OnApproval, 6), (unsold, AuctionStatus::Unsold, 5)]
    {
        market.end_in(lot, TimeDelta::milliseconds(-1)).await;
        market.enqueue(&CloseAuction { auction: lot }).await;
        let statements = Statements::containing(OF_A_CLOSING);
        let counting = statements.listen();
        assert_eq!(market.workers.queue.drain().await, 1);
        drop(counting);
        assert_eq!((market.view(lot).await.status, statements.count()), (status, expected));
    }
    // All that follows is there: the timers and the mails.
    let kinds: Vec<(String, i64)> = sqlx::query_as(
        "SELECT kind, count(*)
         FROM jobs
         WHERE kind IN ('auctions.default', 'auctions.expire_approval', 'checkout.notify', 'emails.send')
         GROUP BY kind
         ORDER BY kind",
    )
    .fetch_all(&market.workers.db.pool)
    .await
    .unwrap();
    let kinds: Vec<_> = kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(
        kinds,
        [("auctions.default", 1), ("auctions.expire_approval", 1), ("checkout.notify", 1), ("emails.send", 5)]
    );
    for (template, count) in [("won", 1), ("sold", 1), ("unsold", 1), ("approval_asked", 2)] {
        assert_eq!(market.mails(template).await.len(), count, "{template}");
    }
    market.close().await;
}

/// Who has won, the order, the award, when it is to be paid, and when that is looked at.
type TimedAward = (UserId, String, String, DateTime<Utc>, DateTime<Utc>);

#[tokio::test]
async fn each_share_of_a_lot_has_its_own_mails_and_timers() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let terms = NewAuction { lot_mode: LotMode::Divisible, ..market.terms().await };
    let lot = market.auction(&terms).await;
    market.bid(lot, market.ann, 2_000, Some(70)).await;
    market.bid(lot, market.bob, 1_500, Some(20)).await;
    market.end_in(lot, TimeDelta::milliseconds(-1)).await;
    market.enqueue(&CloseAuction { auction: lot }).await;
    assert_eq!(market.workers.queue.drain().await, 1);
    let orders: Vec<TimedAward> = sqlx::query_as(
        "SELECT w.awarded_to, o.id::text, w.id::text, o.pay_by, j.run_at
         FROM awards AS w
         JOIN orders AS o ON o.award_id = w.id
         JOIN jobs AS j ON j.kind = 'auctions.default' AND j.payload ->> 'award' = w.id::text",
    )
    .fetch_all(&market.workers.db.pool)
    .await
    .unwrap();
    assert_eq!(orders.len(), 2);
    let (won, sold) = (market.mails("won").await, market.mails("sold").await);
    assert_eq!((won.len(), sold.len()), (2, 2));
    for (user, order, award, pay_by, timer) in orders {
        assert_eq!(timer, pay_by, "{award}");
        assert_eq!(won.iter().filter(|(to, data)| (*to, &data["order"]) == (user, &json!(order))).count(), 1);
        let of_seller = |(to, data): &&(UserId, Value)| (*to, &data["order"]) == (market.seller.user, &json!(order));
        assert_eq!(sold.iter().filter(of_seller).count(), 1);
    }
    market.close().await;
}
