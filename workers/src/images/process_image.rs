use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jobs::images::ProcessImage;
use market::ids::ImageId;
use market::images::model::{Finished, Image, MAX_BYTES, Refusal, Status, StoredVariant, variant_key};
use market::images::store::{self, ImageError};
use pictures::{Processed, Variant};
use queue::{Handler, NotWanted, Outcome};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shared::blobs::{BlobError, Blobs};

use super::ProcessError;
use crate::{Cx, Services};

/// How many files of one image are uploaded at a time.
const UPLOADS: usize = 3;

impl Handler<Services> for ProcessImage {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let image = match store::get(&mut conn, self.image).await {
            Ok(image) => image,
            Err(ImageError::NotFound(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        };
        if !matches!(image.status, Status::Uploaded | Status::Processing) {
            return Ok(Outcome::Done);
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
        let variants = upload(&cx.blobs, image.id, processed.variants).await?;
        let count = variants.len();
        let done = Finished {
            checksum,
            width: processed.width.try_into().context("width")?,
            height: processed.height.try_into().context("height")?,
            blurhash: processed.blurhash,
            variants,
        };
        let (image, done) = (image.id, &done);
        // The files are there: a database that cannot commit now must not cost the whole work once more.
        let recorded = cx.commit_after_effect(Some(json!({ "variants": count })), |mut tx| async move {
            match store::finish(&mut tx, image, done).await {
                Ok(()) => Ok(tx),
                Err(ImageError::NotOpen(_)) => Err(NotWanted.into()),
                Err(error) => Err(error.into()),
            }
        });
        match recorded.await {
            // Deleted meanwhile, perhaps with its files already removed: ours must not stay behind.
            Err(error) if error.is::<NotWanted>() => {
                for it in &done.variants {
                    cx.blobs.delete(&it.object_key).await?;
                }
                Ok(Outcome::Done)
            }
            recorded => recorded,
        }
    }
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
async fn upload(blobs: &Blobs, image: ImageId, variants: Vec<Variant>) -> anyhow::Result<Vec<StoredVariant>> {
    stream::iter(variants)
        .map(|it| async move {
            let object_key = variant_key(image, it.shape, it.width, it.format);
            let bytes = it.bytes.len().try_into().context("size")?;
            blobs.put(&object_key, it.format.content_type(), it.bytes).await?;
            let (width, height) = (it.width.try_into().context("width")?, it.height.try_into().context("height")?);
            anyhow::Ok(StoredVariant { shape: it.shape, format: it.format, width, height, bytes, object_key })
        })
        .buffer_unordered(UPLOADS)
        .try_collect()
        .await
}
