use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use jobs::emails::post;
use jobs::reports::GenerateReport;
use market::emails::model::{Content, NewEmail, Recipient, ReportReady};
use market::reports::model::{Report, Scope};
use market::reports::store::{self, Finished, ReportError};
use market::reports::table::{Row, Section};
use queue::{Handler, JobTx, NotWanted, Outcome};
use serde_json::json;
use shared::money::{Money, MoneyError};
use sqlx::{Connection as _, PgConnection};

use super::writer::{self, Head, Source, Unwritable, Written};
use crate::{Cx, Services};

/// How long a file is kept.
const KEEP_DAYS: i32 = 30;
/// How often the progress is reported.
const TICK: Duration = Duration::from_millis(250);
/// When a report looks again whether the replica has caught up.
const REPLICA_WAIT: Duration = Duration::from_secs(1);
/// The share of the work, in percent, that is done when the last row is in the file; the rest is the upload.
const ROWS_PERCENT: u64 = 90;

impl Handler<Services> for GenerateReport {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let report = match store::get(&mut conn, self.report).await {
            Ok(report) => report,
            Err(ReportError::NotFound(_)) => return Ok(Outcome::Cancel("the report is gone".to_owned())),
            Err(error) => return Err(error.into()),
        };
        match store::begin(&mut conn, report.id).await {
            Ok(()) => {}
            Err(ReportError::NotOpen(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        }
        drop(conn);

        let error = match make(cx, &report).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        if let Some(unwritable) = error.downcast_ref::<Unwritable>() {
            fail(cx, &report, &unwritable.to_string()).await?;
            return Ok(Outcome::Dead(unwritable.to_string()));
        }
        if u32::try_from(cx.attempt()).is_ok_and(|attempt| attempt >= Self::MAX_ATTEMPTS) {
            fail(cx, &report, store::GIVEN_UP).await?;
        }
        Err(error)
    }
}

async fn fail(cx: &Cx, report: &Report, reason: &str) -> anyhow::Result<()> {
    match store::fail(&mut *cx.db().acquire().await?, report.id, reason).await {
        Ok(()) | Err(ReportError::NotOpen(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn make(cx: &Cx, report: &Report) -> anyhow::Result<Outcome> {
    let Some(written) = write(cx, report).await? else {
        return Ok(Outcome::Snooze(REPLICA_WAIT));
    };
    cx.progress(90, "uploading").await?;
    let key = Report::key(report.id, report.format);
    let file = written.open().await?;
    let bytes = cx.blobs.put_stream(&key, report.format.content_type(), file).await?;

    let result = json!({ "report": report.id, "object_key": key, "bytes": bytes, "rows": written.rows, "totals": totals(&written) });
    // The file is there: a database that cannot commit now must not cost the whole work once more.
    let (key, written) = (&key, &written);
    let recorded = cx.commit_after_effect(Some(result), |mut tx| async move {
        let finished = Finished { object_key: key, rows: written.rows, sums: &written.sums, keep_days: KEEP_DAYS };
        match store::finish(&mut tx, report.id, finished).await {
            Ok(_) => {}
            Err(ReportError::NotOpen(_)) => return Err(NotWanted.into()),
            Err(error) => return Err(error.into()),
        }
        tell(&mut tx, report, written).await?;
        Ok(tx)
    });
    match recorded.await {
        // Another run has finished it, with the same file.
        Err(error) if error.is::<NotWanted>() => Ok(Outcome::Done),
        recorded => recorded,
    }
}

/// The rows of a report as its definition reads them.
struct Statements<'c> {
    conn: &'c mut PgConnection,
    report: &'c Report,
    scope: Scope,
}

impl Source for Statements<'_> {
    fn rows(&mut self, section: &Section) -> BoxStream<'_, anyhow::Result<Row>> {
        let rows = (self.report.kind.definition().rows)(self.conn, &self.scope, section.name);
        rows.map(|row| match row {
            Err(ReportError::Money(MoneyError::Overflow)) => Err(Unwritable::Overflow.into()),
            row => Ok(row?),
        })
        .boxed()
    }
}

/// Writes the file from one snapshot, so that rows and sums agree: of the replica where there is one, so that the queue's dead rows are
/// not kept for as long as it takes. `None`: the replica does not have everything yet that was there when the report was asked for.
async fn write(cx: &Cx, report: &Report) -> anyhow::Result<Option<Written>> {
    let Some(replica) = &cx.replica else {
        let mut tx = cx.db().begin().await?;
        return write_from(cx, &mut tx, report).await.map(Some);
    };
    let mut conn = replica.acquire().await.context("connect to the replica")?;
    if !store::has_all_until(&mut conn, report.created_at).await? {
        return Ok(None);
    }
    let mut tx = conn.begin().await.context("begin on the replica")?;
    write_from(cx, &mut tx, report).await.map(Some)
}

/// Writes the file from a transaction that has just begun.
async fn write_from(cx: &Cx, conn: &mut PgConnection, report: &Report) -> anyhow::Result<Written> {
    shared::db::hold_snapshot(conn).await?;
    let (definition, scope) = (report.kind.definition(), report.scope());
    let expected = (definition.expected)(conn, &scope).await?;
    if let Some(expected) = expected {
        cx.log(format!("{expected} rows"));
    }
    let done = Arc::new(AtomicU64::new(0));
    let head = Head {
        kind: report.kind,
        org_name: report.org_name.clone(),
        period: report.period,
        parameters: report.parameters,
        sections: (definition.sections)(&scope),
        asked_at: report.created_at,
    };
    let mut source = Statements { conn, report, scope };
    let mut writing = std::pin::pin!(writer::write(&mut source, head, report.format, Arc::clone(&done), &cx.fonts));
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            written = &mut writing => return written.context("write the rows"),
            _ = tick.tick() => {
                let done = done.load(Ordering::Relaxed);
                let (percent, text) = progress(done, expected);
                cx.progress(percent, &text).await?;
            }
        }
    }
}

/// How far the rows are. Where nobody has counted them, only that they are being written.
fn progress(done: u64, expected: Option<i64>) -> (u8, String) {
    let Some(expected) = expected else { return (0, format!("{done} rows")) };
    let expected = expected.unsigned_abs().max(done);
    let percent = (done * ROWS_PERCENT).checked_div(expected).unwrap_or(0);
    (u8::try_from(percent).unwrap_or(90), format!("{done} of {expected} rows"))
}

/// The sums of the first column of amounts, one for each currency: what people are told in a line.
fn totals(written: &Written) -> Vec<Money> {
    let first = written.sums.first();
    let same = written
        .sums
        .iter()
        .filter(|sum| first.is_some_and(|first| (&sum.section, &sum.column) == (&first.section, &first.column)));
    same.map(|sum| sum.amount).collect()
}

/// Posts the mail to whoever asked for the report. A scheduled one goes to the owners, unless
/// there is nothing in it.
async fn tell(tx: &mut JobTx, report: &Report, written: &Written) -> anyhow::Result<()> {
    let readers = match report.requested_by {
        Some(user) => vec![user],
        None if written.rows == 0 => vec![],
        None => store::owners(tx, report.org).await?,
    };
    let content = Content::ReportReady(ReportReady {
        report: report.id,
        kind: report.kind,
        org_name: report.org_name.clone(),
        first_day: report.period.first_day(),
        last_day: report.period.last_day(),
        zone: report.period.zone(),
        format: report.format.name().to_owned(),
        rows: written.rows,
        totals: totals(written),
    });
    for user in readers {
        let mail =
            NewEmail { recipient: Recipient::User(user), reference: report.id.to_string(), content: content.clone() };
        post(tx, &mail).await?;
    }
    Ok(())
}
