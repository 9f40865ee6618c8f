//! The jobs of checkouts, on the real engine and over the real store.

use chrono::TimeDelta;
use jobs::checkout::{ExpireCheckout, News, NotifyParties, SweepCheckouts, cancel, place};
use market::checkout::model::{Checkout, CheckoutLine, CheckoutStatus};
use market::checkout::store;
use market::ids::{CheckoutId, ListingId};
use market::listings::model::SaleMode;
use market::testing::{self, Trader, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::{Value, json};
use shared::ids::UserId;

use crate::testing::TestWorkers;

/// Workers with the jobs of checkouts, a listing at a fixed price, and a buyer.
struct TestMarket {
    workers: TestWorkers,
    seller: Trader,
    buyer: Trader,
    goods: ListingId,
}

impl TestMarket {
    async fn new() -> Self {
        let handlers = Handlers::default().with::<ExpireCheckout>().with::<SweepCheckouts>().with::<NotifyParties>();
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        drop(conn);
        Self { workers, seller, buyer, goods }
    }

    /// A checkout of one unit, with its jobs.
    async fn checkout(&self) -> Checkout {
        self.checkout_for(TimeDelta::minutes(30)).await
    }

    async fn checkout_for(&self, term: TimeDelta) -> Checkout {
        let lines = [CheckoutLine { listing: self.goods, quantity: 1, price: eur(10_000) }];
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let placed = place(&mut tx, self.buyer.org, self.buyer.user, &lines, term).await.unwrap();
        tx.commit().await.unwrap();
        placed
    }

    /// A checkout whose job nobody has.
    async fn lost(&self) -> CheckoutId {
        let lines = [CheckoutLine { listing: self.goods, quantity: 1, price: eur(10_000) }];
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        let term = TimeDelta::minutes(30);
        let placed = store::place(&mut tx, self.buyer.org, self.buyer.user, &lines, term).await.unwrap();
        tx.commit().await.unwrap();
        placed
    }

    /// Its time to pay has passed ten seconds ago.
    async fn age(&self, id: CheckoutId) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        // The table refuses this: a promised time does not move.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(
            "UPDATE checkouts
             SET created_at = created_at - interval '1 year', pay_by = clock_timestamp() - interval '10 seconds'
             WHERE id = $1",
        )
        .bind(id)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn status(&self, id: CheckoutId) -> CheckoutStatus {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::checkout(&mut conn, self.buyer.org, id).await.unwrap().unwrap().status
    }

    /// The mails of a template that were posted with a job to send them: recipient and data.
    async fn mails(&self, template: &str) -> Vec<(UserId, Value)> {
        sqlx::query_as(
            "SELECT m.user_id, m.data
             FROM emails AS m
             JOIN jobs AS j ON j.kind = 'emails.send' AND j.payload ->> 'email' = m.id::text
             WHERE m.template = $1
             ORDER BY m.data ->> 'side', m.created_at",
        )
        .bind(template)
        .fetch_all(&self.workers.db.pool)
        .await
        .unwrap()
    }

    async fn notify(&self, checkout: CheckoutId, news: News) {
        self.workers.ledger.enqueue(&NotifyParties { checkout, news }).await.unwrap();
        self.run().await;
    }

    /// Runs every open job, including those scheduled for later; returns how many attempts ran.
    async fn run(&self) -> usize {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await
    }

    /// Leaves the timers of what is not paid open.
    async fn close(self) {
        self.workers.leave().await;
    }

    async fn reserved(&self) -> i64 {
        sqlx::query_scalar("SELECT reserved FROM listings WHERE id = $1")
            .bind(self.goods)
            .fetch_one(&self.workers.db.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_timer_that_runs_early_waits_and_one_that_runs_again_finds_nothing() {
    let market = TestMarket::new().await;
    let placed = market.checkout().await;
    // Its mail goes out, too.
    assert_eq!(market.run().await, 2);
    let job = &rows(&market.workers.db.pool, "checkout.expire").await[0];
    assert_eq!((market.status(placed.id).await, market.reserved().await), (CheckoutStatus::Open, 1), "{job:?}");
    market.age(placed.id).await;
    assert_eq!(market.run().await, 2);
    let again = ExpireCheckout { checkout: placed.id };
    market.workers.ledger.enqueue(&again).await.unwrap();
    assert_eq!(market.run().await, 1);
    assert_eq!((market.status(placed.id).await, market.reserved().await), (CheckoutStatus::Expired, 0));
    market.close().await;
}

#[tokio::test]
async fn the_sweep_ends_checkouts_whose_timer_was_lost() {
    let market = TestMarket::new().await;
    let sweep = async || {
        market.workers.ledger.enqueue(&SweepCheckouts {}).await.unwrap();
        market.workers.queue.drain().await;
        rows(&market.workers.db.pool, "checkout.sweep").await.pop().unwrap().result.unwrap()
    };
    let later = market.checkout().await.id;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    // Of one, nobody has the job; the other's waits for a later time, as a worker whose clock ran behind would have left it.
    let (lost, late) = (market.lost().await, market.checkout().await.id);
    for id in [lost, late] {
        market.age(id).await;
    }
    assert_eq!(market.reserved().await, 3);
    assert_eq!(sweep().await, json!({"added": 1, "pulled": 1}));
    for (id, status) in
        [(lost, CheckoutStatus::Expired), (late, CheckoutStatus::Expired), (later, CheckoutStatus::Open)]
    {
        assert_eq!(market.status(id).await, status);
    }
    assert_eq!(market.reserved().await, 1);
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.close().await;
}

#[tokio::test]
async fn both_sides_hear_once_of_an_order_and_of_its_end() {
    let market = TestMarket::new().await;
    let (expired, cancelled) = (market.checkout().await, market.checkout().await);
    market.run().await;
    let mut tx = market.workers.ledger.begin().await.unwrap();
    cancel(&mut tx, market.buyer.org, market.buyer.user, cancelled.id).await.unwrap();
    tx.commit().await.unwrap();
    market.age(expired.id).await;
    market.run().await;
    for news in [News::Placed, News::Expired] {
        market.notify(expired.id, news).await;
    }
    for news in [News::Placed, News::Cancelled] {
        market.notify(cancelled.id, news).await;
    }
    for (template, of) in [
        ("order_placed", vec![&expired, &cancelled]),
        ("order_expired", vec![&expired]),
        ("order_cancelled", vec![&cancelled]),
    ] {
        let mails = market.mails(template).await;
        assert_eq!(mails.len(), 2 * of.len(), "{template}: {mails:?}");
        for checkout in of {
            let order = json!(checkout.orders[0].id);
            let told = |side: &str| {
                let mail = mails.iter().find(|(_, data)| data["order"] == order && data["side"] == side);
                mail.map(|(to, data)| (*to, data["title"].clone(), data["more"].clone()))
            };
            let title = json!("A console with two controllers");
            assert_eq!(told("buyer"), Some((market.buyer.user, title.clone(), json!(0))), "{template}");
            assert_eq!(told("seller"), Some((market.seller.user, title, json!(0))), "{template}");
        }
    }
    market.close().await;
}

#[tokio::test]
async fn a_buyer_who_has_more_than_a_day_is_reminded_a_day_before_unless_it_is_over() {
    let market = TestMarket::new().await;
    let reminders = async || {
        sqlx::query_scalar::<_, bool>(
            "SELECT j.run_at = c.pay_by - interval '24 hours'
             FROM jobs AS j
             JOIN checkouts AS c ON c.id::text = j.payload ->> 'checkout'
             WHERE j.kind = 'checkout.notify' AND j.payload ->> 'news' = 'reminder'",
        )
        .fetch_all(&market.workers.db.pool)
        .await
        .unwrap()
    };
    market.checkout_for(TimeDelta::hours(24)).await;
    assert_eq!(reminders().await, [] as [bool; 0]);
    let (kept, cancelled) =
        (market.checkout_for(TimeDelta::hours(72)).await, market.checkout_for(TimeDelta::hours(72)).await);
    assert_eq!(reminders().await, [true, true]);
    let mut tx = market.workers.ledger.begin().await.unwrap();
    cancel(&mut tx, market.buyer.org, market.buyer.user, cancelled.id).await.unwrap();
    tx.commit().await.unwrap();
    market.run().await;
    let mails = market.mails("payment_reminder").await;
    assert_eq!(
        mails.iter().map(|(to, data)| (*to, data["checkout"].clone())).collect::<Vec<_>>(),
        [(market.buyer.user, json!(kept.id))]
    );
    market.close().await;
}
