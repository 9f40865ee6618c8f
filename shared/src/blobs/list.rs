//! What is in the store, for whoever looks for what nobody needs any more.

use chrono::{DateTime, Utc};

use super::{BlobError, Blobs};

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// When it was written last, by the store's clock, in whole seconds.
    pub modified: DateTime<Utc>,
}

/// Some objects, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Listed>,
    /// Whether there are others after these.
    pub more: bool,
}

impl Blobs {
    /// The first `most` objects whose keys begin with `prefix` and come after `after`, by key; the store gives a thousand at most.
    pub async fn list(&self, prefix: &str, after: &str, most: u16) -> Result<Page, BlobError> {
        let listed = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_start_after((!after.is_empty()).then(|| after.to_owned()))
            .max_keys(i32::from(most))
            .send()
            .await
            .map_err(|error| BlobError::from_sdk("list of objects", prefix, &error))?;
        // One without a key or a time is of no use: nobody knows how old it is.
        let objects = listed.contents().iter().filter_map(|object| {
            Some(Listed { key: object.key()?.to_owned(), modified: time(object.last_modified()?)? })
        });
        Ok(Page { objects: objects.collect(), more: listed.is_truncated().unwrap_or_default() })
    }

    /// Aborts the uploads under keys that begin with `prefix` which began before `before` and have not ended; returns how many. Their
    /// processes have died: the parts are in no list of objects, and cost as much as those. One that the store does not abort is in the
    /// log, and left to the next sweep.
    pub async fn abort_begun_before(&self, prefix: &str, before: DateTime<Utc>) -> Result<u64, BlobError> {
        let (mut key_marker, mut id_marker) = (None, None);
        let mut aborted = 0;
        loop {
            let listed = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(|error| BlobError::from_sdk("list of open uploads", prefix, &error))?;
            for upload in listed.uploads() {
                let began = upload.initiated().and_then(time);
                let (Some(key), Some(id), Some(began)) = (upload.key(), upload.upload_id(), began) else { continue };
                if began < before && self.abort(key, id).await {
                    aborted += 1;
                }
            }
            key_marker = listed.next_key_marker().map(str::to_owned);
            id_marker = listed.next_upload_id_marker().map(str::to_owned);
            if !listed.is_truncated().unwrap_or_default() || key_marker.is_none() {
                return Ok(aborted);
            }
        }
    }
}

fn time(of: &aws_sdk_s3::primitives::DateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(of.secs(), 0)
}
