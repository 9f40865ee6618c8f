//! The jobs of offers, on the real engine and over the real store.

use jobs::offers::{ExpireOffer, SweepOffers, await_answer};
use market::ids::{ListingId, OfferId};
use market::listings::model::SaleMode;
use market::offers::model::{OfferStatus, Party, Proposal};
use market::offers::store::{self, NewOffer};
use market::testing::{self, Trader, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use crate::testing::TestWorkers;

struct TestMarket {
    workers: TestWorkers,
    seller: Trader,
    buyer: Trader,
    goods: ListingId,
}

impl TestMarket {
    async fn new() -> Self {
        let workers = TestWorkers::new(Handlers::default().with::<ExpireOffer>().with::<SweepOffers>()).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let goods = testing::listing(&mut conn, seller, SaleMode::Offer, 10).await;
        drop(conn);
        Self { workers, seller, buyer, goods }
    }

    /// An offer, with its timer or without.
    async fn offer(&self, timed: bool) -> OfferId {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let by = Party { org: self.buyer.org, user: self.buyer.user };
        let proposal = Proposal { price: eur(9_000), quantity: 1, note: None };
        let id = store::create(&mut tx, by, NewOffer { listing: self.goods, item: None, proposal }).await.unwrap();
        if timed {
            let offer = store::offer(&mut tx, by.org, id).await.unwrap().unwrap();
            await_answer(&mut tx, &offer).await.unwrap();
        }
        tx.commit().await.unwrap();
        id
    }

    async fn age(&self, id: OfferId) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        // The table refuses this: a promised time does not move back.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(
            "UPDATE offers
             SET created_at = created_at - interval '1 year', expires_at = clock_timestamp() - interval '10 seconds'
             WHERE id = $1",
        )
        .bind(id)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn status(&self, id: OfferId) -> OfferStatus {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::offer(&mut conn, self.buyer.org, id).await.unwrap().unwrap().status
    }

    /// Runs every open job of offers, including those scheduled for later.
    async fn run(&self) {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await;
    }

    async fn mails(&self) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = 'offer_expired'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    async fn close(self) {
        self.workers.leave().await;
    }
}

#[tokio::test]
async fn an_offer_that_nobody_answers_expires_and_both_sides_hear_of_it_once() {
    let market = TestMarket::new().await;
    let id = market.offer(true).await;
    market.run().await;
    assert_eq!((market.status(id).await, market.mails().await), (OfferStatus::Open, 0));
    market.age(id).await;
    market.run().await;
    assert_eq!((market.status(id).await, market.mails().await), (OfferStatus::Expired, 2));
    market.workers.ledger.enqueue(&ExpireOffer { offer: id }).await.unwrap();
    market.run().await;
    assert_eq!(market.mails().await, 2);
    market.close().await;
}

#[tokio::test]
async fn an_answer_with_other_terms_moves_the_end() {
    let market = TestMarket::new().await;
    let id = market.offer(true).await;
    market.age(id).await;
    let mut tx = market.workers.db.pool.begin().await.unwrap();
    sqlx::query("UPDATE offers SET expires_at = clock_timestamp() + interval '1 minute' WHERE id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await
        .unwrap();
    let by = Party { org: market.seller.org, user: market.seller.user };
    let proposal = Proposal { price: eur(9_500), quantity: 1, note: None };
    store::counter(&mut tx, by, id, 1, &proposal).await.unwrap();
    tx.commit().await.unwrap();
    market.run().await;
    assert_eq!(market.status(id).await, OfferStatus::Countered);
    let job = &rows(&market.workers.db.pool, "offers.expire").await[0];
    assert_eq!(job.state, "scheduled");
    market.close().await;
}

#[tokio::test]
async fn the_sweep_ends_offers_whose_timer_was_lost() {
    let market = TestMarket::new().await;
    let sweep = async || {
        market.workers.ledger.enqueue(&SweepOffers {}).await.unwrap();
        market.workers.queue.drain().await;
        rows(&market.workers.db.pool, "offers.sweep").await.pop().unwrap().result.unwrap()
    };
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    let lost = market.offer(false).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.age(lost).await;
    assert_eq!(sweep().await, json!({"added": 1, "pulled": 0}));
    assert_eq!(market.status(lost).await, OfferStatus::Expired);
    let late = market.offer(true).await;
    market.age(late).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 1}));
    assert_eq!(market.status(late).await, OfferStatus::Expired);
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.close().await;
}
