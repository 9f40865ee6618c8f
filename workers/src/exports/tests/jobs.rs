use std::time::Duration;

use chrono::{DateTime, Utc};
use jobs::emails::SendEmail;
use jobs::exports::{Begun, ExpireExports, GenerateExport, RequestError, ask};
use market::exports::model::{Export, Filters, Format, Kind, NewExport, Status};
use market::exports::store::{self, ExportError};
use market::ids::ExportId;
use queue::ops::Actor;
use queue::ops::cancel::{Cancelled, cancel};
use queue::testing::rows;
use queue::worker::{Handlers, StopReason};
use serde_json::{Map, Value};
use shared::ids::{OrgId, UserId};

use super::{records, unpacked};
use crate::testing::TestWorkers;

struct TestMarket {
    workers: TestWorkers,
    user: UserId,
    seller: OrgId,
}

impl TestMarket {
    async fn new() -> Self {
        let handlers = Handlers::default().with::<GenerateExport>().with::<ExpireExports>().with::<SendEmail>();
        let workers = TestWorkers::new(handlers).await;
        let user = workers.user("ada@example.com").await;
        let seller = workers.org(user, "Europe/Berlin").await;
        Self { workers, user, seller }
    }

    async fn try_ask(&self, new: &NewExport) -> Result<Begun, RequestError> {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let begun = ask(&mut tx, new).await?;
        tx.commit().await.unwrap();
        Ok(begun)
    }

    async fn ask(&self, kind: Kind, format: Format) -> ExportId {
        self.try_ask(&self.wish(kind, format)).await.unwrap().export
    }

    fn wish(&self, kind: Kind, format: Format) -> NewExport {
        let org = (kind != Kind::OwnData).then_some(self.seller);
        NewExport { org, requested_by: self.user, kind, format, filters: Filters::default() }
    }

    async fn export(&self, id: ExportId) -> Export {
        store::get(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap()
    }

    async fn file(&self, id: ExportId) -> Vec<u8> {
        let key = self.export(id).await.object_key.unwrap();
        self.workers.blobs.get(&key, 100_000_000).await.unwrap()
    }

    /// How many files of exports there are, whole or not.
    fn files(&self) -> usize {
        std::fs::read_dir(self.workers.objects.join("test/exports")).map_or(0, Iterator::count)
    }
}

#[tokio::test]
async fn an_export_has_the_organisations_rows_and_reaches_whoever_asked() {
    let market = TestMarket::new().await;
    let first = market.workers.listing(market.seller, market.user).await;
    let second = market.workers.listing(market.seller, market.user).await;
    let other = market.workers.user("eve@example.com").await;
    let others = market.workers.org(other, "UTC").await;
    market.workers.listing(others, other).await;
    let csv = market.ask(Kind::Listings, Format::Csv).await;
    let jsonl = market.ask(Kind::Listings, Format::Jsonl).await;
    // What comes later is not part of it.
    market.workers.listing(market.seller, market.user).await;
    market.workers.queue.drain().await;
    market.workers.mails(2).await;

    let export = market.export(csv).await;
    assert_eq!((export.status, export.row_count), (Status::Ready, Some(2)));
    let csv = records(&market.file(csv).await);
    let ids: Vec<&str> = csv[1..].iter().map(|record| record[0].as_str()).collect();
    assert_eq!((csv[0][0].as_str(), ids), ("id", vec![first.to_string().as_str(), second.to_string().as_str()]));
    let jsonl = String::from_utf8(market.file(jsonl).await).unwrap();
    let rows_of: Vec<Map<String, Value>> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows_of.len(), 2);
    assert_eq!(rows_of[0]["seller_org"], market.seller.to_string());
    let job = rows(&market.workers.db.pool, "exports.generate").await.remove(0);
    assert_eq!(job.result.unwrap()["rows"], 2);
    let mail = &market.workers.smtp.list()[0];
    assert!(mail.is_to("ada@example.com"));
    assert!(mail.subject.starts_with("Your export is ready: listings of"), "{}", mail.subject);
    market.workers.close().await;
}

#[tokio::test]
async fn ones_own_data_is_an_archive_made_once_at_a_time() {
    let market = TestMarket::new().await;
    market.workers.listing(market.seller, market.user).await;
    let wish = market.wish(Kind::OwnData, Format::Zip);
    let id = market.ask(Kind::OwnData, Format::Zip).await;
    let again = market.try_ask(&wish).await;
    assert!(matches!(again, Err(RequestError::Export(ExportError::InProgress))), "{again:?}");
    market.workers.queue.drain().await;
    market.workers.mails(1).await;
    let files = unpacked(market.file(id).await);
    let json = |name: &str| -> Vec<Map<String, Value>> {
        let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap();
        serde_json::from_slice(bytes).unwrap()
    };
    assert_eq!(json("profile.json")[0]["email"], "ada@example.com");
    assert_eq!(json("memberships.json")[0]["org"], market.seller.to_string());
    assert_eq!(json("listings.json").len(), 1);
    assert_eq!(json("exports.json").len(), 1);
    // It is kept for days, not for weeks.
    let export = market.export(id).await;
    assert_eq!((export.expires_at.unwrap() - export.created_at).num_days(), 7);
    // When it is ready, the next one can be asked for.
    market.ask(Kind::OwnData, Format::Zip).await;
    market.workers.queue.drain().await;
    market.workers.mails(2).await;
    market.workers.close().await;
}

/// Whose job has ended without a file can be asked for again.
#[tokio::test]
async fn a_cancelled_export_leaves_nothing_and_can_be_asked_for_again() {
    let market = TestMarket::new().await;
    let wish = market.wish(Kind::OwnData, Format::Zip);
    let begun = market.try_ask(&wish).await.unwrap();
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let cancelled = cancel(&mut conn, begun.job, Actor::User(market.user)).await.unwrap();
    assert_eq!(cancelled, Cancelled::AtOnce);
    drop(conn);
    assert_eq!(market.export(begun.export).await.status, Status::Cancelled);
    let again = market.ask(Kind::OwnData, Format::Zip).await;
    market.workers.queue.drain().await;
    assert_eq!(market.export(again).await.status, Status::Ready);
    assert_eq!((market.export(begun.export).await.status, market.files()), (Status::Cancelled, 1));
    market.workers.mails(1).await;
    market.workers.close().await;
}

/// It ends by itself, well before it would be dropped.
#[tokio::test]
async fn an_export_that_is_cancelled_while_it_runs_stops_and_leaves_nothing() {
    let market = TestMarket::new().await;
    market.workers.listing(market.seller, market.user).await;
    let begun = market.try_ask(&market.wish(Kind::Listings, Format::Csv)).await.unwrap();
    // Its rows do not come.
    let slow = market.workers.hold_up("listings").await;
    let ticket = market.workers.queue.take().await.remove(0);
    let running = market.workers.queue.start(ticket);
    market.workers.held_up("listings").await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let cancelled = cancel(&mut conn, begun.job, Actor::User(market.user)).await.unwrap();
    assert_eq!(cancelled, Cancelled::Asked);
    drop(conn);
    market.workers.queue.stop(begun.job, StopReason::Cancelled);
    tokio::time::timeout(Duration::from_secs(2), running).await.unwrap().unwrap();
    assert_eq!((market.export(begun.export).await.status, market.files()), (Status::Cancelled, 0));
    slow.rollback().await.unwrap();
    assert_eq!(market.workers.queue.drain().await, 0, "no mail");
    market.workers.close().await;
}

/// A worker died in the middle; the next one begins again, and one more finds it done.
#[tokio::test]
async fn whoever_dies_halfway_there_is_one_file_and_one_mail() {
    let market = TestMarket::new().await;
    market.workers.listing(market.seller, market.user).await;
    for (kind, format) in [(Kind::Listings, Format::Csv), (Kind::OwnData, Format::Zip)] {
        let (files, mails) = (market.files(), market.workers.smtp.count());
        let id = market.ask(kind, format).await;
        // It had begun, and had uploaded something under the name that the next one uses.
        store::begin(&mut market.workers.db.pool.acquire().await.unwrap(), id).await.unwrap();
        let key = market.export(id).await.key();
        market.workers.blobs.put(&key, "text/plain", "half").await.unwrap();
        market.workers.queue.drain().await;
        let first = market.export(id).await;
        assert_eq!((first.status, market.files()), (Status::Ready, files + 1));
        let file = market.file(id).await;
        assert_ne!(file, b"half");
        market.workers.listing(market.seller, market.user).await;
        let again = GenerateExport { export: id, org: first.org };
        let _ = market.workers.ledger.enqueue(&again).await.unwrap();
        market.workers.queue.drain().await;
        assert_eq!((market.export(id).await, market.file(id).await == file), (first, true));
        market.workers.mails(mails + 1).await;
        assert_eq!((market.workers.smtp.count(), market.files()), (mails + 1, files + 1));
    }
    market.workers.close().await;
}

/// The file is in the store, and the database restarts before it knows.
#[tokio::test]
async fn a_database_that_restarts_after_the_upload_costs_no_second_export_and_no_second_mail() {
    let market = TestMarket::new().await;
    let id = market.ask(Kind::Listings, Format::Csv).await;
    market.workers.restart_database_when("UPDATE ON exports", "new.status = 'ready'").await;
    assert_eq!(market.workers.queue.drain().await, 2, "the export and its mail");
    assert_eq!(market.export(id).await.status, Status::Ready);
    let job = rows(&market.workers.db.pool, "exports.generate").await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("succeeded", 1));
    market.workers.mails(1).await;
    market.workers.close().await;
}

#[tokio::test]
async fn an_export_that_cannot_be_stored_fails_visibly_and_can_be_made_later() {
    let market = TestMarket::new().await;
    let id = market.ask(Kind::OwnData, Format::Zip).await;
    // The bucket is away.
    let (bucket, elsewhere) = (market.workers.objects.join("test"), market.workers.objects.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    for _ in 0..GenerateExport::MAX_ATTEMPTS {
        assert_ne!(market.export(id).await.status, Status::Failed);
        market.workers.queue.drain().await;
        market.workers.queue.make_due().await;
    }
    let export = market.export(id).await;
    assert!(export.status == Status::Failed && export.failure.is_some(), "{export:?}");
    std::fs::rename(&elsewhere, &bucket).unwrap();
    let _ = market.workers.ledger.enqueue(&GenerateExport { export: id, org: None }).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.export(id).await.status, Status::Ready);
    market.workers.close().await;
}

#[tokio::test]
async fn files_go_when_their_time_is_over() {
    let market = TestMarket::new().await;
    let id = market.ask(Kind::Bids, Format::Csv).await;
    market.workers.queue.drain().await;
    let expire = async || {
        let _ = market.workers.ledger.enqueue(&ExpireExports {}).await.unwrap();
        market.workers.queue.drain().await;
        market.export(id).await.status
    };
    assert_eq!((expire().await, market.files()), (Status::Ready, 1));
    sqlx::query("UPDATE exports SET expires_at = now()").execute(&market.workers.db.pool).await.unwrap();
    assert_eq!((expire().await, market.files()), (Status::Expired, 0));
    market.workers.close().await;
}

/// Cargo events are read from their own database.
#[tokio::test]
async fn cargo_events_are_those_of_the_organisations_shipments() {
    let market = TestMarket::new().await;
    sqlx::query(
        "INSERT INTO cargo_events (occurred_at, org, type, status, source, source_event_id, shipment, payload)
         SELECT $2 - make_interval(secs => n), o, 'actual', 'in_transit', 's', n::text, 'S-1', '{\"note\": \"=cmd()\"}'
         FROM generate_series(1, 3) AS n, unnest($1::uuid[]) AS o",
    )
    .bind([market.seller.0, uuid::Uuid::now_v7()])
    .bind(DateTime::<Utc>::from_timestamp(1_790_000_000, 123_456_000).unwrap())
    .execute(&market.workers.db.pool)
    .await
    .unwrap();
    let id = market.ask(Kind::CargoEvents, Format::Csv).await;
    market.workers.queue.drain().await;
    let csv = records(&market.file(id).await);
    assert_eq!(csv.len(), 1 + 3);
    let place = |name: &str| csv[0].iter().position(|column| column == name).unwrap();
    for record in &csv[1..] {
        assert_eq!(record[place("org")], market.seller.to_string());
        assert_eq!(record[place("payload")], r#"{"note":"=cmd()"}"#);
    }
    market.workers.close().await;
}
