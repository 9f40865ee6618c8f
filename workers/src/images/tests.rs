use std::time::Duration;

use jobs::images::{DeleteImage, ProcessImage, PurgeUploads};
use market::ids::ImageId;
use market::images::model::{Image, Status, Upload};
use market::images::store::{self, ImageError};
use queue::testing::rows;
use queue::worker::Handlers;
use shared::blobs::BlobError;
use shared::ids::{OrgId, UserId};

use crate::Services;
use crate::testing::TestWorkers;

pub(super) struct TestMarket {
    pub(super) workers: TestWorkers,
    user: UserId,
    pub(super) org: OrgId,
}

impl TestMarket {
    async fn new() -> Self {
        Self::with(Handlers::default().with::<ProcessImage>().with::<DeleteImage>().with::<PurgeUploads>()).await
    }

    pub(super) async fn with(handlers: Handlers<Services>) -> Self {
        let workers = TestWorkers::new(handlers).await;
        let user = workers.user("ada@example.com").await;
        let org = workers.org(user, "Europe/Berlin").await;
        Self { workers, user, org }
    }
}

pub(super) fn picture() -> Vec<u8> {
    let image = image::RgbImage::from_fn(400, 300, |x, y| image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 90]));
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

impl TestMarket {
    async fn upload(&self) -> Upload {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let valid = Duration::from_mins(5);
        store::insert_upload(&mut conn, self.org, self.user, "image/png", 1_000, valid).await.unwrap()
    }

    /// Sends the bytes (or forgets to), completes the upload and enqueues the processing.
    pub(super) async fn send(&self, bytes: Option<&[u8]>) -> ImageId {
        let upload = self.upload().await;
        if let Some(bytes) = bytes {
            self.workers.blobs.put(&upload.object_key, "image/png", bytes.to_vec()).await.unwrap();
        }
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let image = store::complete_upload(&mut tx, &upload, None).await.unwrap();
        let _ = tx.enqueue(&ProcessImage { image, org: self.org }).await.unwrap();
        tx.commit().await.unwrap();
        image
    }

    pub(super) async fn image(&self, id: ImageId) -> Result<Image, ImageError> {
        store::get(&mut self.workers.db.pool.acquire().await.unwrap(), id).await
    }

    pub(super) async fn delete(&self, image: ImageId) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        store::hide(&mut tx, self.org, image).await.unwrap();
        let _ = tx.enqueue(&DeleteImage { image, org: self.org }).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn keys(&self, id: ImageId) -> Vec<String> {
        let variants = store::variants(&mut self.workers.db.pool.acquire().await.unwrap(), id).await.unwrap();
        variants.into_iter().map(|it| it.object_key).collect()
    }

    /// Another picture with the same files, as a listing that is listed again has it.
    pub(super) async fn copy(&self, id: ImageId) -> ImageId {
        let copy = ImageId::generate();
        for sql in [
            "INSERT INTO images (id, upload_id, org_id, status, checksum, width, height, blurhash, recipe, is_copy)
             SELECT $2, upload_id, org_id, status, checksum, width, height, blurhash, recipe, true FROM images WHERE id = $1",
            "INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
             SELECT $2, shape, format, width, height, bytes, object_key FROM image_variants WHERE image_id = $1",
        ] {
            sqlx::query(sql).bind(id).bind(copy).execute(&self.workers.db.pool).await.unwrap();
        }
        copy
    }

    pub(super) async fn exists(&self, key: &str) -> bool {
        match self.workers.blobs.head(key).await {
            Ok(_) => true,
            Err(BlobError::NotFound { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn an_upload_becomes_variants_and_goes_without_a_trace() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    market.workers.queue.drain().await;
    let image = market.image(id).await.unwrap();
    assert_eq!((image.status, image.width, image.height), (Status::Ready, Some(400), Some(300)));
    assert!(image.blurhash.is_some());
    let keys = market.keys(id).await;
    assert_eq!(keys.len(), 2 * (3 + 1), "160, 320, 400 and the square");
    for key in &keys {
        let bytes = market.workers.blobs.get(key, 1_000_000).await.unwrap();
        image::load_from_memory(&bytes).unwrap();
    }
    let job = rows(&market.workers.db.pool, "images.process").await.remove(0);
    assert_eq!((job.state.as_str(), job.result.unwrap()["variants"].as_u64()), ("succeeded", Some(8)));

    market.delete(id).await;
    market.workers.queue.drain().await;
    assert!(matches!(market.image(id).await, Err(ImageError::NotFound(_))));
    for key in keys.iter().chain([&image.original_key]) {
        assert!(!market.exists(key).await, "{key} is left");
    }
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM uploads").fetch_one(&market.workers.db.pool).await.unwrap();
    assert_eq!(left, 0);
    market.workers.close().await;
}

/// As a listing that is listed again has them.
#[tokio::test]
async fn shared_files_go_with_the_last_picture_that_shows_them() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    market.workers.queue.drain().await;
    let (keys, copy) = (market.keys(id).await, market.copy(id).await);
    for (image, left) in [(id, true), (copy, false)] {
        market.delete(image).await;
        market.workers.queue.drain().await;
        assert!(matches!(market.image(image).await, Err(ImageError::NotFound(_))));
        for key in &keys {
            assert_eq!(market.exists(key).await, left, "{key}");
        }
    }
    market.workers.close().await;
}

#[tokio::test]
async fn what_is_no_picture_is_rejected_with_a_reason() {
    let market = TestMarket::new().await;
    let svg = market.send(Some(b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>")).await;
    let cut = market.send(Some(&picture()[..200])).await;
    let missing = market.send(None).await;
    market.workers.queue.drain().await;
    for (id, code) in [(svg, "unsupported_type"), (cut, "damaged"), (missing, "missing")] {
        let image = market.image(id).await.unwrap();
        assert_eq!((image.status, image.refusal_code.as_deref()), (Status::Rejected, Some(code)));
        assert!(image.refusal.is_some());
        assert!(market.keys(id).await.is_empty());
    }
    let jobs = rows(&market.workers.db.pool, "images.process").await;
    assert!(jobs.iter().all(|job| job.state == "succeeded"), "a bad picture is no fault of ours: {jobs:?}");
    market.workers.close().await;
}

#[tokio::test]
async fn a_run_that_died_halfway_is_made_good_by_the_next() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    // As a worker that dies before its commit leaves it: some files are there, and the row says so.
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    store::begin(&mut conn, id).await.unwrap();
    market.workers.blobs.put(&format!("images/{id}/160.2.webp"), "image/webp", "half".as_bytes()).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.image(id).await.unwrap().status, Status::Ready);
    let bytes = market.workers.blobs.get(&format!("images/{id}/160.2.webp"), 1_000_000).await.unwrap();
    image::load_from_memory(&bytes).unwrap();

    // Once more, as after a redelivery.
    let keys = market.keys(id).await;
    let _ = market.workers.ledger.enqueue(&ProcessImage { image: id, org: market.org }).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.keys(id).await, keys);
    drop(conn);
    market.workers.close().await;
}

/// The files are in the store, and the database restarts before it knows: decoding and sending them again would burn an attempt.
#[tokio::test]
async fn a_database_that_restarts_after_the_files_are_stored_costs_no_second_attempt() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    market.workers.restart_database_when("UPDATE ON images", "new.status = 'ready'").await;
    assert_eq!(market.workers.queue.drain().await, 1);
    assert_eq!(market.image(id).await.unwrap().status, Status::Ready);
    assert_eq!(market.workers.restarts().await, 3);
    let job = rows(&market.workers.db.pool, "images.process").await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("succeeded", 1));
    market.workers.close().await;
}

#[tokio::test]
async fn a_database_that_restarts_after_the_files_are_deleted_costs_no_second_attempt() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    market.workers.queue.drain().await;
    market.delete(id).await;
    market.workers.restart_database_when("DELETE ON images", "old.status = 'deleting'").await;
    assert_eq!(market.workers.queue.drain().await, 1);
    assert!(matches!(market.image(id).await, Err(ImageError::NotFound(_))));
    assert_eq!(market.workers.restarts().await, 3);
    let job = rows(&market.workers.db.pool, "images.delete").await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("succeeded", 1));
    market.workers.close().await;
}

/// Not for the five minutes in which a record is repeated that the database cannot take.
#[tokio::test]
async fn a_picture_that_is_deleted_while_its_files_are_stored_leaves_none() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    let hide = "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RETURN NULL; END $$;
                CREATE TRIGGER hide BEFORE UPDATE ON images FOR EACH ROW WHEN (new.status = 'ready') EXECUTE FUNCTION hide()";
    sqlx::raw_sql(hide).execute(&market.workers.db.pool).await.unwrap();
    assert_eq!(market.workers.queue.drain().await, 1);
    assert!(market.keys(id).await.is_empty());
    assert!(!market.exists(&format!("images/{id}/160.2.webp")).await);
    assert_eq!(rows(&market.workers.db.pool, "images.process").await[0].state, "succeeded");
    market.workers.close().await;
}

#[tokio::test]
async fn an_image_that_is_deleted_first_is_not_processed() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    market.delete(id).await;
    market.workers.queue.drain().await;
    assert!(matches!(market.image(id).await, Err(ImageError::NotFound(_))));
    assert!(!market.exists(&format!("images/{id}/160.2.webp")).await);
    market.workers.close().await;
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_again() {
    let market = TestMarket::new().await;
    let id = market.send(Some(&picture())).await;
    let (bucket, elsewhere) = (market.workers.objects.join("test"), market.workers.objects.join("elsewhere"));
    std::fs::rename(&bucket, &elsewhere).unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.image(id).await.unwrap().status, Status::Processing);
    assert_eq!(rows(&market.workers.db.pool, "images.process").await[0].state, "scheduled");
    std::fs::rename(&elsewhere, &bucket).unwrap();
    market.workers.queue.make_due().await;
    market.workers.queue.drain().await;
    assert_eq!(market.image(id).await.unwrap().status, Status::Ready);
    market.workers.close().await;
}

#[tokio::test]
async fn abandoned_uploads_go_and_others_stay() {
    let market = TestMarket::new().await;
    let (abandoned, fresh) = (market.upload().await, market.upload().await);
    market.workers.blobs.put(&abandoned.object_key, "image/png", "x".as_bytes()).await.unwrap();
    let done = market.send(Some(&picture())).await;
    sqlx::query("UPDATE uploads SET expires_at = now() - interval '1 day' WHERE id <> $1")
        .bind(fresh.id)
        .execute(&market.workers.db.pool)
        .await
        .unwrap();
    let _ = market.workers.ledger.enqueue(&PurgeUploads {}).await.unwrap();
    market.workers.queue.drain().await;
    let left: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM uploads WHERE completed_at IS NULL")
        .fetch_all(&market.workers.db.pool)
        .await
        .unwrap();
    assert_eq!(left, [fresh.id.0]);
    assert!(!market.exists(&abandoned.object_key).await);
    assert_eq!(market.image(done).await.unwrap().status, Status::Ready);
    market.workers.close().await;
}

#[tokio::test]
async fn completing_twice_gives_one_image_and_foreign_listings_are_refused() {
    let market = TestMarket::new().await;
    let stranger = market.workers.org(market.user, "UTC").await;
    let (own, foreign) =
        (market.workers.listing(market.org, market.user).await, market.workers.listing(stranger, market.user).await);
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let upload = market.upload().await;
    let mut tx = market.workers.db.pool.begin().await.unwrap();
    let refused = store::complete_upload(&mut tx, &upload, Some(foreign)).await;
    assert!(matches!(refused, Err(ImageError::NoSuchListing(_))));
    drop(tx);
    let first = store::complete_upload(&mut conn, &upload, Some(own)).await.unwrap();
    let upload = store::lock_upload(&mut conn, upload.id).await.unwrap();
    assert!(upload.completed);
    assert_eq!(store::complete_upload(&mut conn, &upload, Some(own)).await.unwrap(), first);
    assert!(matches!(store::hide(&mut conn, stranger, first).await, Err(ImageError::NotFound(_))));
    drop(conn);
    market.workers.close().await;
}
