//! The jobs of documents, on the real engine and over the real store.

use std::time::Duration;

use chrono::NaiveDate;
use jobs::documents::{RemindDocuments, SweepDocuments, remind};
use market::chat::model::PDF;
use market::documents::model::{DocumentKind, NewDocument};
use market::documents::store;
use market::ids::DocumentId;
use market::images::model::upload_key;
use market::images::store as images;
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;
use shared::ids::{OrgId, UserId};

use crate::testing::TestWorkers;

struct TestOffice {
    workers: TestWorkers,
    org: OrgId,
    owner: UserId,
}

impl TestOffice {
    async fn new() -> Self {
        let handlers = Handlers::default().with::<RemindDocuments>().with::<SweepDocuments>();
        let workers = TestWorkers::new(handlers).await;
        let owner = workers.user("ada@example.com").await;
        let org = workers.org(owner, "UTC").await;
        Self { workers, org, owner }
    }

    /// Hands in a document that expires in so many days, with its file.
    async fn document(&self, days_left: i32) -> DocumentId {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        let valid_for = Duration::from_mins(15);
        let upload = images::insert_upload(&mut tx, self.org, self.owner, PDF, 5, valid_for).await.unwrap().id;
        let (issued_on, expires_on): (NaiveDate, NaiveDate) =
            sqlx::query_as("SELECT current_date - 100, current_date + $1")
                .bind(days_left)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
        let new = NewDocument { kind: DocumentKind::Insurance, number: "7".to_owned(), issued_on, expires_on, upload };
        let document = store::create(&mut tx, self.org, self.owner, &new).await.unwrap().id;
        tx.commit().await.unwrap();
        self.workers.blobs.put(&upload_key(upload), "application/pdf", &b"%PDF-"[..]).await.unwrap();
        document
    }

    /// Lets days pass: so many are left afterwards.
    async fn left(&self, days: i32) {
        sqlx::query("UPDATE org_documents SET expires_on = current_date + $1")
            .bind(days)
            .execute(&self.workers.db.pool)
            .await
            .unwrap();
    }

    /// What two schedulers' jobs do at the same moment; how many documents each of them has reminded of.
    async fn remind_twice_at_once(&self) -> u64 {
        let run = async || {
            let mut tx = self.workers.ledger.begin().await.unwrap();
            let reminded = remind(&mut tx, 10).await.unwrap();
            tx.commit().await.unwrap();
            reminded
        };
        let (one, other) = tokio::join!(run(), run());
        one + other
    }

    async fn mails(&self) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = 'document_expiring'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.workers.db.pool).await.unwrap()
    }
}

/// Every stage, twice over and by two schedulers at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_stage_of_an_expiring_document_is_reminded_once() {
    let office = TestOffice::new().await;
    office.document(40).await;
    assert_eq!(office.remind_twice_at_once().await, 0);
    let mut mails = 0;
    for days in [30, 7, 0] {
        office.left(days).await;
        mails += 1;
        assert_eq!(office.remind_twice_at_once().await, 1, "{days} days before");
        assert_eq!(office.remind_twice_at_once().await, 0, "{days} days before, again");
        assert_eq!((office.mails().await, office.count("notices").await), (mails, mails));
    }
    office.left(-3).await;
    assert_eq!(office.remind_twice_at_once().await, 0);
    assert_eq!(office.count("org_document_reminders").await, 3);
    office.workers.leave().await;
}

#[tokio::test]
async fn a_reminder_that_is_late_comes_once_and_one_that_is_too_late_does_not() {
    let office = TestOffice::new().await;
    office.document(40).await;
    let run = async || {
        office.workers.ledger.enqueue(&RemindDocuments {}).await.unwrap();
        office.workers.queue.drain().await;
        rows(&office.workers.db.pool, "documents.remind").await.pop().unwrap().result.unwrap()
    };
    // The jobs were away when 30 and 7 days were left.
    office.left(-2).await;
    assert_eq!(run().await, json!({"reminded": 1}));
    assert_eq!(run().await, json!({"reminded": 0}));
    sqlx::query("DELETE FROM org_document_reminders").execute(&office.workers.db.pool).await.unwrap();
    office.left(-10).await;
    assert_eq!(run().await, json!({"reminded": 0}));
    assert_eq!(office.mails().await, 1);
    office.workers.leave().await;
}

/// Its only owner was erased.
#[tokio::test]
async fn documents_of_an_organisation_that_nobody_owns_any_more_go_with_their_files() {
    let office = TestOffice::new().await;
    let document = office.document(40).await;
    let mut conn = office.workers.db.pool.acquire().await.unwrap();
    let key = store::file(&mut conn, office.org, document).await.unwrap().object_key;
    let swept = async || {
        office.workers.ledger.enqueue(&SweepDocuments {}).await.unwrap();
        office.workers.queue.drain().await;
        rows(&office.workers.db.pool, "documents.sweep").await.pop().unwrap().result.unwrap()
    };
    sqlx::query("UPDATE uploads SET expires_at = now() - interval '2 hours'").execute(&mut *conn).await.unwrap();
    assert_eq!(swept().await, json!({"deleted": 0}));
    sqlx::query("UPDATE orgs SET status = 'suspended', abandoned_at = now()").execute(&mut *conn).await.unwrap();
    assert_eq!(swept().await, json!({"deleted": 1}));
    assert!(office.workers.blobs.get(&key, 100).await.is_err());
    assert_eq!((office.count("org_documents").await, office.count("uploads").await), (0, 0));
    drop(conn);
    office.workers.leave().await;
}

#[tokio::test]
async fn files_of_removed_documents_are_deleted_and_others_stay() {
    let office = TestOffice::new().await;
    let (gone, stays) = (office.document(40).await, office.document(50).await);
    let key = async |document: DocumentId| {
        let mut conn = office.workers.db.pool.acquire().await.unwrap();
        store::file(&mut conn, office.org, document).await.unwrap().object_key
    };
    let (gone_key, stays_key) = (key(gone).await, key(stays).await);
    let mut tx = office.workers.db.pool.begin().await.unwrap();
    store::remove(&mut tx, office.org, office.owner, gone).await.unwrap();
    tx.commit().await.unwrap();
    // While something may still be sent to the file's address, it stays.
    for deleted in [0, 1, 0] {
        office.workers.ledger.enqueue(&SweepDocuments {}).await.unwrap();
        office.workers.queue.drain().await;
        let last = rows(&office.workers.db.pool, "documents.sweep").await.pop().unwrap();
        assert_eq!(last.result, Some(json!({ "deleted": deleted })));
        let sql = "UPDATE uploads SET expires_at = expires_at - interval '2 hours'";
        sqlx::query(sql).execute(&office.workers.db.pool).await.unwrap();
    }
    assert!(office.workers.blobs.head(&gone_key).await.is_err(), "its file is left");
    assert_eq!(office.workers.blobs.head(&stays_key).await.unwrap().size, 5);
    assert_eq!((office.count("uploads").await, office.count("org_document_leftovers").await), (1, 0));
    office.workers.close().await;
}
