use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use queue::testing::rows;
use queue::worker::Handlers;
use queue::{Handler, Job, Kind, Outcome, Queue};
use serde::{Deserialize, Serialize};
use shared::blobs::PART_SIZE;
use tokio::io::{AsyncReadExt as _, ReadBuf};

use super::*;
use crate::Services;
use crate::testing::TestWorkers;

/// Uploads more than one part, of a file whose end never comes.
#[derive(Debug, Serialize, Deserialize)]
struct Endless {}

impl Job for Endless {
    const KIND: Kind = Kind::new("test.endless");
    const QUEUE: Queue = jobs::queues::MAINTENANCE;
}

impl Handler<Services> for Endless {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let begin = tokio::io::repeat(7).take(PART_SIZE as u64 + 1_000);
        upload(cx, "endless", "text/csv", begin.chain(Silence)).await?;
        Ok(Outcome::Done)
    }
}

static SILENT: AtomicBool = AtomicBool::new(false);

struct Silence;

impl AsyncRead for Silence {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        SILENT.store(true, Ordering::Relaxed);
        Poll::Pending
    }
}

/// The parts and objects below a folder.
fn files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let count = |path: std::path::PathBuf| {
        if path.is_dir() { files(&path) } else { usize::from(std::fs::metadata(path).unwrap().len() > 900) }
    };
    entries.map(count).sum()
}

/// It ends by itself, well before it would be dropped.
#[tokio::test]
async fn a_cancelled_upload_leaves_neither_parts_nor_an_object() {
    let workers = TestWorkers::new(Handlers::default().with::<Endless>()).await;
    let job = workers.ledger.enqueue(&Endless {}).await.unwrap().id();
    let ticket = workers.queue.take().await.remove(0);
    let running = workers.queue.start(ticket);
    while !SILENT.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    assert_eq!(files(&workers.objects), 1, "a part");
    workers.queue.stop(job, StopReason::Cancelled);
    tokio::time::timeout(Duration::from_secs(2), running).await.unwrap().unwrap();
    let row = rows(&workers.db.pool, Endless::KIND.name).await.remove(0);
    assert_eq!((row.state.as_str(), files(&workers.objects)), ("cancelled", 0));
    workers.close().await;
}
