//! The store is read from one end to the other, a page at a time, and each page is asked about in the database.
//!
//! # How to get this wrong
//! - Deleting what a page found without a row. A dead job may be retried at that moment, and its next attempt writes under the same key.
//!   Each file is asked about again under the lock of its row, which an attempt takes before it begins.
//! - Deleting what is young. An attempt that is under way has written its file and not its row.
//! - Taking what one does not know for left over. Keys that nobody here writes stay, as do invoices and archived events, whose rows never
//!   go.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use jobs::maintenance::SweepFiles;
use market::ids::ImageId;
use market::images;
use market::leftovers::store::{Table, lock, without_file};
use queue::{Handler, JobTx, Outcome};
use serde::{Deserialize, Serialize};
use shared::blobs::Listed;
use uuid::Uuid;

use crate::turn::Turn;
use crate::{Cx, Services};

/// What is looked through, in the order of the store.
const PREFIXES: [&str; 5] = ["exports/", "images/", "papers/", "reports/", "uploads/"];
/// Where files are written that have more than one part.
const IN_PARTS: [&str; 3] = ["cargo/", "exports/", "reports/"];
/// Younger files are left alone, and uploads that began later: no job takes as long.
const AGE: TimeDelta = TimeDelta::days(1);
/// How many files are looked at together.
const PAGE: u16 = 1_000;
/// How long the store may take to delete one: a row is locked meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// How far the sweep is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Swept {
    /// The last key that was looked at.
    after: String,
    deleted: u64,
    /// Uploads that nobody would have ended.
    aborted: u64,
}

impl Handler<Services> for SweepFiles {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        sweep(cx, Turn::begin(), PAGE).await
    }
}

async fn sweep(cx: &Cx, turn: Turn, page: u16) -> anyhow::Result<Outcome> {
    let mut swept: Swept = cx.checkpointed().await?.unwrap_or_default();
    let before = cx.clock().now() - AGE;
    if swept.after.is_empty() {
        for prefix in IN_PARTS {
            swept.aborted += cx.blobs.abort_begun_before(prefix, before).await?;
        }
    }
    for prefix in PREFIXES {
        // An attempt before this one has done with all that begins so.
        if swept.after.as_str() > prefix && !swept.after.starts_with(prefix) {
            continue;
        }
        loop {
            let after = if swept.after.starts_with(prefix) { swept.after.as_str() } else { "" };
            let listed = cx.blobs.list(prefix, after, page).await?;
            let Some(last) = listed.objects.last() else { break };
            let (deleted, ended_at) = delete_leftovers(cx, turn, &listed.objects, before).await?;
            swept.deleted += deleted;
            ended_at.unwrap_or(&last.key).clone_into(&mut swept.after);
            let mut tx = cx.begin().await?;
            cx.checkpoint(&mut tx, 0, &format!("{} deleted", swept.deleted), &swept).await?;
            tx.commit().await?;
            if let Some(later) = turn.ends(cx)? {
                return Ok(later);
            }
            if !listed.more {
                break;
            }
        }
    }
    Ok(Outcome::DoneWith(serde_json::to_value(swept)?))
}

/// Deletes those of the files that are older than `before` and left over; returns how many, and the last of them if those behind it have
/// not been looked at: a store that is slow must not take more than the turn.
async fn delete_leftovers<'f>(
    cx: &Cx,
    turn: Turn,
    files: &'f [Listed],
    before: DateTime<Utc>,
) -> anyhow::Result<(u64, Option<&'f str>)> {
    let old = files.iter().filter(|file| file.modified < before);
    let known: Vec<_> = old.filter_map(|file| Some((Maker::of(&file.key)?, file.key.as_str()))).collect();
    if known.is_empty() {
        return Ok((0, None));
    }
    let mut tx = cx.begin().await?;
    let found = left_over(&mut tx, &known).await?;
    tx.commit().await?;
    let mut deleted = 0;
    for file in found {
        // Nothing is written: the transaction is there for the lock.
        let mut tx = cx.begin().await?;
        file.0.lock(&mut tx).await?;
        if !left_over(&mut tx, &[file]).await?.is_empty() {
            tokio::time::timeout(PATIENCE, cx.blobs.delete(file.1)).await.context("the store takes too long")??;
            tracing::info!(object.key = file.1, "deleted a file that no row names");
            deleted += 1;
        }
        tx.commit().await?;
        if turn.cuts_short(cx) {
            return Ok((deleted, Some(file.1)));
        }
    }
    Ok((deleted, None))
}

/// What a file was made of or for, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Image(ImageId),
    Row(Table, Uuid),
    Upload,
}

impl Maker {
    /// `None`: nobody here writes such keys.
    fn of(key: &str) -> Option<Self> {
        let (folder, rest) = key.split_once('/')?;
        let id = rest.split(['/', '.']).next()?;
        match folder {
            "exports" => Some(Self::Row(Table::Exports, id.parse().ok()?)),
            "images" => Some(Self::Image(id.parse().ok()?)),
            "papers" => Some(Self::Row(Table::Papers, id.parse().ok()?)),
            "reports" => Some(Self::Row(Table::Reports, id.parse().ok()?)),
            "uploads" => Some(Self::Upload),
            _ => None,
        }
    }

    /// Lets no attempt begin to write the file until the transaction ends. What an image or an upload has left can be written by nobody,
    /// once its row is gone.
    async fn lock(self, tx: &mut JobTx) -> anyhow::Result<()> {
        match self {
            Self::Row(table, id) => lock(tx, table, id).await?,
            Self::Image(_) | Self::Upload => {}
        }
        Ok(())
    }
}

/// Those of the files that are named by no row, and will not be unless their job is retried.
async fn left_over<'f>(tx: &mut JobTx, files: &[(Maker, &'f str)]) -> anyhow::Result<Vec<(Maker, &'f str)>> {
    let (mut of_images, mut of_rows, mut of_uploads) = (Vec::new(), Vec::new(), Vec::new());
    for (maker, key) in files {
        match maker {
            Maker::Image(id) => of_images.push((*id, *key)),
            Maker::Row(_, id) => of_rows.push(*id),
            Maker::Upload => of_uploads.push(*key),
        }
    }
    let of_rows = without_file(tx, &of_rows).await?;
    let of_images = images::store::without_image(tx, &of_images).await?;
    let of_uploads = images::store::without_upload(tx, &of_uploads).await?;
    let gone = files.iter().filter(|(maker, key)| match maker {
        Maker::Image(_) => of_images.iter().any(|gone| gone == key),
        Maker::Row(_, id) => of_rows.contains(id),
        Maker::Upload => of_uploads.iter().any(|gone| gone == key),
    });
    Ok(gone.copied().collect())
}

#[cfg(test)]
mod tests;
