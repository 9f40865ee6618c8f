use futures::future::join_all;
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

impl TestMarket {
    /// Auctions that have just ended, each with the job that closes it: one in four without a bid, one in four below its reserve.
    async fn ended(&self, count: usize) -> Vec<(AuctionId, AuctionStatus)> {
        let terms = self.terms().await;
        let mut lots = Vec::with_capacity(count);
        for n in 0..count {
            let reserve = (n % 4 == 1).then(|| secret(9_000));
            let lot = self.auction(&NewAuction { reserve, ..terms.clone() }).await;
            if n % 4 > 0 {
                self.bid(lot, self.ann, 2_000, None).await;
                self.bid(lot, self.bob, 1_500, None).await;
            }
            self.end_in(lot, TimeDelta::milliseconds(-1)).await;
            self.enqueue(&CloseAuction { auction: lot }).await;
            let status = [AuctionStatus::Unsold, AuctionStatus::OnApproval, AuctionStatus::Awarded][(n % 4).min(2)];
            lots.push((lot, status));
        }
        lots
    }

    /// Runs what is due, all at once.
    async fn run_at_once(&self) {
        let tickets = self.workers.queue.take().await;
        join_all(tickets.into_iter().map(|ticket| self.workers.queue.run(ticket))).await;
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn closings_at_once_share_statements_and_each_job_ends_with_its_auction() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lots = market.ended(20).await;
    let statements = Statements::containing(OF_A_CLOSING);
    let counting = statements.listen();
    market.run_at_once().await;
    drop(counting);
    // Of every kind there is one in a group: eleven, and one for the questions to sellers. The first may go before the others come.
    assert!(statements.count() <= 2 * 12, "{} statements for 20 closings", statements.count());
    for (lot, status) in lots {
        assert_eq!(market.view(lot).await.status, status);
    }
    assert!(rows(&market.workers.db.pool, "auctions.close").await.iter().all(|row| row.state == "succeeded"));
    for (template, count) in [("won", 10), ("sold", 10), ("unsold", 5), ("approval_asked", 10)] {
        assert_eq!(market.mails(template).await.len(), count, "{template}");
    }
    // What follows from a closing belongs to its job and its trace.
    let of_auction = "SELECT count(*)
                      FROM jobs AS c
                      JOIN jobs AS p ON p.id = c.parent AND p.kind = 'auctions.close'
                      JOIN emails AS m ON c.kind = 'emails.send' AND m.id::text = c.payload ->> 'email'
                      WHERE m.data ->> 'auction' = p.payload ->> 'auction'";
    assert_eq!(market.count(of_auction).await, 35);
    let timers = "SELECT count(*)
                  FROM jobs AS c
                  JOIN jobs AS p ON p.id = c.parent AND p.kind = 'auctions.close'
                  LEFT JOIN awards AS w ON w.id::text = c.payload ->> 'award'
                  WHERE coalesce(w.auction_id::text, c.payload ->> 'auction') = p.payload ->> 'auction'
                    AND c.kind IN ('auctions.default', 'auctions.expire_approval')";
    assert_eq!(market.count(timers).await, 15);
    market.close().await;
}

/// One that the database refuses is left with its failure; those beside it are closed.
#[tokio::test]
async fn an_auction_that_cannot_be_closed_holds_up_none_beside_it() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lots = market.ended(12).await;
    let (broken, status) = lots[6];
    assert_eq!(status, AuctionStatus::Awarded);
    let rule = format!("ALTER TABLE awards ADD CONSTRAINT broken CHECK (auction_id <> '{broken}')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(rule)).execute(&market.workers.db.pool).await.unwrap();
    market.run_at_once().await;
    for (lot, status) in &lots {
        let expected = if *lot == broken { AuctionStatus::Live } else { *status };
        assert_eq!(market.view(*lot).await.status, expected);
    }
    let failed = rows(&market.workers.db.pool, "auctions.close").await;
    let failed: Vec<_> = failed.iter().filter(|row| row.state != "succeeded").collect();
    let [failed] = failed.as_slice() else { panic!("{failed:?}") };
    assert!(failed.error.as_ref().is_some_and(|error| error.contains("broken")), "{failed:?}");
    assert_eq!((market.mails("won").await.len(), market.mails("unsold").await.len()), (5, 3));

    let mended = "ALTER TABLE awards DROP CONSTRAINT broken";
    sqlx::raw_sql(mended).execute(&market.workers.db.pool).await.unwrap();
    let due = "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'auctions.close' AND state = 'scheduled'";
    sqlx::raw_sql(due).execute(&market.workers.db.pool).await.unwrap();
    assert_eq!(market.workers.queue.drain().await, 1);
    assert_eq!(market.view(broken).await.status, status);
    assert_eq!(market.mails("won").await.len(), 6);
    market.close().await;
}
