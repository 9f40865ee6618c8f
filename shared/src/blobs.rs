//! Objects in any S3 store: photographs, reports, exports.
//!
//! [`Blobs`] is a thin client. Everything that moves bytes does so in bounded memory: an upload holds one part
//! ([`PART_SIZE`]) at a time, a download is a stream with a limit on its size. Retries and time-outs are set here, once;
//! callers add none of their own.
//!
//! An object that is written twice under one key is simply replaced, so a job that runs again may
//! write again.

mod config;
mod download;
mod list;
mod presign;
mod upload;

#[cfg(test)]
mod tests;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::config::S3;

pub use list::{Listed, Page};
pub use presign::{Disposition, PresignedUpload};
pub use upload::PART_SIZE;

/// What went wrong with an object. No variant carries a secret or a signed address.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("object {key:?} does not exist")]
    NotFound { key: String },
    #[error("object {key:?} is larger than {limit} bytes")]
    TooLarge { key: String, limit: u64 },
    /// The configuration or an argument cannot work, whatever the server says.
    #[error("{0}")]
    Invalid(String),
    /// The server refused (4xx): wrong credentials, missing bucket, missing right. Trying again
    /// does not help.
    #[error("{operation} of {key:?} was refused: {reason}")]
    Refused { operation: &'static str, key: String, reason: String },
    /// The server could not be reached, did not answer in time or answered 5xx, after the built-in retries.
    #[error("{operation} of {key:?} failed: {reason}")]
    Unavailable { operation: &'static str, key: String, reason: String },
    /// The bytes to be uploaded could not be read, or the downloaded ones broke off.
    #[error("{operation} of {key:?} broke off")]
    Io {
        operation: &'static str,
        key: String,
        #[source]
        source: std::io::Error,
    },
}

impl BlobError {
    /// Whether the same call may succeed later by itself.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Io { .. })
    }

    fn from_sdk<E, R>(operation: &'static str, key: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + StatusOf,
    {
        let status = match error {
            SdkError::ServiceError(answer) => Some(answer.raw().status_code()),
            SdkError::ResponseError(answer) => Some(answer.raw().status_code()),
            _ => None,
        };
        let key = key.to_owned();
        let reason = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            // The chain of causes contains hosts and ports at most, and no signed headers.
            _ => chain(error),
        };
        match status {
            Some(404) if error.code() != Some("NoSuchBucket") => Self::NotFound { key },
            // 408 and 429 ask for another try.
            Some(code) if (400..500).contains(&code) && code != 408 && code != 429 => {
                Self::Refused { operation, key, reason }
            }
            _ if matches!(error, SdkError::ConstructionFailure(_)) => Self::Invalid(reason),
            _ => Self::Unavailable { operation, key, reason },
        }
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |it| it.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The HTTP status of a raw answer, so that [`BlobError::from_sdk`] serves every operation.
trait StatusOf {
    fn status_code(&self) -> u16;
}

impl StatusOf for aws_sdk_s3::config::http::HttpResponse {
    fn status_code(&self) -> u16 {
        self.status().as_u16()
    }
}

/// What is known about an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// In bytes.
    pub size: u64,
    pub content_type: Option<String>,
}

/// A client for one bucket. Cheap to clone: clones share the connection pool.
#[derive(Clone, Debug)]
pub struct Blobs {
    client: Client,
    /// Signs addresses for people, who may reach the store in another way than we do.
    public: Client,
    bucket: String,
}

impl Blobs {
    /// Prepares the client; the first call connects.
    ///
    /// # Errors
    /// [`BlobError::Invalid`] if an address in the configuration is not an http(s) URL or the
    /// bucket has no name.
    pub fn new(config: &S3) -> Result<Self, BlobError> {
        let (client, public) = config::clients(config)?;
        Ok(Self { client, public, bucket: config.bucket.clone() })
    }

    /// Creates the bucket unless it exists. An existing one, with a policy of its own, is left
    /// alone: the right to create buckets is needed only if it is missing.
    pub async fn ensure_bucket(&self) -> Result<(), BlobError> {
        match self.check().await {
            Err(BlobError::NotFound { .. }) => {}
            known => return known,
        }
        let made = self.client.create_bucket().bucket(&self.bucket).send().await;
        match made {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), Some("BucketAlreadyOwnedByYou" | "BucketAlreadyExists")) => Ok(()),
            Err(error) => Err(BlobError::from_sdk("create bucket", &self.bucket, &error)),
        }
    }

    /// Checks that the bucket can be reached with our credentials.
    pub async fn check(&self) -> Result<(), BlobError> {
        self.client
            .head_bucket()
            .bucket(&self.bucket)
            .send()
            .await
            .map(drop)
            .map_err(|error| BlobError::from_sdk("check of the bucket", &self.bucket, &error))
    }

    /// Size and type of an object.
    pub async fn head(&self, key: &str) -> Result<ObjectInfo, BlobError> {
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| BlobError::from_sdk("head", key, &error))?;
        Ok(ObjectInfo { size: unsigned(head.content_length()), content_type: head.content_type().map(str::to_owned) })
    }

    /// Reads a whole object of at most `limit` bytes into memory.
    ///
    /// The limit applies to what arrives, not only to what the server announces.
    pub async fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>, BlobError> {
        let too_large = || BlobError::TooLarge { key: key.to_owned(), limit };
        let (info, reader) = self.open(key).await?;
        if info.size > limit {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(info.size).unwrap_or_default());
        let mut reader = reader.take(limit.saturating_add(1));
        reader.read_to_end(&mut bytes).await.map_err(|source| BlobError::Io {
            operation: "download",
            key: key.to_owned(),
            source,
        })?;
        if bytes.len() as u64 > limit {
            return Err(too_large());
        }
        Ok(bytes)
    }

    /// Opens an object as a stream. Nothing is read ahead beyond the connection's buffer.
    pub async fn open(&self, key: &str) -> Result<(ObjectInfo, impl AsyncRead + Send + Unpin + use<>), BlobError> {
        let object = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(|error| BlobError::from_sdk("download", key, &error))?;
        let info = ObjectInfo {
            size: unsigned(object.content_length()),
            content_type: object.content_type().map(str::to_owned),
        };
        Ok((info, object.body.into_async_read()))
    }

    /// Writes an object whose bytes are in memory.
    pub async fn put(&self, key: &str, content_type: &str, bytes: impl Into<bytes::Bytes>) -> Result<(), BlobError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(bytes.into()))
            .send()
            .await
            .map(drop)
            .map_err(|error| BlobError::from_sdk("upload", key, &error))
    }

    /// Removes an object. One that does not exist counts as removed.
    pub async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let removed = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) => match BlobError::from_sdk("delete", key, &error) {
                BlobError::NotFound { .. } => Ok(()),
                other => Err(other),
            },
        }
    }
}

/// S3 gives lengths as signed numbers; a missing or negative one counts as empty.
fn unsigned(length: Option<i64>) -> u64 {
    length.and_then(|it| u64::try_from(it).ok()).unwrap_or_default()
}
