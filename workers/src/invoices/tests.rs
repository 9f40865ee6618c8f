//! On the real engine, over the real store and an S3 server.

use jobs::emails::SendEmail;
use jobs::invoices::{RenderInvoice, SweepInvoices};
use market::escrow::store as escrow;
use market::ids::{InvoiceId, OrderId, RefundId};
use market::invoices::model::{InvoiceFile, InvoiceOf};
use market::invoices::store;
use market::listings::model::SaleMode;
use market::testing::{self, Trader, eur};
use queue::ops::Actor;
use queue::ops::cancel::cancel;
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;

use crate::Services;
use crate::papers::PaperFonts;
use crate::testing::TestWorkers;

const KIND: &str = "invoices.render";

fn handlers() -> Handlers<Services> {
    Handlers::default().with::<RenderInvoice>().with::<SweepInvoices>().with::<SendEmail>()
}

/// A paid order of a seller with a VAT number.
struct TestSale {
    workers: TestWorkers,
    seller: Trader,
    order: OrderId,
}

impl TestSale {
    async fn new(workers: TestWorkers) -> Self {
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        for (org, number) in [(seller.org, Some("DE123456788")), (buyer.org, None)] {
            sqlx::query("UPDATE orgs SET country = 'DE', vat_number = $2 WHERE id = $1")
                .bind(org)
                .bind(number)
                .execute(&mut *conn)
                .await
                .unwrap();
        }
        let listing = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = testing::placed(&mut conn, buyer, listing, eur(30_000)).await;
        testing::pay(&mut conn, buyer, checkout).await;
        drop(conn);
        Self { workers, seller, order }
    }

    /// Runs the job about this, and what follows from it.
    async fn render(&self, of: InvoiceOf) {
        let _ = self.workers.ledger.enqueue(&RenderInvoice { of }).await.unwrap();
        self.workers.queue.drain().await;
    }

    async fn refund(&self, cents: i64) -> RefundId {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        let (org, by) = (self.seller.org, self.seller.user);
        let refund = escrow::refund(&mut tx, org, by, self.order, eur(cents), "scratched").await.unwrap();
        tx.commit().await.unwrap();
        refund.id
    }

    /// Lets hours pass since the documents were issued.
    async fn age(&self, hours: i32) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        // The table refuses this: documents stay as they are.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query("UPDATE invoices SET issued_at = issued_at - make_interval(hours => $1)")
            .bind(hours)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Runs the sweep, and what it enqueues; what it says.
    async fn sweep(&self) -> Value {
        let _ = self.workers.ledger.enqueue(&SweepInvoices {}).await.unwrap();
        self.workers.queue.drain().await;
        rows(&self.workers.db.pool, "invoices.sweep").await.pop().unwrap().result.unwrap()
    }

    async fn id(&self, of: InvoiceOf) -> InvoiceId {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::find(&mut conn, of).await.unwrap().expect("an invoice")
    }

    async fn file(&self, of: InvoiceOf) -> Option<InvoiceFile> {
        let id = self.id(of).await;
        store::file(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap()
    }

    /// The file's bytes, which must be those that were written down.
    async fn bytes(&self, of: InvoiceOf) -> Vec<u8> {
        let file = self.file(of).await.expect("a file");
        let bytes = self.workers.blobs.get(&file.object_key, 10_000_000).await.unwrap();
        assert_eq!((file.bytes, file.sha256), (bytes.len().try_into().unwrap(), Sha256::digest(&bytes).to_vec()));
        bytes
    }
}

#[tokio::test]
async fn invoice_and_credit_note_are_printed_once_and_reach_the_buyer() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    let refund = sale.refund(1_000).await;
    let (invoice, note) = (InvoiceOf::Order(sale.order), InvoiceOf::Refund(refund));
    assert_eq!(sale.file(invoice).await, None);
    for _ in 0..2 {
        for of in [invoice, note] {
            sale.render(of).await;
        }
    }
    sale.workers.mails(2).await;
    for (of, wanted) in [(invoice, "invoice-"), (note, "credit-note-")] {
        let file = sale.file(of).await.unwrap();
        assert_eq!(file.lacks, None, "it is Factur-X");
        assert!(file.name().starts_with(wanted) && file.name().ends_with("-000001.pdf"), "{}", file.name());
        let bytes = sale.bytes(of).await;
        assert!(bytes.windows(12).any(|it| it == b"factur-x.xml"), "nothing is attached");
    }
    let runs = rows(&sale.workers.db.pool, KIND).await;
    let results = runs.iter().filter(|run| run.result.is_some()).count();
    assert_eq!((runs.len(), results), (4, 2), "the second ones did nothing: {runs:?}");
    // The link in the mail downloads the file.
    let mail = sale.workers.smtp.list().into_iter().find(|mail| mail.subject.starts_with("Invoice ")).unwrap();
    let raw = sale.workers.smtp.raw(mail.id).await.unwrap().unwrap();
    let text = String::from_utf8(raw).unwrap().replace("=\r\n", "").replace("=3D", "=");
    let start = text.find("http://127.0.0.1").unwrap();
    let url: String = text[start..].chars().take_while(|it| !it.is_whitespace()).collect();
    assert_eq!(reqwest::get(&url).await.unwrap().bytes().await.unwrap(), sale.bytes(invoice).await);
    assert_eq!(sale.workers.smtp.list().len(), 2, "one mail each");
    sale.workers.close().await;
}

/// A run that died between the store and the database, with half of its file there.
#[tokio::test]
async fn a_run_that_died_halfway_leaves_one_file_and_its_bytes() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    let of = InvoiceOf::Order(sale.order);
    let key = InvoiceFile::key(sale.id(of).await);
    sale.workers.blobs.put(&key, "application/pdf", &b"%PDF-1.7 half of"[..]).await.unwrap();
    sale.render(of).await;
    assert!(sale.bytes(of).await.len() > 1_000);
    let folder = sale.workers.objects.join("test");
    assert_eq!(
        std::fs::read_dir(folder.join("invoices")).unwrap().filter(|it| is_file(it.as_ref().unwrap())).count(),
        1
    );
    sale.workers.close().await;
}

fn is_file(entry: &std::fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().ends_with(".pdf")
}

#[tokio::test]
async fn a_database_that_restarts_when_the_file_is_there_costs_no_second_attempt() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    sale.workers.restart_database_when("INSERT ON invoice_files", "true").await;
    sale.render(InvoiceOf::Order(sale.order)).await;
    assert!(sale.workers.restarts().await >= 3);
    let run = rows(&sale.workers.db.pool, KIND).await.remove(0);
    assert_eq!((run.state.as_str(), run.attempt), ("succeeded", 1), "{run:?}");
    sale.workers.mails(1).await;
    sale.workers.close().await;
}

/// The worker goes on with everything else.
#[tokio::test]
async fn without_fonts_the_job_is_dead_and_says_which_packages_it_wants() {
    let empty = tempfile::tempdir().unwrap();
    let workers = TestWorkers::printing_with(handlers(), PaperFonts::below(empty.path())).await;
    let sale = TestSale::new(workers).await;
    sale.render(InvoiceOf::Order(sale.order)).await;
    let run = rows(&sale.workers.db.pool, KIND).await.remove(0);
    let error = run.error.unwrap_or_default();
    assert_eq!(run.state, "dead");
    assert!(error.contains("fonts-noto-core") && error.contains("NotoSans-Regular.ttf"), "{error}");
    assert_eq!(sale.file(InvoiceOf::Order(sale.order)).await, None);
    sale.workers.leave().await;
}

/// The job of one is missing, as after a restore of the ledger; that of the other was ended.
#[tokio::test]
async fn an_invoice_without_its_file_is_rendered_by_the_sweep() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    let refund = sale.refund(1_000).await;
    let (invoice, note) = (InvoiceOf::Order(sale.order), InvoiceOf::Refund(refund));
    let job = sale.workers.ledger.enqueue(&RenderInvoice { of: note }).await.unwrap().id();
    cancel(&mut sale.workers.db.pool.acquire().await.unwrap(), job, Actor::System).await.unwrap();
    assert_eq!(sale.sweep().await, json!({"added": 0, "pulled": 0}), "they have an hour");
    sale.age(2).await;
    assert_eq!(sale.sweep().await, json!({"added": 2, "pulled": 0}));
    for of in [invoice, note] {
        assert!(sale.bytes(of).await.len() > 1_000);
    }
    sale.workers.mails(2).await;
    assert_eq!(sale.sweep().await, json!({"added": 0, "pulled": 0}));
    sale.workers.close().await;
}

/// After a week somebody has to look: what cannot be printed is not tried for ever.
#[tokio::test]
async fn the_sweep_leaves_alone_what_was_not_printed_for_a_week() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    sale.age(7 * 24 + 1).await;
    assert_eq!(sale.sweep().await, json!({"added": 0, "pulled": 0}));
    assert_eq!(sale.file(InvoiceOf::Order(sale.order)).await, None);
    sale.workers.close().await;
}

#[tokio::test]
async fn what_has_no_document_is_nothing_to_print() {
    let sale = TestSale::new(TestWorkers::new(handlers()).await).await;
    sale.render(InvoiceOf::Order(OrderId::generate())).await;
    sale.render(InvoiceOf::Refund(RefundId::generate())).await;
    assert!(rows(&sale.workers.db.pool, KIND).await.iter().all(|run| run.state == "succeeded"));
    sale.workers.close().await;
}
