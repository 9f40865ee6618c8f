//! On the real engine, over the real store and an S3 server.

use jobs::appointments;
use jobs::papers::{ExpirePapers, PrintPaper, ask};
use market::ids::{OrderId, PaperId};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::papers::model::{NewPaper, Paper, PaperKind, PaperStatus};
use market::papers::store;
use market::testing::{self, eur};
use queue::testing::rows;
use queue::worker::Handlers;

use super::PaperFonts;
use crate::Services;
use crate::appointments::tests::TestDepot;
use crate::testing::TestWorkers;

fn handlers() -> Handlers<Services> {
    Handlers::default().with::<PrintPaper>().with::<ExpirePapers>()
}

/// A paid order, and a picking list of it that its seller has asked for.
struct TestYard {
    workers: TestWorkers,
    seller: Party,
    order: OrderId,
}

impl TestYard {
    async fn new(workers: TestWorkers) -> Self {
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let listing = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = testing::placed(&mut conn, buyer, listing, eur(30_000)).await;
        testing::pay(&mut conn, buyer, checkout).await;
        drop(conn);
        Self { workers, seller: Party { org: seller.org, user: seller.user }, order }
    }

    async fn ask(&self) -> PaperId {
        let new = NewPaper { kind: PaperKind::PickingList, about: self.order.0, waste: None };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (paper, _, _) = ask(&mut tx, self.seller, &new).await.unwrap();
        tx.commit().await.unwrap();
        paper
    }

    async fn paper(&self, id: PaperId) -> Paper {
        store::find(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap().expect("a paper")
    }
}

#[tokio::test]
async fn a_paper_is_printed_once_and_its_file_goes_when_its_time_is_over() {
    let yard = TestYard::new(TestWorkers::new(handlers()).await).await;
    let id = yard.ask().await;
    assert_eq!(yard.paper(id).await.status, PaperStatus::Queued);
    yard.workers.queue.drain().await;
    let printed = yard.paper(id).await;
    assert_eq!((printed.status, printed.object_key), (PaperStatus::Ready, Some(Paper::key(id))));
    let file = yard.workers.blobs.get(&Paper::key(id), 1_000_000).await.unwrap();
    assert!(file.starts_with(b"%PDF-"));
    // Whoever runs it again, and looks for what is over too early.
    let _ = yard.workers.ledger.enqueue(&PrintPaper { paper: id, org: yard.seller.org }).await.unwrap();
    let _ = yard.workers.ledger.enqueue(&ExpirePapers {}).await.unwrap();
    yard.workers.queue.drain().await;
    assert_eq!(yard.workers.blobs.get(&Paper::key(id), 1_000_000).await.unwrap(), file);
    let results = rows(&yard.workers.db.pool, "papers.print").await.iter().filter(|run| run.result.is_some()).count();
    assert_eq!(results, 1, "the second run did nothing");

    sqlx::query("UPDATE papers SET expires_at = clock_timestamp() - interval '1 second'")
        .execute(&yard.workers.db.pool)
        .await
        .unwrap();
    let _ = yard.workers.ledger.enqueue(&ExpirePapers {}).await.unwrap();
    yard.workers.queue.drain().await;
    let gone = yard.paper(id).await;
    assert_eq!((gone.status, gone.object_key), (PaperStatus::Expired, None));
    yard.workers.blobs.get(&Paper::key(id), 1_000_000).await.unwrap_err();
    yard.workers.close().await;
}

#[tokio::test]
async fn a_paper_that_cannot_be_printed_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let workers = TestWorkers::printing_with(handlers(), PaperFonts::below(empty.path())).await;
    let yard = TestYard::new(workers).await;
    let id = yard.ask().await;
    yard.workers.queue.drain().await;
    let failed = yard.paper(id).await;
    assert_eq!(failed.status, PaperStatus::Failed);
    assert!(failed.failure.is_some_and(|why| why.contains("cannot be printed")), "nobody hears why");
    let run = rows(&yard.workers.db.pool, "papers.print").await.remove(0);
    assert_eq!(run.state, "dead");
    assert!(run.error.is_some_and(|error| error.contains("fonts-noto-core")), "operators do not hear why");
    yard.workers.leave().await;
}

/// Between asking and printing.
#[tokio::test]
async fn the_pass_of_a_collection_that_was_cancelled_meanwhile_is_not_printed() {
    let depot = TestDepot::with(handlers()).await;
    let booked = depot.booked(3).await.id;
    let new = NewPaper { kind: PaperKind::ReleasePass, about: booked.0, waste: None };
    let mut tx = depot.workers.ledger.begin().await.unwrap();
    let (paper, _, _) = ask(&mut tx, depot.buyer, &new).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = depot.workers.ledger.begin().await.unwrap();
    appointments::cancel(&mut tx, depot.buyer, booked).await.unwrap();
    tx.commit().await.unwrap();
    depot.workers.queue.drain().await;
    let mut conn = depot.workers.db.pool.acquire().await.unwrap();
    let failed = store::find(&mut conn, paper).await.unwrap().unwrap();
    assert_eq!(failed.status, PaperStatus::Failed);
    assert!(failed.failure.is_some_and(|why| why.contains("Cancelled")), "nobody hears why");
    depot.workers.blobs.get(&Paper::key(paper), 1_000_000).await.unwrap_err();
    drop(conn);
    depot.workers.leave().await;
}

/// The database has its hash when the file is there, and the file goes when it is good for nothing.
#[tokio::test]
async fn a_printed_pass_is_issued_with_its_file() {
    let depot = TestDepot::with(handlers()).await;
    let booked = depot.booked(3).await;
    let new = NewPaper { kind: PaperKind::ReleasePass, about: booked.id.0, waste: None };
    let mut tx = depot.workers.ledger.begin().await.unwrap();
    let (paper, _, _) = ask(&mut tx, depot.buyer, &new).await.unwrap();
    tx.commit().await.unwrap();
    let has_hash = async || {
        sqlx::query_scalar::<_, bool>("SELECT pass_hash IS NOT NULL FROM appointments WHERE id = $1")
            .bind(booked.id)
            .fetch_one(&depot.workers.db.pool)
            .await
            .unwrap()
    };
    assert!(!has_hash().await, "asking issues nothing");
    depot.workers.queue.drain().await;
    let ready = store::find(&mut depot.workers.db.pool.acquire().await.unwrap(), paper).await.unwrap().unwrap();
    assert_eq!((ready.status, has_hash().await), (PaperStatus::Ready, true));
    assert_eq!(ready.expires_at, Some(booked.ends_at + market::appointments::model::GRACE));
    depot.workers.leave().await;
}
