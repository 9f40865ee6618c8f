use chrono::{DateTime, Utc};
use jobs::emails::SendEmail;
use market::ids::{ListingId, SavedSearchId};
use market::listings::model::SaleMode;
use market::search::model::{Criteria, Query};
use market::search::store::saved::{self, Digest, NewMatch, NewSavedSearch, SavedSearchChange};
use market::testing::{Trader, listing, trader};
use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Enqueue, Job, Unique};
use serde_json::Value;
use shared::ids::UserId;

use super::*;
use crate::testing::TestWorkers;

struct TestMarket {
    workers: TestWorkers,
    seller: Trader,
    person: UserId,
}

impl TestMarket {
    async fn new() -> Self {
        Self::with(Handlers::default().with::<MatchSaved>()).await
    }

    async fn with(handlers: Handlers<Services>) -> Self {
        let workers = TestWorkers::new(handlers).await;
        let seller = trader(&mut workers.db.pool.acquire().await.unwrap()).await;
        let person = workers.user("ada@example.com").await;
        Self { workers, seller, person }
    }

    /// Keeps a search for what the seller sells at a fixed price.
    async fn save(&self) -> SavedSearchId {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let asked = Criteria { mode: Some(SaleMode::Fixed), ..Criteria::default() };
        let query = Query { mode: Some(SaleMode::Fixed), ..Query::default() };
        let new = NewSavedSearch { name: "Fixed", asked: &asked, query: &query, alerts: true };
        saved::create(&mut conn, self.person, new).await.unwrap().id
    }

    async fn list(&self, mode: SaleMode) -> ListingId {
        listing(&mut self.workers.db.pool.acquire().await.unwrap(), self.seller, mode, 1).await
    }

    async fn run(&self) {
        self.workers.ledger.enqueue(&MatchSaved {}).await.unwrap();
        self.workers.queue.drain().await;
        let job = rows(&self.workers.db.pool, MatchSaved::KIND.name).await.pop().unwrap();
        assert_eq!(job.state, "succeeded", "{job:?}");
    }

    async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.workers.db.pool).await.unwrap();
    }

    /// The listings of each mail, in the order in which they were posted.
    async fn mails(&self) -> Vec<Vec<ListingId>> {
        let mails: Vec<Value> = sqlx::query_scalar(
            "SELECT data FROM emails WHERE template = 'saved_search_digest' ORDER BY created_at, id",
        )
        .fetch_all(&self.workers.db.pool)
        .await
        .unwrap();
        let listings = |data: &Value| {
            let found = data["found"].as_array().unwrap().iter();
            found.map(|one| one["listing"].as_str().unwrap().parse().unwrap()).collect()
        };
        mails.iter().map(listings).collect()
    }

    async fn hits(&self) -> i64 {
        let count = "SELECT count(*) FROM saved_search_hits";
        sqlx::query_scalar(count).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// Puts the day of the last mail before today.
    async fn next_day(&self) {
        self.sql("UPDATE saved_searches SET mailed_on = mailed_on - 1; UPDATE emails SET reference = 'before ' || id")
            .await;
    }

    async fn now(&self) -> DateTime<Utc> {
        sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// Leaves the jobs that would send the mails.
    async fn close(self) {
        self.workers.leave().await;
    }
}

#[tokio::test]
async fn a_new_match_is_mailed_once_and_what_was_there_before_never() {
    let market = TestMarket::new().await;
    market.list(SaleMode::Fixed).await;
    market.save().await;
    market.run().await;
    assert_eq!((market.mails().await, market.hits().await), (vec![], 0));
    let first = market.list(SaleMode::Fixed).await;
    let second = market.list(SaleMode::Fixed).await;
    market.list(SaleMode::Auction).await;
    for _ in 0..2 {
        market.run().await;
        assert_eq!(market.mails().await, [vec![second, first]]);
    }
    // What is written anew is found again, and is no new match; nor is it on the next day.
    market.sql("UPDATE listings SET title = title || '!' WHERE status = 'published'").await;
    market.next_day().await;
    market.run().await;
    assert_eq!((market.mails().await.len(), market.hits().await), (1, 2));
    market.close().await;
}

#[tokio::test]
async fn a_search_is_mailed_at_most_once_a_day_and_the_rest_on_the_next() {
    let market = TestMarket::new().await;
    market.save().await;
    let first = market.list(SaleMode::Fixed).await;
    market.run().await;
    let second = market.list(SaleMode::Fixed).await;
    let gone = market.list(SaleMode::Fixed).await;
    market.run().await;
    assert_eq!((market.mails().await, market.hits().await), (vec![vec![first]], 3));
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    market::listings::store::withdraw(&mut conn, market.seller.org, gone).await.unwrap();
    drop(conn);
    market.next_day().await;
    market.run().await;
    assert_eq!(market.mails().await, [vec![first], vec![second]]);
    market.close().await;
}

#[tokio::test]
async fn the_day_is_that_of_the_persons_time_zone() {
    let market = TestMarket::new().await;
    market.save().await;
    market.list(SaleMode::Fixed).await;
    let before = market.now().await;
    // It is never the same day in these two.
    for (zone, mails) in [("Pacific/Kiritimati", 1), ("Pacific/Pago_Pago", 1)] {
        sqlx::query("UPDATE users SET time_zone = $1").bind(zone).execute(&market.workers.db.pool).await.unwrap();
        market.list(SaleMode::Fixed).await;
        market.run().await;
        // Whoever goes to where it is still yesterday has had the day's mail.
        assert_eq!(market.mails().await.len(), mails, "{zone} at {before}");
    }
    let zone: chrono_tz::Tz = "Pacific/Kiritimati".parse().unwrap();
    let day: chrono::NaiveDate =
        sqlx::query_scalar("SELECT mailed_on FROM saved_searches").fetch_one(&market.workers.db.pool).await.unwrap();
    let around = [before, market.now().await].map(|at| at.with_timezone(&zone).date_naive());
    assert!(around.contains(&day), "{day} is not one of {around:?}");
    market.close().await;
}

#[tokio::test]
async fn two_runs_at_once_mail_once() {
    let market = TestMarket::new().await;
    for _ in 0..10 {
        market.save().await;
    }
    for round in 1..=10 {
        market.list(SaleMode::Fixed).await;
        let mut tx = market.workers.ledger.begin().await.unwrap();
        for _ in 0..2 {
            let _ = tx.enqueue_with(Enqueue::new(&MatchSaved {}).unique(Unique::NO)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let tickets = market.workers.queue.take().await;
        let jobs: Vec<_> = tickets.iter().map(|ticket| market.workers.queue.run(*ticket)).collect();
        assert_eq!(jobs.len(), 2);
        futures::future::join_all(jobs).await;
        // What one run had locked, the other has left to it.
        assert_eq!((market.mails().await.len(), market.hits().await), (10 * round, 10 * i64::try_from(round).unwrap()));
        for listings in market.mails().await {
            assert_eq!(listings.len(), 1);
        }
        market.next_day().await;
    }
    market.close().await;
}

#[tokio::test]
async fn a_suspended_person_gets_no_mail_until_reinstated() {
    let market = TestMarket::new().await;
    market.save().await;
    market.sql("UPDATE users SET status = 'suspended' WHERE email = 'ada@example.com'").await;
    let found = market.list(SaleMode::Fixed).await;
    market.run().await;
    assert_eq!((market.mails().await, market.hits().await), (vec![], 1));
    market.sql("UPDATE users SET status = 'active' WHERE email = 'ada@example.com'").await;
    market.run().await;
    assert_eq!(market.mails().await, [vec![found]]);
    market.close().await;
}

#[tokio::test]
async fn a_deleted_search_and_one_without_alerts_find_nothing() {
    let market = TestMarket::new().await;
    let (deleted, silent) = (market.save().await, market.save().await);
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let turn = |alerts| SavedSearchChange { alerts: Some(alerts), ..SavedSearchChange::default() };
    market.list(SaleMode::Fixed).await;
    saved::delete(&mut conn, market.person, deleted).await.unwrap();
    saved::change(&mut conn, market.person, silent, turn(false)).await.unwrap();
    assert!(saved::delete(&mut conn, market.person, deleted).await.is_err());
    market.run().await;
    assert_eq!((market.mails().await, market.hits().await), (vec![], 0));
    // Turned on, they tell of what comes from then on.
    saved::change(&mut conn, market.person, silent, turn(true)).await.unwrap();
    market.run().await;
    assert_eq!(market.hits().await, 0);
    let found = market.list(SaleMode::Fixed).await;
    market.run().await;
    assert_eq!(market.mails().await, [vec![found]]);
    drop(conn);
    market.close().await;
}

#[tokio::test]
async fn what_a_slow_transaction_publishes_late_is_found() {
    let market = TestMarket::new().await;
    market.save().await;
    let mut tx = market.workers.db.pool.begin().await.unwrap();
    let late = listing(&mut tx, market.seller, SaleMode::Fixed, 1).await;
    // Its row gets its time before the next look, and appears after it.
    sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *tx).await.unwrap();
    let other = trader(&mut market.workers.db.pool.acquire().await.unwrap()).await;
    let early = listing(&mut market.workers.db.pool.acquire().await.unwrap(), other, SaleMode::Fixed, 1).await;
    market.run().await;
    assert_eq!(market.mails().await, [vec![early]]);
    tx.commit().await.unwrap();
    market.next_day().await;
    market.run().await;
    assert_eq!(market.mails().await, [vec![early], vec![late]]);
    market.close().await;
}

#[tokio::test]
async fn a_mail_that_waits_is_not_sent_once_its_search_is_deleted() {
    let market = TestMarket::with(Handlers::default().with::<SendEmail>()).await;
    let post = async |id| {
        let mut tx = market.workers.ledger.begin().await.unwrap();
        let found = NewMatch { listing: ListingId::generate(), title: "Console".to_owned(), price: None };
        let (user, day) = (market.person, chrono::NaiveDate::default());
        let digest = Digest { search: id, user, name: "Fixed".to_owned(), day, found: vec![found], more: 0 };
        mail::digest(&mut tx, digest).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (kept, deleted) = (market.save().await, market.save().await);
    post(kept).await;
    post(deleted).await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    saved::delete(&mut conn, market.person, deleted).await.unwrap();
    market.workers.queue.drain().await;
    let statuses: Vec<String> =
        sqlx::query_scalar("SELECT status FROM emails ORDER BY id").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(statuses, ["sent", "failed"]);
    drop(conn);
    market.workers.close().await;
}
