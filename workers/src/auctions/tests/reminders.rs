//! Reminders of auctions that end soon.

use shared::testing::Statements;

use super::*;

impl TestMarket {
    /// What those who do not lead are reminded of: recipient, whether they lead, whether they only watch.
    async fn reminded(&self) -> Vec<(UserId, Value, Value)> {
        let mails = self.mails("ending_soon").await;
        mails.into_iter().map(|(user, data)| (user, data["leading"].clone(), data["watching"].clone())).collect()
    }

    /// Runs the reminder of the day before.
    async fn remind(&self, lot: AuctionId) {
        self.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
        self.workers.queue.drain().await;
    }
}

#[tokio::test]
async fn bidders_are_reminded_twice_and_each_time_once() {
    for clock in clocks() {
        let market = TestMarket::new(clock).await;
        let lot = market.auction(&market.terms().await).await;
        market.bid(lot, market.ann, 5_000, None).await;
        market.bid(lot, market.bob, 2_000, None).await;
        market.end_in(lot, TimeDelta::hours(23)).await;
        for reminder in Reminder::ALL {
            market.enqueue(&RemindBidders { auction: lot, reminder }).await;
        }
        assert_eq!(market.workers.queue.drain().await, 2);
        let bob = (market.bob.user, json!(false), json!(false));
        assert_eq!((market.leading().await, market.reminded().await), (vec![market.ann.user], vec![bob.clone()]));
        // The reminder an hour before the end waits for its time.
        let pending: Vec<RemindBidders> = enqueued(&market.workers.db.pool).await;
        assert!(matches!(pending.as_slice(), [job] if job.reminder == Reminder::Hour), "{pending:?}");
        market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
        assert_eq!(market.workers.queue.drain().await, 1);
        assert_eq!((market.leading().await.len(), market.reminded().await.len()), (1, 1), "the same mail once");

        market.end_in(lot, TimeDelta::minutes(59)).await;
        assert_eq!(market.run().await, 1);
        assert_eq!(market.leading().await, [market.ann.user; 2]);
        assert_eq!(market.reminded().await, [bob.clone(), bob]);
        market.close().await;
    }
}

/// The mail has the price of that moment and nobody's maximum, and says so when the price is below the reserve.
#[tokio::test]
async fn whoever_leads_before_the_end_hears_at_which_price_and_nothing_secret() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    for (reserve, is_met) in [(None, true), (Some(secret(3_000)), true), (Some(secret(9_000)), false)] {
        let terms = NewAuction { reserve, ..market.terms().await };
        let lot = market.auction(&terms).await;
        market.bid(lot, market.bob, 3_000, None).await;
        market.bid(lot, market.ann, 5_000, None).await;
        market.end_in(lot, TimeDelta::hours(23)).await;
        market.remind(lot).await;
        let (mails, seen) = (market.mails("winning").await, market.view(lot).await);
        let (user, data) = mails.iter().find(|(_, data)| data["auction"] == json!(lot)).unwrap();
        assert_eq!(*user, market.ann.user);
        let expected = json!({
            "auction": lot,
            "title": data["title"],
            "price": seen.price,
            "reserve_met": is_met,
            "again": false,
            "ends_at": seen.ends_at,
        });
        assert_eq!(*data, expected);
    }
    market.close().await;
}

/// What counts is who leads when the reminder goes out.
#[tokio::test]
async fn whoever_was_outbid_before_the_reminder_does_not_hear_of_a_lead() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    market.bid(lot, market.ann, 2_000, None).await;
    market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
    market.bid(lot, market.bob, 5_000, None).await;
    market.end_in(lot, TimeDelta::hours(23)).await;
    market.workers.queue.drain().await;
    assert_eq!(market.leading().await, [market.bob.user]);
    assert_eq!(market.reminded().await, [(market.ann.user, json!(false), json!(false))]);
    // The lead changes after the reminder: neither gets it again as the other one.
    market.bid(lot, market.ann, 9_000, None).await;
    market.remind(lot).await;
    assert_eq!((market.leading().await, market.reminded().await.len()), (vec![market.bob.user], 1));

    for over in [
        "UPDATE auctions SET suspended = true WHERE id = $1",
        "UPDATE auctions SET status = 'cancelled', closed_at = clock_timestamp() WHERE id = $1",
    ] {
        let lot = market.auction(&market.terms().await).await;
        market.bid(lot, market.ann, 2_000, None).await;
        market.end_in(lot, TimeDelta::hours(23)).await;
        sqlx::query(over).bind(lot).execute(&market.workers.db.pool).await.unwrap();
        market.remind(lot).await;
    }
    assert_eq!((market.leading().await.len(), market.reminded().await.len()), (1, 1));
    market.close().await;
}

#[tokio::test]
async fn a_reminder_moves_with_the_end_and_comes_too_late_for_a_closed_auction() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let terms = NewAuction { lot_mode: LotMode::Divisible, ..market.terms().await };
    let lot = market.auction(&terms).await;
    market.bid(lot, market.ann, 2_000, Some(10)).await;
    market.end_in(lot, TimeDelta::hours(3)).await;
    market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Hour }).await;
    assert_eq!(market.workers.queue.drain().await, 1);
    let due = market.view(lot).await.ends_at - TimeDelta::hours(1);
    sleeps_until(&market.job("auctions.ending_soon").await, due);
    market.end_in(lot, TimeDelta::minutes(50)).await;
    assert_eq!(market.run().await, 1);
    let mails = market.mails("ending_soon").await;
    // Nobody leads a lot that several bidders share.
    assert!(
        matches!(mails.as_slice(), [(to, data)] if *to == market.ann.user && data["leading"].is_null()),
        "{mails:?}"
    );

    let over = market.auction(&terms).await;
    market.bid(over, market.ann, 2_000, Some(10)).await;
    market.end_in(over, TimeDelta::milliseconds(-1)).await;
    market.enqueue(&RemindBidders { auction: over, reminder: Reminder::Hour }).await;
    assert_eq!(market.run().await, 1);
    assert_eq!(market.mails("ending_soon").await.len(), 1);
    market.close().await;
}

/// The statements that deal with bidders and their mail.
const ABOUT_BIDDERS: &[&str] = &["INTO emails", "FROM memberships", "FROM bids", "FROM auctions"];

#[tokio::test]
async fn many_bidders_are_reminded_with_as_many_statements_as_few() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let mut counted = Vec::new();
    for bidders in [2, 12] {
        let lot = market.auction(&market.terms().await).await;
        for place in 0..bidders {
            let bidder = testing::trader(&mut market.workers.db.pool.acquire().await.unwrap()).await;
            market.bid(lot, bidder, 2_000 + 1_000 * place, None).await;
        }
        market.end_in(lot, TimeDelta::hours(23)).await;
        market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
        let before = (market.leading().await.len(), market.reminded().await.len());
        let statements = Statements::containing(ABOUT_BIDDERS);
        let counting = statements.listen();
        assert_eq!(market.workers.queue.drain().await, 1);
        drop(counting);
        let after = (market.leading().await.len(), market.reminded().await.len());
        assert_eq!(after, (before.0 + 1, before.1 + usize::try_from(bidders).unwrap() - 1));
        counted.push(statements.count());
    }
    assert!(counted[0] > 0 && counted[0] == counted[1], "{counted:?}");
    market.close().await;
}

#[tokio::test]
async fn whoever_trades_for_the_leader_and_for_another_bidder_is_reminded_of_the_lead() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    market.bid(lot, market.ann, 2_000, None).await;
    market.bid(lot, market.bob, 5_000, None).await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let both = testing::member_of(&mut conn, &[market.ann.org, market.bob.org]).await;
    drop(conn);
    market.end_in(lot, TimeDelta::hours(23)).await;
    market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
    market.workers.queue.drain().await;
    assert!(market.leading().await.contains(&both));
    assert_eq!(market.reminded().await, [(market.ann.user, json!(false), json!(false))]);
    market.close().await;
}

#[tokio::test]
async fn whoever_only_watches_is_reminded_once_and_a_bidder_as_a_bidder() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    market.bid(lot, market.ann, 5_000, None).await;
    let listing = market.view(lot).await.listing_id;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let (watcher, suspended) = (testing::member_of(&mut conn, &[]).await, testing::member_of(&mut conn, &[]).await);
    for user in [watcher, suspended, market.ann.user] {
        market::watches::store::begin(&mut conn, user, listing).await.unwrap();
    }
    sqlx::query("UPDATE users SET status = 'suspended' WHERE id = $1")
        .bind(suspended)
        .execute(&mut *conn)
        .await
        .unwrap();
    drop(conn);
    market.end_in(lot, TimeDelta::hours(23)).await;
    for _ in 0..2 {
        market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
        market.workers.queue.drain().await;
        assert_eq!(market.leading().await, [market.ann.user]);
        assert_eq!(market.reminded().await, [(watcher, Value::Null, json!(true))]);
    }
    market.close().await;
}

#[tokio::test]
async fn more_watchers_than_one_batch_are_all_reminded() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    let listing = market.view(lot).await.listing_id;
    sqlx::query(
        "WITH people AS (
             INSERT INTO users (id, email, name, password_hash)
             SELECT gen_random_uuid(), n || '@example.test', 'Kim', '-' FROM generate_series(1, 401) AS n
             RETURNING id
         )
         INSERT INTO watches (user_id, listing_id) SELECT id, $1 FROM people",
    )
    .bind(listing)
    .execute(&market.workers.db.pool)
    .await
    .unwrap();
    market.end_in(lot, TimeDelta::hours(23)).await;
    market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
    market.workers.queue.drain().await;
    assert_eq!(market.mails("ending_soon").await.len(), 401);
    market.close().await;
}
