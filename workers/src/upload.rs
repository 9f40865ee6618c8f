//! Uploads of files that people asked for and may cancel.

use std::time::Duration;

use queue::worker::StopReason;
use tokio::io::AsyncRead;

use crate::Cx;

/// How long the store may take to give up an upload: whoever cancelled it is promised an end within a second.
const PATIENCE: Duration = Duration::from_millis(400);

/// Stores a file under the name by which people download it, and returns its bytes. When the job is cancelled meanwhile, nothing stays
/// under that name.
///
/// When the attempt has to stop for another reason, the next one may be uploading under the same name already: it replaces what is there.
pub(crate) async fn upload(
    cx: &Cx,
    key: &str,
    content_type: &str,
    file: impl AsyncRead + Send + Unpin,
) -> anyhow::Result<u64> {
    let sending = async { cx.blobs.put_stream(key, content_type, file).await.map_err(anyhow::Error::from) };
    let sent = cx.unless_cancelled(sending).await;
    if sent.is_err() && cx.stop_reason() == Some(StopReason::Cancelled) {
        match tokio::time::timeout(PATIENCE, cx.blobs.give_up(key)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was uploaded of a cancelled file stays"),
            Err(_) => tracing::warn!(object.key = key, "what was uploaded of a cancelled file may stay"),
        }
    }
    sent
}

#[cfg(test)]
mod tests;
