//! Reminders of auctions that end soon.

use shared::testing::Statements;

use super::*;

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
        let reminded = async |market: &TestMarket| {
            let mails = market.mails("ending_soon").await;
            let mut reminded: Vec<_> = mails.into_iter().map(|(user, data)| (user, data["leading"].clone())).collect();
            reminded.sort_by_key(|(user, _)| *user == market.bob.user);
            reminded
        };
        let both = [(market.ann.user, json!(true)), (market.bob.user, json!(false))];
        assert_eq!(reminded(&market).await, both);
        // The reminder an hour before the end waits for its time.
        let pending: Vec<RemindBidders> = enqueued(&market.workers.db.pool).await;
        assert!(matches!(pending.as_slice(), [job] if job.reminder == Reminder::Hour), "{pending:?}");
        market.enqueue(&RemindBidders { auction: lot, reminder: Reminder::Day }).await;
        assert_eq!(market.workers.queue.drain().await, 1);
        assert_eq!(reminded(&market).await, both, "the same mail once");

        market.end_in(lot, TimeDelta::minutes(59)).await;
        assert_eq!(market.run().await, 1);
        assert_eq!(reminded(&market).await.len(), 4);
        market.close().await;
    }
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
        let before = market.mails("ending_soon").await.len();
        let statements = Statements::containing(ABOUT_BIDDERS);
        let counting = statements.listen();
        assert_eq!(market.workers.queue.drain().await, 1);
        drop(counting);
        let mails = market.mails("ending_soon").await.split_off(before);
        assert_eq!(mails.len(), usize::try_from(bidders).unwrap());
        assert_eq!(mails.iter().filter(|(_, data)| data["leading"] == json!(true)).count(), 1);
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
    let mails = market.mails("ending_soon").await;
    let theirs: Vec<_> = mails.iter().filter(|(user, _)| *user == both).map(|(_, data)| &data["leading"]).collect();
    assert_eq!(theirs, [&json!(true)]);
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
        let mut mails: Vec<_> = market
            .mails("ending_soon")
            .await
            .into_iter()
            .map(|(user, data)| (user, data["leading"].clone(), data["watching"].clone()))
            .collect();
        mails.sort_by_key(|(user, ..)| *user == watcher);
        assert_eq!(mails, [(market.ann.user, json!(true), json!(false)), (watcher, Value::Null, json!(true))]);
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
