use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;
use jobs::reports::request;
use market::ids::{ExportId, PaperId, ReportId};
use market::images::model::{Format as Encoding, Shape, UploadId, upload_key, variant_key};
use market::papers::model::Paper;
use market::reports;
use market::reports::model::{Format, Kind, NewReport, Parameters, Report};
use market::reports::rules::Period;
use market::reports::store::Finished;
use queue::ops::Actor;
use queue::ops::cancel::{Cancelled, cancel};
use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Job, Kind as JobKind, Queue};
use serde_json::json;
use shared::blobs::BlobError;
use shared::ids::{JobId, OrgId, UserId};

use super::*;
use crate::testing::TestWorkers;

struct TestStore {
    workers: TestWorkers,
    user: UserId,
    org: OrgId,
}

impl TestStore {
    async fn new() -> Self {
        let workers = TestWorkers::new(Handlers::default().with::<SweepFiles>().with::<Hurried>()).await;
        let user = workers.user("ada@example.com").await;
        let org = workers.org(user, "Europe/Berlin").await;
        Self { workers, user, org }
    }

    /// A report that somebody waits for, and its job.
    async fn report(&self) -> (ReportId, JobId) {
        let day = NaiveDate::from_ymd_opt(2026, 11, 19).unwrap();
        let period = Period::new(day, day, Tz::Europe__Berlin).unwrap();
        let (kind, format, parameters) = (Kind::Sales, Format::Csv, Parameters::default());
        let requested_by = Some(self.user);
        let report = NewReport { org: self.org, requested_by, subscription: None, kind, format, period, parameters };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let asked = request(&mut tx, &report).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        asked
    }

    async fn cancel(&self, job: JobId) {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let cancelled = cancel(&mut conn, job, Actor::User(self.user)).await.unwrap();
        assert_eq!(cancelled, Cancelled::AtOnce);
    }

    /// A file that was written this many hours ago.
    async fn put(&self, key: &str, hours: u64) {
        self.workers.blobs.put(key, "text/csv", "a,b").await.unwrap();
        age(&self.workers.objects.join("test").join(key), hours);
    }

    async fn is_there(&self, key: &str) -> bool {
        match self.workers.blobs.head(key).await {
            Ok(_) => true,
            Err(BlobError::NotFound { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the sweep says that it has done.
    async fn sweep(&self) -> serde_json::Value {
        let _ = self.workers.ledger.enqueue(&SweepFiles {}).await.unwrap();
        // What else waits is left alone.
        let tickets = self.workers.queue.take().await;
        self.workers.queue.run(tickets.into_iter().next_back().unwrap()).await;
        let row = rows(&self.workers.db.pool, SweepFiles::KIND.name).await.pop().unwrap();
        assert_eq!(row.state, "succeeded");
        row.result.unwrap()
    }
}

fn age(file: &Path, hours: u64) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    let now = file.metadata().unwrap().modified().unwrap();
    file.set_modified(now - Duration::from_hours(hours)).unwrap();
}

/// Has time for one file in an attempt, of a page of so many.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {
    page: u16,
}

impl Job for Hurried {
    const KIND: JobKind = JobKind::new("test.hurried");
    const QUEUE: Queue = SweepFiles::QUEUE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        sweep(cx, Turn::of_one_page(), self.page).await
    }
}

#[tokio::test]
async fn what_an_attempt_left_that_died_before_its_report_was_cancelled_is_swept() {
    let store = TestStore::new().await;
    let ((cancelled, job), (open, _)) = (store.report().await, store.report().await);
    let (left, kept) = (Report::key(cancelled, Format::Csv), Report::key(open, Format::Csv));
    for key in [&left, &kept] {
        store.put(key, 30).await;
    }
    // Its job may run at any moment, and finish with this file.
    assert_eq!(store.sweep().await["deleted"], json!(0));
    store.cancel(job).await;
    assert_eq!(store.sweep().await["deleted"], json!(1));
    assert_eq!((store.is_there(&left).await, store.is_there(&kept).await), (false, true));
    store.workers.leave().await;
}

#[tokio::test]
async fn files_that_a_row_names_and_files_of_others_stay() {
    let store = TestStore::new().await;
    let mut conn = store.workers.db.pool.acquire().await.unwrap();
    let (ready, _) = store.report().await;
    reports::store::begin(&mut conn, ready).await.unwrap();
    let named = Report::key(ready, Format::Csv);
    let finished = Finished { object_key: &named, rows: 1, sums: &[], keep_days: 30 };
    reports::store::finish(&mut conn, ready, finished).await.unwrap();
    let valid = Duration::from_mins(5);
    let upload = images::store::insert_upload(&mut conn, store.org, store.user, "image/png", 9, valid).await.unwrap();
    let image = images::store::complete_upload(&mut conn, &upload, None).await.unwrap();
    let gone = ImageId::generate();
    let (own, copied) =
        (variant_key(image, Shape::Whole, 320, Encoding::Webp), variant_key(gone, Shape::Whole, 320, Encoding::Webp));
    // The image shows what was made for another one, which is gone.
    sqlx::query(
        "INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
         VALUES ($1, 'whole', 'webp', 320, 240, 9, $2)",
    )
    .bind(image)
    .bind(&copied)
    .execute(&mut *conn)
    .await
    .unwrap();
    let young = Paper::key(PaperId::generate());
    store.put(&young, 23).await;
    let stay = [
        named.as_str(),
        upload.object_key.as_str(),
        own.as_str(),
        copied.as_str(),
        "invoices/1.pdf",
        "cargo/2024-01/0001.csv.zst",
        "reports/of-old",
    ];
    for key in stay {
        store.put(key, 1_000).await;
    }
    let left = [
        variant_key(gone, Shape::Square, 320, Encoding::Webp),
        upload_key(UploadId::generate()),
        Paper::key(PaperId::generate()),
        format!("exports/{}.zip", ExportId::generate()),
    ];
    for key in &left {
        store.put(key, 25).await;
    }
    assert_eq!(store.sweep().await["deleted"], json!(left.len()));
    for key in stay.into_iter().chain([young.as_str()]) {
        assert!(store.is_there(key).await, "{key}");
    }
    for key in &left {
        assert!(!store.is_there(key).await, "{key}");
    }
    drop(conn);
    store.workers.leave().await;
}

/// Its next attempt begins after the sweep has looked at the whole page, and before the sweep looks at this file again.
#[tokio::test]
async fn a_report_whose_job_is_retried_while_its_file_is_swept_keeps_it() {
    let store = TestStore::new().await;
    let (report, job) = store.report().await;
    store.cancel(job).await;
    let key = Report::key(report, Format::Csv);
    store.put(&key, 30).await;
    let mut attempt = store.workers.db.pool.begin().await.unwrap();
    reports::store::begin(&mut attempt, report).await.unwrap();
    let _ = store.workers.ledger.enqueue(&SweepFiles {}).await.unwrap();
    let tickets = store.workers.queue.take().await;
    let sweeping = store.workers.queue.start(tickets.into_iter().next_back().unwrap());
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&store.workers.db.pool).await.unwrap() {
        tokio::task::yield_now().await;
    }
    store.workers.blobs.put(&key, "text/csv", "a,b").await.unwrap();
    let finished = Finished { object_key: &key, rows: 1, sums: &[], keep_days: 30 };
    reports::store::finish(&mut attempt, report, finished).await.unwrap();
    attempt.commit().await.unwrap();
    sweeping.await.unwrap();
    assert!(store.is_there(&key).await);
    store.workers.leave().await;
}

#[tokio::test]
async fn a_sweep_whose_turn_is_over_goes_on_with_the_next_file() {
    // The page has no other file, or others behind this one.
    for page in [1, PAGE] {
        let store = TestStore::new().await;
        let left: Vec<_> = (0..3).map(|_| Paper::key(PaperId::generate())).collect();
        for key in &left {
            store.put(key, 30).await;
        }
        store.put(&format!("exports/{}.csv", ExportId::generate()), 30).await;
        let _ = store.workers.ledger.enqueue(&Hurried { page }).await.unwrap();
        let mut after = Vec::new();
        loop {
            let Some(ticket) = store.workers.queue.take().await.pop() else { break };
            store.workers.queue.run(ticket).await;
            let row = rows(&store.workers.db.pool, Hurried::KIND.name).await.remove(0);
            let at: Swept = serde_json::from_value(row.result.unwrap()).unwrap();
            after.push((at.after.split('/').next().unwrap().to_owned(), at.deleted));
        }
        let at = |folder: &str, deleted| (folder.to_owned(), deleted);
        assert_eq!(after, [at("exports", 1), at("papers", 2), at("papers", 3), at("papers", 4), at("papers", 4)]);
        store.workers.close().await;
    }
}
