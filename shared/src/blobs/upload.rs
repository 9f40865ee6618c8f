//! Uploads of unknown length, in constant memory.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{BlobError, Blobs};

/// The size of one part of a large upload in bytes, and so the memory that an upload takes. S3
/// demands at least 5 MiB per part and allows 10,000 parts, which makes 78 GiB per object.
pub const PART_SIZE: usize = 8 * 1024 * 1024;

impl Blobs {
    /// Writes everything that `reader` yields under `key`, and returns the number of bytes.
    ///
    /// The object appears whole, at the end, or not at all: fewer than [`PART_SIZE`] bytes are one
    /// plain PUT, more are a multipart upload that is aborted if reading or sending fails. A
    /// process that dies in the meantime leaves invisible parts behind, which the next upload under
    /// the same key aborts, and [`Blobs::abort_begun_before`] if there is none. So nobody else may be
    /// uploading under the key: a job that is taken for lost and still runs fails at its next part.
    pub async fn put_stream(
        &self,
        key: &str,
        content_type: &str,
        mut reader: impl AsyncRead + Send + Unpin,
    ) -> Result<u64, BlobError> {
        let first = next_part(key, &mut reader).await?;
        if first.len() < PART_SIZE {
            let size = first.len() as u64;
            self.put(key, content_type, first).await?;
            return Ok(size);
        }

        self.abort_left(key).await;
        let upload = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .send()
            .await
            .map_err(|error| BlobError::from_sdk("start of the upload", key, &error))?;
        let Some(id) = upload.upload_id() else {
            return Err(BlobError::Unavailable {
                operation: "start of the upload",
                key: key.to_owned(),
                reason: "the server gave no upload id".to_owned(),
            });
        };
        let sent = self.put_parts(key, id, first, reader).await;
        if sent.is_err() {
            self.abort(key, id).await;
        }
        sent
    }

    /// Removes what an upload leaves that was given up where it was: its parts, and the object if it appeared all the same. Nobody
    /// else may be uploading under the key.
    pub async fn give_up(&self, key: &str) -> Result<(), BlobError> {
        self.abort_left(key).await;
        self.delete(key).await
    }

    /// Aborts what a process that died has begun to upload under this key.
    async fn abort_left(&self, key: &str) {
        let listed = match self.client.list_multipart_uploads().bucket(&self.bucket).prefix(key).send().await {
            Ok(listed) => listed,
            Err(error) => {
                let error = BlobError::from_sdk("list of open uploads", key, &error);
                tracing::warn!(%error, "what is left of an earlier upload stays until it is swept");
                return;
            }
        };
        for upload in listed.uploads().iter().filter(|upload| upload.key() == Some(key)) {
            if let Some(id) = upload.upload_id() {
                self.abort(key, id).await;
            }
        }
    }

    /// Whether the store has aborted it; the log says why not.
    pub(super) async fn abort(&self, key: &str, upload_id: &str) -> bool {
        let aborted =
            self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload_id).send().await;
        if let Err(error) = &aborted {
            let error = BlobError::from_sdk("abort of the upload", key, error);
            tracing::warn!(%error, "parts of a failed upload stay until they are swept");
        }
        aborted.is_ok()
    }

    async fn put_parts(
        &self,
        key: &str,
        upload_id: &str,
        first: Bytes,
        mut reader: impl AsyncRead + Send + Unpin,
    ) -> Result<u64, BlobError> {
        let mut size = 0;
        let mut parts = Vec::new();
        let mut part = first;
        // The last part may be short but not empty: the loop ends on the first empty read.
        while !part.is_empty() {
            let number = i32::try_from(parts.len() + 1).map_err(|_| BlobError::Invalid("too many parts".to_owned()))?;
            size += part.len() as u64;
            let sent = self
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(key)
                .upload_id(upload_id)
                .part_number(number)
                .body(ByteStream::from(part))
                .send()
                .await
                .map_err(|error| BlobError::from_sdk("upload of a part", key, &error))?;
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
            part = next_part(key, &mut reader).await?;
        }
        self.client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await
            .map_err(|error| BlobError::from_sdk("end of the upload", key, &error))?;
        Ok(size)
    }
}

/// The next [`PART_SIZE`] bytes, fewer at the end, and none after that.
async fn next_part(key: &str, reader: &mut (impl AsyncRead + Unpin)) -> Result<Bytes, BlobError> {
    let mut part = Vec::new();
    reader.take(PART_SIZE as u64).read_to_end(&mut part).await.map_err(|source| BlobError::Io {
        operation: "reading for the upload",
        key: key.to_owned(),
        source,
    })?;
    Ok(part.into())
}
