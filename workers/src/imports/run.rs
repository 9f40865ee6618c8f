//! What imports of every kind have in common.

use anyhow::Context as _;
use jobs::imports::mail;
use market::ids::ImportId;
use market::imports::model::{Import, MAX_BYTES};
use market::imports::rules::fields::{Columns, ReadRow};
use market::imports::rules::shape::{ReadError, Unreadable};
use market::imports::store::{self, Acting, Apply, ImportError};
use queue::Outcome;
use serde_json::json;
use shared::blobs::BlobError;

use super::chunks::{chunks, look_at};
use crate::Cx;
use crate::turn::Turn;

/// What people see of an import whose file has expired.
const EXPIRED: &str = "The file has expired: send it again.";
/// What people see when their organisation was suspended meanwhile.
const SUSPENDED: &str = "The organisation may not trade at present.";

/// Applies a file, in attempts that go on where the last one has ended; or only tries it, if that is all that was asked for.
pub(super) async fn run<R: Apply>(cx: &Cx, id: ImportId, max_attempts: u32, turn: Turn) -> anyhow::Result<Outcome> {
    let mut conn = cx.db().acquire().await?;
    let import = match store::get(&mut conn, id).await {
        Ok(import) => import,
        Err(ImportError::NotFound(_)) => return Ok(Outcome::Cancel("the import is gone".to_owned())),
        Err(error) => return Err(error.into()),
    };
    match store::begin(&mut conn, id).await {
        Ok(()) => {}
        Err(ImportError::NotOpen(_)) => return Ok(Outcome::Done),
        Err(error) => return Err(error.into()),
    }
    if !store::may_trade(&mut conn, import.org).await? {
        drop(conn);
        fail(cx, id, SUSPENDED).await?;
        return Ok(Outcome::Done);
    }
    drop(conn);
    let error = match from_file::<R>(cx, &import, turn).await {
        Ok(outcome) => return Ok(outcome),
        Err(error) => error,
    };
    // The file is wrong, not the job: whoever sent it is told, and nobody has to look at the job.
    if let Some(reason) = unreadable(&error) {
        fail(cx, id, &reason).await?;
        return Ok(Outcome::DoneWith(json!({ "import": id, "failure": reason })));
    }
    if u32::try_from(cx.attempt()).is_ok_and(|attempt| attempt >= max_attempts) {
        fail(cx, id, store::GIVEN_UP).await?;
    }
    Err(error)
}

/// Ends an import with what is wrong with it.
async fn fail(cx: &Cx, id: ImportId, reason: &str) -> anyhow::Result<()> {
    let mut tx = cx.begin().await?;
    store::fail(&mut tx, id, reason).await?;
    let import = store::get(&mut tx, id).await?;
    mail::ended(&mut tx, &import).await?;
    tx.commit().await?;
    Ok(())
}

/// What is wrong with the file as a whole, if that is why it cannot be applied.
fn unreadable(error: &anyhow::Error) -> Option<String> {
    if let Some(ReadError::Unreadable(why)) = error.downcast_ref() {
        return Some(why.to_string());
    }
    match error.downcast_ref() {
        Some(BlobError::NotFound { .. }) => Some(EXPIRED.to_owned()),
        Some(BlobError::TooLarge { .. }) => Some(Unreadable::TooLarge.to_string()),
        _ => None,
    }
}

async fn from_file<R: Apply>(cx: &Cx, import: &Import, turn: Turn) -> anyhow::Result<Outcome> {
    let Some(key) = &import.object_key else {
        return Err(BlobError::NotFound { key: import.id.to_string() }.into());
    };
    let (file, shape) = look_at(cx.blobs.to_file(key, MAX_BYTES).await?).await?;
    let shape = shape?;
    let columns = Columns::find::<R>(&shape, &import.terms).map_err(ReadError::from)?;
    let mut conn = cx.db().acquire().await?;
    store::set_shape(&mut conn, import.id, &shape).await?;
    let (after, done) = store::dealt_with(&mut conn, import.id).await?;
    drop(conn);

    let (mut done, expected) = (usize::try_from(done)?, shape.rows);
    let mut waiting = chunks(file, shape, u32::try_from(after)?);
    while let Some(rows) = waiting.recv().await {
        let rows: Vec<ReadRow<R>> = rows?.iter().map(|row| ReadRow::of(&columns, row)).collect();
        let mut tx = cx.begin().await?;
        let by = Acting::of(import);
        let (mut dealt_with, moved) = R::apply(&mut tx, by, &columns, &rows).await.context("apply rows")?;
        for level in &moved {
            jobs::stock::mail::moved(&mut tx, level).await.context("notify of stock that is low")?;
        }
        if import.terms.validate_only {
            // Nothing of it stays, nor what it enqueued: the rows are noted by a transaction of their own.
            tx.rollback().await.context("take tried rows back")?;
            for row in &mut dealt_with {
                row.listing = None;
            }
            tx = cx.begin().await?;
        }
        store::record(&mut tx, import.id, &dealt_with).await.context("note what became of rows")?;
        done += rows.len();
        let percent = u8::try_from(done * 100 / expected.max(1)).unwrap_or(100);
        // Refused when another attempt has taken the job over.
        cx.checkpoint(&mut tx, percent, &format!("{done} of {expected} rows"), &json!({ "rows": done })).await?;
        tx.commit().await?;
        if let Some(later) = turn.ends(cx)? {
            return Ok(later);
        }
    }
    let mut tx = cx.begin().await?;
    store::finish(&mut tx, import.id).await?;
    let ended = store::get(&mut tx, import.id).await?;
    mail::ended(&mut tx, &ended).await?;
    cx.commit_with(tx, json!({ "import": import.id, "rows": done, "counts": ended.counts })).await
}
