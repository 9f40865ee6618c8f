use std::time::Duration;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jobs::images::{DeleteReplaced, ProcessImage};
use market::ids::ImageId;
use market::images::model::{
    ADDRESS_VALID_FOR, Finished, Image, MAX_BYTES, RECIPE, Refusal, Status, StoredVariant, variant_key,
};
use market::images::store::{self, ImageError};
use pictures::Processed;
use queue::{Enqueue, Handler, NotWanted, Outcome};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shared::blobs::{BlobError, Blobs};

use super::ProcessError;
use crate::{Cx, Services};

/// How many files of one image are uploaded at a time.
const UPLOADS: usize = 3;
/// How long a file may take to arrive that somebody begins to fetch at the last moment.
const DOWNLOAD: Duration = Duration::from_hours(1);

impl Handler<Services> for ProcessImage {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let image = match store::get(&mut conn, self.image).await {
            Ok(image) => image,
            Err(ImageError::NotFound(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        };
        match image.status {
            Status::Uploaded | Status::Processing => {}
            Status::Ready if image.recipe < RECIPE => {
                drop(conn);
                return remake(cx, &image).await;
            }
            Status::Ready | Status::Rejected | Status::Deleting => return Ok(Outcome::Done),
        }
        match store::begin(&mut conn, image.id).await {
            Ok(()) => {}
            Err(ImageError::NotOpen(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        }
        drop(conn);

        let (checksum, processed) = match make(cx, &image).await? {
            Ok(made) => made,
            Err(refusal) => return reject(cx, image.id, &refusal).await,
        };
        let done = &upload(&cx.blobs, image.id, checksum, processed).await?;
        let image = image.id;
        // The files are there: a database that cannot commit now must not cost the whole work once more.
        let recorded = cx.commit_after_effect(Some(json!({ "variants": done.variants.len() })), |mut tx| async move {
            match store::finish(&mut tx, image, done).await {
                Ok(()) => Ok(tx),
                Err(ImageError::NotOpen(_)) => Err(NotWanted.into()),
                Err(error) => Err(error.into()),
            }
        });
        match recorded.await {
            // Deleted meanwhile, perhaps with its files already removed: ours must not stay behind.
            Err(error) if error.is::<NotWanted>() => forget(cx, done).await,
            recorded => recorded,
        }
    }
}

/// Makes a picture anew that is shown meanwhile: the new files have other keys, and take the place of the old ones at once, wherever
/// those are shown.
async fn remake(cx: &Cx, image: &Image) -> anyhow::Result<Outcome> {
    let (checksum, processed) = match make(cx, image).await? {
        Ok(made) => made,
        // It was sound once: what there is of it goes on being shown.
        Err(refusal) => return Ok(Outcome::DoneWith(json!({ "left": refusal.code() }))),
    };
    let done = &upload(&cx.blobs, image.id, checksum, processed).await?;
    let (image, org) = (image.id, image.org);
    let recorded = cx.commit_after_effect(Some(json!({ "variants": done.variants.len() })), |mut tx| async move {
        let keys = match store::replace(&mut tx, image, done).await {
            Ok(keys) => keys,
            Err(ImageError::NotOpen(_)) => return Err(NotWanted.into()),
            Err(error) => return Err(error.into()),
        };
        let last = Enqueue::new(&DeleteReplaced { image, org, keys }).after(ADDRESS_VALID_FOR + DOWNLOAD);
        let _ = tx.enqueue_with(last).await?;
        anyhow::Ok(tx)
    });
    match recorded.await {
        // Deleted meanwhile, or another run was faster, whose files these are.
        Err(error) if error.is::<NotWanted>() => forget(cx, done).await,
        recorded => recorded,
    }
}

/// Removes files that nobody shows.
async fn forget(cx: &Cx, done: &Finished) -> anyhow::Result<Outcome> {
    let keys: Vec<_> = done.variants.iter().map(|it| it.object_key.clone()).collect();
    for key in store::unshown(&mut *cx.db().acquire().await?, &keys).await? {
        cx.blobs.delete(&key).await?;
    }
    Ok(Outcome::Done)
}

type Made = ([u8; 32], Processed);

/// Fetches and processes the upload. The outer error is a fault around it, such as a store that
/// does not answer; the inner one is a fault of the picture itself.
async fn make(cx: &Cx, image: &Image) -> anyhow::Result<Result<Made, Refusal>> {
    let slot = cx.image_slots.slot().await?;
    let bytes = match cx.blobs.get(&image.original_key, MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(BlobError::NotFound { .. }) => return Ok(Err(Refusal::Missing)),
        Err(BlobError::TooLarge { .. }) => return Ok(Err(Refusal::TooLarge)),
        Err(error) => return Err(error.into()),
    };
    let checksum = Sha256::digest(&bytes).into();
    match slot.process(bytes).await {
        Ok(processed) => Ok(Ok((checksum, processed))),
        Err(ProcessError::Refused(refusal)) => Ok(Err(refusal)),
        Err(ProcessError::Closed) => Err(ProcessError::Closed.into()),
    }
}

async fn reject(cx: &Cx, image: ImageId, refusal: &Refusal) -> anyhow::Result<Outcome> {
    let mut tx = cx.begin().await?;
    match store::reject(&mut tx, image, refusal).await {
        Ok(()) => cx.commit_with(tx, json!({ "rejected": refusal.code() })).await,
        Err(ImageError::NotOpen(_)) => Ok(Outcome::Done),
        Err(error) => Err(error.into()),
    }
}

/// Writes the files. The key of each one is fixed, so a second run replaces what the first one
/// wrote.
async fn upload(blobs: &Blobs, image: ImageId, checksum: [u8; 32], made: Processed) -> anyhow::Result<Finished> {
    let variants = stream::iter(made.variants)
        .map(|it| async move {
            let object_key = variant_key(image, it.shape, it.width, it.format);
            let bytes = it.bytes.len().try_into().context("size")?;
            blobs.put(&object_key, it.format.content_type(), it.bytes).await?;
            let (width, height) = (it.width.try_into().context("width")?, it.height.try_into().context("height")?);
            anyhow::Ok(StoredVariant { shape: it.shape, format: it.format, width, height, bytes, object_key })
        })
        .buffer_unordered(UPLOADS)
        .try_collect()
        .await?;
    let (width, height) = (made.width.try_into().context("width")?, made.height.try_into().context("height")?);
    Ok(Finished { checksum, width, height, blurhash: made.blurhash, animated: made.animated, variants })
}
