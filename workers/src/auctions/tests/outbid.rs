//! Mail to those who were outbid.

use super::*;

impl TestMarket {
    /// Bids as the API does, in one transaction with the job that notifies those who are outbid.
    async fn outbid(&self, auction: AuctionId, by: Trader, cents: i64) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity: None };
        let placed = store::place_bid(&mut tx, &place).await.unwrap();
        if let Some(job) = NotifyOutbid::of(&placed) {
            let _ = tx.enqueue(&job).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// The prices in the mails to the outbid, in the order in which they were posted.
    async fn mailed(&self, to: Trader) -> Vec<Value> {
        let mails = self.mails("outbid").await;
        mails.into_iter().filter(|(user, _)| *user == to.user).map(|(_, data)| data["price"].clone()).collect()
    }

    /// Moves all the notices so far this many minutes into the past.
    async fn told_earlier(&self, minutes: i32) {
        sqlx::query("UPDATE outbid_notices SET notified_at = notified_at - make_interval(mins => $1)")
            .bind(minutes)
            .execute(&self.workers.db.pool)
            .await
            .unwrap();
    }

    /// States of the jobs that notify the outbid, oldest first.
    async fn notices(&self) -> Vec<String> {
        rows(&self.workers.db.pool, NotifyOutbid::KIND.name).await.into_iter().map(|row| row.state).collect()
    }
}

#[tokio::test]
async fn an_outbid_bidder_gets_one_mail_in_ten_minutes_with_the_latest_price() {
    for clock in clocks() {
        let market = TestMarket::new(clock).await;
        let (ann, bob) = (market.ann, market.bob);
        let lot = market.auction(&market.terms().await).await;
        market.outbid(lot, ann, 2_000).await;
        market.outbid(lot, bob, 3_000).await;
        market.workers.queue.drain().await;
        assert_eq!(market.mailed(ann).await, [json!(eur(2_050))], "the first time at once");
        // Ann and Bob go on bidding. Each is notified of the first time at once, and of all that
        // follow in one mail, when its time has come.
        for cents in [4_000, 6_000, 8_000] {
            for (bidder, cents) in [(ann, cents), (bob, cents + 1_000)] {
                market.outbid(lot, bidder, cents).await;
                market.workers.queue.drain().await;
            }
        }
        assert_eq!((market.mailed(ann).await.len(), market.mailed(bob).await.len()), (1, 1));
        let waiting: Vec<NotifyOutbid> = enqueued(&market.workers.db.pool).await;
        assert_eq!(waiting.len(), 2, "one for each: {waiting:?}");
        // Too early: they keep waiting.
        market.run().await;
        assert_eq!((market.mailed(ann).await.len(), market.mailed(bob).await.len()), (1, 1));
        market.told_earlier(10).await;
        market.run().await;
        assert_eq!(market.mailed(ann).await, [json!(eur(2_050)), json!(eur(8_100))]);
        assert_eq!(market.mailed(bob).await.len(), 1, "Bob has the lead back");
        assert!(market.notices().await.iter().all(|state| state == "succeeded"), "{:?}", market.notices().await);
        market.close().await;
    }
}

#[tokio::test]
async fn in_the_last_hour_everybody_is_told_of_each_time_at_once() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let (ann, bob) = (market.ann, market.bob);
    let lot = market.auction(&market.terms().await).await;
    market.outbid(lot, ann, 2_000).await;
    market.outbid(lot, bob, 3_000).await;
    market.outbid(lot, ann, 4_000).await;
    market.outbid(lot, bob, 5_000).await;
    market.workers.queue.drain().await;
    assert_eq!((market.mailed(ann).await.len(), market.mailed(bob).await.len()), (1, 0), "Bob leads");
    market.end_in(lot, TimeDelta::minutes(59)).await;
    for cents in [6_000, 8_000] {
        market.outbid(lot, ann, cents).await;
        market.outbid(lot, bob, cents + 1_000).await;
    }
    // Each time counts, no matter who leads again and whether the auction is over.
    market.end_in(lot, TimeDelta::seconds(-1)).await;
    market.workers.queue.drain().await;
    assert_eq!(market.mailed(ann).await[1..], [json!(eur(6_100)), json!(eur(8_100))]);
    assert_eq!(market.mailed(bob).await, [json!(eur(5_100)), json!(eur(7_100))]);
    market.close().await;
}

#[tokio::test]
async fn of_a_large_organisation_so_many_are_told_that_it_was_outbid() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    // Viewers are not notified; of thirty more traders, those who joined first are.
    sqlx::query(
        "WITH people AS (
             INSERT INTO users (id, email, name, password_hash)
             SELECT gen_random_uuid(), number || '@example.test', 'Kim Test', '-' FROM generate_series(1, 40) AS number
             RETURNING id, split_part(email, '@', 1)::integer AS number
         )
         INSERT INTO memberships (org_id, user_id, role, created_at)
         SELECT $1, id, CASE WHEN number > 30 THEN 'viewer' ELSE 'trader' END, now() + number * interval '1 second'
         FROM people",
    )
    .bind(market.ann.org)
    .execute(&market.workers.db.pool)
    .await
    .unwrap();
    market.outbid(lot, market.ann, 2_000).await;
    market.outbid(lot, market.bob, 3_000).await;
    market.workers.queue.drain().await;
    let mut expected: Vec<UserId> = sqlx::query_scalar(
        "SELECT u.id FROM users AS u
         JOIN memberships AS m ON m.user_id = u.id AND m.org_id = $1
         ORDER BY m.created_at
         LIMIT 20",
    )
    .bind(market.ann.org)
    .fetch_all(&market.workers.db.pool)
    .await
    .unwrap();
    let mut mailed: Vec<_> = market.mails("outbid").await.into_iter().map(|(user, _)| user).collect();
    expected.sort_unstable();
    mailed.sort_unstable();
    assert_eq!(mailed, expected);
    market.close().await;
}
