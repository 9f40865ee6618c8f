use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use jobs::emails::post;
use jobs::exports::GenerateExport;
use market::emails::model::{Content, ExportReady, NewEmail, Recipient};
use market::exports::model::{Export, Kind, Scope};
use market::exports::parts::{Line, Part, Place};
use market::exports::store::{self, ExportError};
use queue::{Handler, JobTx, NotWanted, Outcome};
use serde_json::json;

use super::write::{self, BATCH, Source, Written};
use crate::upload::upload;
use crate::{Cx, Services};

/// How long a file is kept.
const KEEP_DAYS: i32 = 30;
/// How long a person's own data is kept: it is everything in one place.
const KEEP_OWN_DAYS: i32 = 7;
/// How often the progress is reported.
const TICK: Duration = Duration::from_millis(250);

impl Handler<Services> for GenerateExport {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let export = match store::get(&mut conn, self.export).await {
            Ok(export) => export,
            Err(ExportError::NotFound(_)) => return Ok(Outcome::Cancel("the export is gone".to_owned())),
            Err(error) => return Err(error.into()),
        };
        match store::begin(&mut conn, export.id).await {
            Ok(()) => {}
            // It is finished, or another one has taken its place.
            Err(ExportError::NotOpen(_) | ExportError::InProgress) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        }
        drop(conn);

        let error = match make(cx, &export).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        // Whoever cancelled it has no export that failed.
        if !cx.is_cancelled() && u32::try_from(cx.attempt()).is_ok_and(|attempt| attempt >= Self::MAX_ATTEMPTS) {
            match store::fail(&mut *cx.db().acquire().await?, export.id, store::GIVEN_UP).await {
                Ok(()) | Err(ExportError::NotOpen(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(error)
    }
}

async fn make(cx: &Cx, export: &Export) -> anyhow::Result<Outcome> {
    let written = cx.unless_cancelled(write_rows(cx, export)).await?;
    cx.progress(90, "uploading").await?;
    let key = export.key();
    let file = written.open().await?;
    let bytes = upload(cx, &key, export.format.content_type(), file).await?;

    let result = json!({ "export": export.id, "object_key": key, "bytes": bytes, "rows": written.rows });
    let keep_days = if export.kind == Kind::OwnData { KEEP_OWN_DAYS } else { KEEP_DAYS };
    // The file is there: a database that cannot commit now must not cost the whole work once more.
    let (key, rows) = (&key, written.rows);
    let recorded = cx.commit_after_effect(Some(result), |mut tx| async move {
        match store::finish(&mut tx, export.id, key, rows, keep_days).await {
            Ok(()) => {}
            Err(ExportError::NotOpen(_)) => return Err(NotWanted.into()),
            Err(error) => return Err(error.into()),
        }
        tell(&mut tx, export, rows).await?;
        Ok(tx)
    });
    match recorded.await {
        // Another run has finished it, with the same file.
        Err(error) if error.is::<NotWanted>() => Ok(Outcome::Done),
        recorded => recorded,
    }
}

/// The rows of an export as its parts read them, each batch with a connection of its own.
struct Statements<'a> {
    cx: &'a Cx,
    place: Place,
    scope: Scope,
}

impl Source for Statements<'_> {
    fn batch<'a>(&'a mut self, part: &'a Part, after: Option<&'a str>) -> BoxFuture<'a, anyhow::Result<Vec<Line>>> {
        Box::pin(async move {
            let limit = i64::try_from(BATCH)?;
            let lines = match self.place {
                Place::Market => (part.read)(&mut *self.cx.db().acquire().await?, &self.scope, after, limit).await,
                Place::Events => (part.read)(&mut *self.cx.events.acquire().await?, &self.scope, after, limit).await,
            };
            Ok(lines?)
        })
    }
}

async fn write_rows(cx: &Cx, export: &Export) -> anyhow::Result<Written> {
    let done = Arc::new(AtomicU64::new(0));
    let mut source = Statements { cx, place: export.kind.place(), scope: export.scope() };
    let written = write::write(&mut source, export.format, export.kind.parts(), Arc::clone(&done));
    let mut writing = std::pin::pin!(written);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            written = &mut writing => return written.context("write the rows"),
            // Nobody has counted them: that is as much work as reading them.
            _ = tick.tick() => cx.progress(0, &format!("{} rows", done.load(Ordering::Relaxed))).await?,
        }
    }
}

/// Posts the mail to whoever asked.
async fn tell(tx: &mut JobTx, export: &Export, rows: i64) -> anyhow::Result<()> {
    let content = Content::ExportReady(ExportReady {
        export: export.id,
        kind: export.kind,
        org_name: export.org_name.clone(),
        rows,
    });
    let recipient = Recipient::User(export.requested_by);
    post(tx, &NewEmail { recipient, reference: export.id.to_string(), content }).await?;
    Ok(())
}
