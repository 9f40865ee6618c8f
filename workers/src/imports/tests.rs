use jobs::emails::SendEmail;
use jobs::imports::{ExpireImports, ImportListings, ImportStock, request};
use market::ids::ImportId;
use market::images::model::UploadId;
use market::images::store::{insert_upload, upload};
use market::imports::model::{CSV, Import, ImportKind, ImportStatus, ListingTerms, NewImport, RowCounts, RowOutcome};
use market::imports::rules::checksum;
use market::imports::rules::stock::StockRow;
use market::imports::store;
use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Handler, Job, Kind, Outcome, Queue};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};

use super::chunks::ROWS;
use super::run::run;
use crate::testing::TestWorkers;
use crate::turn::Turn;
use crate::{Cx, Services};

struct TestMarket {
    workers: TestWorkers,
    user: UserId,
    org: OrgId,
}

/// Applies one chunk in an attempt.
#[derive(Debug, Serialize, Deserialize)]
struct Hurried {
    import: ImportId,
}

impl Job for Hurried {
    const KIND: Kind = Kind::new("test.hurried");
    const QUEUE: Queue = ImportStock::QUEUE;
}

impl Handler<Services> for Hurried {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<StockRow>(cx, self.import, 1, Turn::of_one_page()).await
    }
}

impl TestMarket {
    /// A seller with a site and an item, of which 1,000 is the most that fits there.
    async fn new() -> Self {
        let handlers = Handlers::default()
            .with::<ImportStock>()
            .with::<ImportListings>()
            .with::<ExpireImports>()
            .with::<Hurried>()
            .with::<SendEmail>();
        let workers = TestWorkers::new(handlers).await;
        let user = workers.user("ada@example.com").await;
        let org = workers.org(user, "Europe/Berlin").await;
        let script = format!(
            "INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
             SELECT gen_random_uuid(), '{org}', id, 'Depot', 'depot', body, 53.5, 10 FROM regions WHERE code = 'earth/de';
             INSERT INTO items (id, org_id, category_id, sku, title, unit)
             SELECT gen_random_uuid(), '{org}', id, 'A', 'Console', 'piece' FROM categories
             WHERE path = 'electronics/consoles';
             INSERT INTO stock_levels (item_id, site_id, org_id, capacity)
             SELECT i.id, s.id, s.org_id, 1000 FROM items AS i, sites AS s"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&workers.db.pool).await.unwrap();
        Self { workers, user, org }
    }

    /// Sends a file.
    async fn send(&self, file: &[u8]) -> UploadId {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let valid = std::time::Duration::from_mins(15);
        let size = file.len() as u64;
        let upload = insert_upload(&mut conn, self.org, self.user, CSV, size, valid).await.unwrap();
        self.workers.blobs.put(&upload.object_key, CSV, file.to_vec()).await.unwrap();
        upload.id
    }

    async fn import(&self, kind: ImportKind, file: &[u8]) -> ImportId {
        let upload = self.send(file).await;
        self.request(kind, file, upload, ListingTerms::default()).await
    }

    async fn validate(&self, kind: ImportKind, file: &[u8], upload: UploadId) -> ImportId {
        self.request(kind, file, upload, ListingTerms { validate_only: true, ..ListingTerms::default() }).await
    }

    async fn request(&self, kind: ImportKind, file: &[u8], upload: UploadId, terms: ListingTerms) -> ImportId {
        let checksum = checksum(file, kind, &terms).unwrap();
        let new = NewImport { org: self.org, created_by: self.user, kind, checksum, upload, terms };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let id = request(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn read(&self, id: ImportId) -> Import {
        store::get(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// What is on hand, how many movements there were, and how many lines are noted, each once.
    async fn applied(&self) -> [i64; 3] {
        [
            self.number("SELECT sum(on_hand)::bigint FROM stock_levels").await,
            self.number("SELECT count(*) FROM stock_movements WHERE kind = 'import'").await,
            self.number("SELECT count(DISTINCT line) FROM import_rows").await,
        ]
    }
}

/// `rows` rows that add two and take one by turns, and some that are refused.
fn by_turns(rows: usize) -> Vec<u8> {
    let mut file = "sku,site,delta\n".to_owned();
    for row in 0..rows {
        file.push_str(if row % 2 == 0 { "A,Depot,2\n" } else { "A,Depot,-1\n" });
        if row % 100 == 50 {
            // Beyond what fits, and an empty line.
            file.push_str("A,Depot,1001\n\n");
        }
    }
    file.into_bytes()
}

#[tokio::test]
async fn each_attempt_goes_on_after_the_last_chunk() {
    let market = TestMarket::new().await;
    let file = by_turns(120);
    let id = market.import(ImportKind::Stock, &file).await;
    market.workers.queue.drain().await;
    let import = market.read(id).await;
    // 60 times two, and 60 times one back: 60 are left. One row was beyond what fits.
    let counts = RowCounts { applied: 120, unchanged: 0, incomplete: 0, refused: 1 };
    assert_eq!((import.status, import.counts, import.row_count), (ImportStatus::Done, counts, Some(121)));
    assert_eq!(market.applied().await, [60, 120, 121]);
    let job = rows(&market.workers.db.pool, "inventory.import").await.remove(0);
    assert_eq!((job.state.as_str(), &job.result.unwrap()["counts"]["refused"]), ("succeeded", &serde_json::json!(1)));

    // The same in attempts of a chunk each, of which one is snoozed for each chunk.
    sqlx::raw_sql("DELETE FROM import_rows; DELETE FROM imports").execute(&market.workers.db.pool).await.unwrap();
    let file =
        [b"sku,site,on_hand\n".to_vec(), b"A,Depot,7\nA,Depot,6\n".repeat(ROWS), b"A,Depot,5\n".to_vec()].concat();
    let upload = market.send(&file).await;
    let (kind, terms) = (ImportKind::Stock, ListingTerms::default());
    let new = NewImport { org: market.org, created_by: market.user, kind, checksum: [1; 32], upload, terms };
    let mut tx = market.workers.ledger.begin().await.unwrap();
    let store::Begun::New(id) = store::create(&mut tx, &new).await.unwrap() else { panic!("known") };
    tx.commit().await.unwrap();
    let _ = market.workers.ledger.enqueue(&Hurried { import: id }).await.unwrap();
    assert_eq!(market.workers.queue.drain().await, 5, "three chunks, the end, and the mail about it");
    let import = market.read(id).await;
    assert_eq!((import.status, import.counts.applied), (ImportStatus::Done, 2 * i32::try_from(ROWS).unwrap() + 1));
    assert_eq!(market.applied().await[0], 5);
    market.workers.close().await;
}

/// The database ends the session in the middle of the second chunk, three times.
#[tokio::test]
async fn a_worker_that_dies_between_chunks_applies_each_row_once() {
    let market = TestMarket::new().await;
    let file = by_turns(2 * ROWS);
    let second_chunk = "new.line > 400";
    market.workers.restart_database_when("INSERT ON import_rows", second_chunk).await;
    let id = market.import(ImportKind::Stock, &file).await;
    for _ in 0..8 {
        market.workers.queue.drain().await;
        market.workers.queue.make_due().await;
    }
    assert_eq!(market.workers.restarts().await, 3 + i64::try_from(market.late_rows(id).await).unwrap());
    let import = market.read(id).await;
    let rows_of_file = i32::try_from(2 * ROWS).unwrap();
    assert_eq!((import.status, import.counts.applied), (ImportStatus::Done, rows_of_file));
    let refused = i64::from(import.counts.refused);
    assert_eq!(i64::from(import.row_count.unwrap()), i64::from(rows_of_file) + refused);
    assert_eq!(
        market.applied().await,
        [i64::from(rows_of_file / 2), i64::from(rows_of_file), i64::from(rows_of_file) + refused]
    );
    let job = rows(&market.workers.db.pool, "inventory.import").await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt > 1), ("succeeded", true), "{job:?}");
    market.workers.close().await;
}

impl TestMarket {
    /// How many rows the trigger of [`TestWorkers::restart_database_when`] has let pass, less the last one.
    async fn late_rows(&self, id: ImportId) -> usize {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::page(&mut conn, id, None, Some(400), 10_000).await.unwrap().len().saturating_sub(1)
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_its_import_and_no_job() {
    let market = TestMarket::new().await;
    for (file, reason) in [
        (
            &b"sku,site,on_hand\nA,Depot,7\nA,\"Depot,8\n"[..],
            "a quotation mark in the row on line 3 is opened and never closed",
        ),
        (
            b"sku,site,on_hand,colour\nA,Depot,7,red\n",
            "the column \"colour\" is not known: there are sku, site, on_hand, delta, reason",
        ),
        (b"sku,site,on_hand\n", "the file has a header and no rows"),
    ] {
        let id = market.import(ImportKind::Stock, file).await;
        market.workers.queue.drain().await;
        let import = market.read(id).await;
        assert_eq!((import.status, import.failure.as_deref()), (ImportStatus::Failed, Some(reason)));
    }
    assert_eq!(
        market.number("SELECT count(*) FROM emails WHERE template = 'import_ended' AND status = 'sent'").await,
        3
    );
    assert_eq!(market.number("SELECT count(*) FROM stock_movements").await, 0);
    assert!(rows(&market.workers.db.pool, "inventory.import").await.iter().all(|job| job.state == "succeeded"));
    market.workers.close().await;
}

#[tokio::test]
async fn who_was_suspended_meanwhile_imports_nothing() {
    let market = TestMarket::new().await;
    let id = market.import(ImportKind::Stock, b"sku,site,on_hand\nA,Depot,7\n").await;
    sqlx::query("UPDATE orgs SET status = 'suspended'").execute(&market.workers.db.pool).await.unwrap();
    market.workers.queue.drain().await;
    let import = market.read(id).await;
    assert_eq!((import.status, import.counts), (ImportStatus::Failed, RowCounts::default()));
    market.workers.close().await;
}

const FILE: &[u8] = b"sku,site,on_hand\nA,Depot,7\n";

#[tokio::test]
async fn a_half_applied_file_that_is_sent_again_goes_on() {
    let market = TestMarket::new().await;
    let file = by_turns(2 * ROWS);
    let broken = "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
        CREATE TRIGGER broken BEFORE INSERT ON import_rows FOR EACH ROW WHEN (new.line > 400) EXECUTE FUNCTION broken()";
    sqlx::raw_sql(broken).execute(&market.workers.db.pool).await.unwrap();
    let id = market.import(ImportKind::Stock, &file).await;
    for _ in 0..ImportStock::MAX_ATTEMPTS {
        market.workers.queue.drain().await;
        market.workers.queue.make_due().await;
    }
    let half = market.read(id).await;
    let rows_of_half = i64::from(half.counts.applied + half.counts.refused);
    assert_eq!((half.status, rows_of_half), (ImportStatus::Failed, i64::try_from(ROWS).unwrap()));
    sqlx::raw_sql("DROP TRIGGER broken ON import_rows").execute(&market.workers.db.pool).await.unwrap();
    assert_eq!(market.import(ImportKind::Stock, &file).await, id);
    market.workers.queue.drain().await;
    let import = market.read(id).await;
    let movements = i64::try_from(2 * ROWS).unwrap();
    assert_eq!((import.status, i64::from(import.counts.applied)), (ImportStatus::Done, movements));
    assert_eq!(market.applied().await[..2], [movements / 2, movements]);
    market.workers.close().await;
}

#[tokio::test]
async fn a_store_that_is_away_fails_visibly_and_the_file_can_be_applied_later() {
    let market = TestMarket::new().await;
    let id = market.import(ImportKind::Stock, FILE).await;
    let (bucket, elsewhere) = (market.workers.objects.join("test"), market.workers.objects.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    for _ in 0..ImportStock::MAX_ATTEMPTS {
        assert_ne!(market.read(id).await.status, ImportStatus::Failed);
        market.workers.queue.drain().await;
        market.workers.queue.make_due().await;
    }
    let import = market.read(id).await;
    assert_eq!((import.status, import.failure.as_deref()), (ImportStatus::Failed, Some(store::GIVEN_UP)));
    std::fs::rename(&elsewhere, &bucket).unwrap();
    assert_eq!(market.import(ImportKind::Stock, FILE).await, id);
    market.workers.queue.drain().await;
    assert_eq!((market.read(id).await.status, market.applied().await), (ImportStatus::Done, [7, 1, 1]));
    market.workers.close().await;
}

#[tokio::test]
async fn traders_hear_once_that_a_file_has_made_stock_low() {
    let market = TestMarket::new().await;
    market
        .import(ImportKind::Stock, b"sku,site,on_hand\nA,Depot,500\nA,Depot,50\nA,Depot,40\nA,Depot,600\nA,Depot,0\n")
        .await;
    market.workers.queue.drain().await;
    market.workers.mails(3).await;
    let mails = market.workers.smtp.list();
    let count = |subject: &str| mails.iter().filter(|mail| mail.subject.contains(subject)).count();
    assert_eq!((count("Running low"), count("No longer low")), (2, 1), "{mails:?}");
    market.workers.close().await;
}

#[tokio::test]
async fn files_go_when_their_time_is_over_and_the_figures_stay() {
    let market = TestMarket::new().await;
    let file = b"sku,title,currency\nA,Console,EUR\n";
    let first = market.import(ImportKind::Listings, file).await;
    market.workers.queue.drain().await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let sent: UploadId = sqlx::query_scalar("SELECT upload_id FROM imports").fetch_one(&mut *conn).await.unwrap();
    // Another import of the same upload, by other terms, which expires later.
    let terms = ListingTerms { publish: true, ..ListingTerms::default() };
    let (org, created_by, kind) = (market.org, market.user, ImportKind::Listings);
    let new = NewImport { org, created_by, kind, checksum: [2; 32], upload: sent, terms };
    let mut tx = market.workers.ledger.begin().await.unwrap();
    let second = request(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    market.workers.queue.drain().await;
    let key = upload(&mut conn, sent).await.unwrap().object_key;
    drop(conn);
    let expire = async |id: ImportId| {
        let sql = "UPDATE imports SET expires_at = now() WHERE id = $1";
        sqlx::query(sql).bind(id).execute(&market.workers.db.pool).await.unwrap();
        let _ = market.workers.ledger.enqueue(&ExpireImports {}).await.unwrap();
        market.workers.queue.drain().await;
        market.read(id).await
    };
    let import = expire(first).await;
    assert_eq!((import.object_key, import.counts.applied), (None, 1));
    assert!(market.workers.blobs.head(&key).await.is_ok(), "the other import needs it");
    let rows = async |id| {
        let mut conn = market.workers.db.pool.acquire().await.unwrap();
        store::page(&mut conn, id, Some(RowOutcome::Incomplete), None, 9).await.unwrap().len()
    };
    assert_eq!((rows(first).await, rows(second).await), (0, 1));
    expire(second).await;
    assert!(market.workers.blobs.head(&key).await.is_err());
    assert_eq!(market.number("SELECT count(*) FROM uploads").await, 0);
    market.workers.close().await;
}

/// Also the last of several chunks; what was in the way may be mended, and the same file tried again.
#[tokio::test]
async fn a_file_that_is_only_tried_shows_every_fault_and_applies_nothing() {
    let market = TestMarket::new().await;
    let file = [
        b"sku,site,on_hand,reason\n\nA,Depot,5,counted\n".to_vec(),
        b"A,Depot,7,\nA,Depot,6,\n".repeat(ROWS),
        b"A,Nowhere,1,\nA,Depot,1001,\n".to_vec(),
    ]
    .concat();
    let last_line = i32::try_from(file.split(|byte| *byte == b'\n').count() - 1).unwrap();
    let rows_of_file = i32::try_from(2 * ROWS + 3).unwrap();
    let upload = market.send(&file).await;
    let refused = async |id| {
        let mut conn = market.workers.db.pool.acquire().await.unwrap();
        let rows = store::page(&mut conn, id, Some(RowOutcome::Refused), None, 9).await.unwrap();
        rows.into_iter().map(|row| (row.line, row.faults[0].column.clone().unwrap_or_default())).collect::<Vec<_>>()
    };
    let id = market.validate(ImportKind::Stock, &file, upload).await;
    market.workers.queue.drain().await;
    let import = market.read(id).await;
    let counts = RowCounts { applied: rows_of_file - 2, refused: 2, ..RowCounts::default() };
    assert_eq!((import.status, import.counts, import.row_count), (ImportStatus::Done, counts, Some(rows_of_file)));
    let lines: Vec<i32> = refused(id).await.into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [last_line - 1, last_line]);
    assert_eq!(market.applied().await, [0, 0, i64::from(rows_of_file)]);
    market.workers.mails(1).await;
    let mails = market.workers.smtp.list();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Checked, with faults: stock"), "and none of low stock");

    sqlx::query("UPDATE stock_levels SET capacity = 2000, version = version + 1")
        .execute(&market.workers.db.pool)
        .await
        .unwrap();
    let again = market.validate(ImportKind::Stock, &file, upload).await;
    assert_ne!(again, id);
    market.workers.queue.drain().await;
    assert_eq!(refused(again).await, [(last_line - 1, "site".to_owned())]);
    // And applied in earnest, which happens once.
    for _ in 0..2 {
        market.request(ImportKind::Stock, &file, upload, ListingTerms::default()).await;
        market.workers.queue.drain().await;
        assert_eq!(market.applied().await[..2], [1001, i64::from(rows_of_file) - 1]);
    }
    market.workers.close().await;
}

#[tokio::test]
async fn listings_that_are_only_tried_leave_neither_items_nor_drafts() {
    let market = TestMarket::new().await;
    let file = b"sku,title,currency,category\nNEW,Console,EUR,electronics/consoles\nB,Console,XXX,\n";
    let upload = market.send(file).await;
    let id = market.validate(ImportKind::Listings, file, upload).await;
    market.workers.queue.drain().await;
    let counts = RowCounts { applied: 1, refused: 1, ..RowCounts::default() };
    assert_eq!(market.read(id).await.counts, counts);
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let noted = store::page(&mut conn, id, None, None, 9).await.unwrap();
    let noted: Vec<_> = noted.into_iter().map(|row| (row.line, row.outcome, row.listing)).collect();
    assert_eq!(noted, [(2, RowOutcome::Applied, None), (3, RowOutcome::Refused, None)]);
    drop(conn);
    assert_eq!(market.number("SELECT count(*) FROM listings").await, 0);
    assert_eq!(market.number("SELECT count(*) FROM items").await, 1, "the one that was there");
    market.workers.close().await;
}
