use jobs::images::{DeleteImage, DeleteReplaced};
use market::ids::ImageId;
use market::images::model::{RECIPE, Status};
use queue::ops::Actor;
use queue::ops::cancel::cancel;
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use super::super::tests::{TestMarket, picture};
use super::*;

impl TestMarket {
    /// Pictures as an older recipe left them: with files under names of their own.
    async fn old(&self, count: usize) -> Vec<ImageId> {
        let mut images = Vec::new();
        for _ in 0..count {
            images.push(self.send(Some(&picture())).await);
        }
        self.workers.queue.drain().await;
        for image in &images {
            for key in self.keys(*image).await {
                let bytes = self.workers.blobs.get(&key, 1_000_000).await.unwrap();
                self.workers.blobs.put(&old_name(&key), "image/webp", bytes).await.unwrap();
                self.workers.blobs.delete(&key).await.unwrap();
            }
        }
        for sql in
            ["UPDATE images SET recipe = 1", "UPDATE image_variants SET object_key = replace(object_key, '.2.', '.')"]
        {
            sqlx::query(sql).execute(&self.workers.db.pool).await.unwrap();
        }
        images
    }

    /// Runs what is due, and nothing that becomes due meanwhile: on a slow machine pictures take longer than the batch pauses.
    async fn round(&self) {
        for ticket in self.workers.queue.take().await {
            self.workers.queue.run(ticket).await;
        }
    }

    /// Runs the batch to its end; how many pictures were on their way at most.
    async fn reprocess(&self) -> usize {
        let mut most = 0;
        loop {
            self.round().await;
            let batch = rows(&self.workers.db.pool, "images.reprocess").await.pop().unwrap();
            if batch.state == "succeeded" {
                return most;
            }
            let open = batch.result.unwrap()["open"].as_array().unwrap().len();
            most = most.max(open);
            let due =
                "UPDATE jobs SET run_at = clock_timestamp() WHERE state = 'scheduled' AND kind = 'images.reprocess'";
            sqlx::query(due).execute(&self.workers.db.pool).await.unwrap();
        }
    }
}

fn old_name(key: &str) -> String {
    key.replace(&format!(".{RECIPE}."), ".")
}

fn handlers() -> Handlers<Services> {
    Handlers::default().with::<ProcessImage>().with::<DeleteImage>().with::<ReprocessImages>().with::<DeleteReplaced>()
}

#[tokio::test]
async fn pictures_of_an_older_recipe_are_made_anew_and_shown_all_the_time() {
    let market = TestMarket::with(handlers()).await;
    let images = market.old(AT_ONCE + 4).await;
    // Listed again: the same files under another name.
    let copy = market.copy(images[0]).await;
    let (old, original) = (market.keys(images[0]).await, market.image(images[0]).await.unwrap().original_key);
    // The upload of one is lost: what there is of it goes on being shown.
    let lost = images[3];
    market.workers.blobs.delete(&market.image(lost).await.unwrap().original_key).await.unwrap();
    let _ = market.workers.ledger.enqueue(&ReprocessImages {}).await.unwrap();
    let most = market.reprocess().await;
    assert_eq!(most, AT_ONCE);

    let batch = rows(&market.workers.db.pool, "images.reprocess").await.remove(0);
    let (all, left) = (images.len(), 1);
    assert_eq!(batch.result, Some(json!({ "total": all, "handed_over": all, "left": left })));
    for image in images.iter().filter(|it| **it != lost).chain([&copy]) {
        let shown = market.image(*image).await.unwrap();
        assert_eq!((shown.status, shown.recipe), (Status::Ready, RECIPE));
        for key in market.keys(*image).await {
            assert!(key.contains(&format!(".{RECIPE}.")), "{key}");
            assert!(market.exists(&key).await, "{key}");
        }
    }
    assert_eq!(market.keys(copy).await, market.keys(images[0]).await);
    assert_eq!(market.image(lost).await.unwrap().recipe, 1);
    // Once: the copy came with its original.
    let low = "SELECT count(*) FROM jobs WHERE kind = 'images.process' AND priority = 3";
    let remade: i64 = sqlx::query_scalar(low).fetch_one(&market.workers.db.pool).await.unwrap();
    assert_eq!(usize::try_from(remade).unwrap(), all);

    // Somebody may still have an address of an old file, and for hours.
    for key in &old {
        assert!(market.exists(key).await, "{key}");
    }
    market.workers.queue.make_due().await;
    market.workers.queue.drain().await;
    for key in &old {
        assert!(!market.exists(key).await, "{key} is left");
    }
    for key in market.keys(lost).await {
        assert!(market.exists(&key).await, "{key}");
    }

    // What is shown twice goes with the last of both.
    let new = market.keys(copy).await;
    for (image, left) in [(images[0], true), (copy, false)] {
        market.delete(image).await;
        market.workers.queue.drain().await;
        for key in new.iter().chain([&original]) {
            assert_eq!(market.exists(key).await, left, "{key}");
        }
    }
    market.workers.close().await;
}

#[tokio::test]
async fn a_cancelled_batch_leaves_the_rest_to_the_next_one() {
    let market = TestMarket::with(handlers()).await;
    market.old(AT_ONCE + 2).await;
    let batch = market.workers.ledger.enqueue(&ReprocessImages {}).await.unwrap().id();
    let again = market.workers.ledger.enqueue(&ReprocessImages {}).await.unwrap().id();
    assert_eq!(batch, again, "one at a time");
    market.round().await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    cancel(&mut conn, batch, Actor::System).await.unwrap();
    market.workers.queue.make_due().await;
    market.workers.queue.drain().await;
    assert_eq!(store::count_outdated(&mut conn).await.unwrap(), 2);
    let _ = market.workers.ledger.enqueue(&ReprocessImages {}).await.unwrap();
    market.reprocess().await;
    assert_eq!(store::count_outdated(&mut conn).await.unwrap(), 0);
    market.workers.queue.make_due().await;
    market.workers.queue.drain().await;
    drop(conn);
    market.workers.close().await;
}

#[tokio::test]
async fn a_picture_that_is_deleted_while_it_is_made_anew_leaves_nothing() {
    let market = TestMarket::with(handlers()).await;
    let image = market.old(1).await.remove(0);
    let old = market.keys(image).await;
    // Hidden when the new files are there and not yet noted.
    let hide = "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RETURN NULL; END $$;
                CREATE TRIGGER hide BEFORE UPDATE ON images FOR EACH ROW WHEN (new.recipe > old.recipe) EXECUTE FUNCTION hide()";
    sqlx::raw_sql(hide).execute(&market.workers.db.pool).await.unwrap();
    let _ = market.workers.ledger.enqueue(&ProcessImage { image, org: market.org }).await.unwrap();
    market.workers.queue.drain().await;
    assert_eq!(market.keys(image).await, old);
    for key in &old {
        assert!(market.exists(key).await, "{key}");
        let new = key.replacen('.', &format!(".{RECIPE}."), 1);
        assert!(!market.exists(&new).await, "{new}");
    }
    assert_eq!(rows(&market.workers.db.pool, "images.process").await.pop().unwrap().state, "succeeded");
    market.workers.close().await;
}
