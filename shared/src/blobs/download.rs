//! Downloads into a file, for whoever reads an object more than once.

use std::fs::File;
use std::io::Seek as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{BlobError, Blobs};

impl Blobs {
    /// Copies an object of at most `limit` bytes into a temporary file, which is gone when it is closed. It stands at its beginning.
    pub async fn to_file(&self, key: &str, limit: u64) -> Result<File, BlobError> {
        let io = |source| BlobError::Io { operation: "download", key: key.to_owned(), source };
        let too_large = || BlobError::TooLarge { key: key.to_owned(), limit };
        let (info, reader) = self.open(key).await?;
        if info.size > limit {
            return Err(too_large());
        }
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(io)?);
        let copied = tokio::io::copy(&mut reader.take(limit.saturating_add(1)), &mut file).await.map_err(io)?;
        if copied > limit {
            return Err(too_large());
        }
        file.flush().await.map_err(io)?;
        let mut file = file.into_std().await;
        file.rewind().map_err(io)?;
        Ok(file)
    }
}
