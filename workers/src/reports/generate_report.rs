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
use market::reports::rules::{Fall, Period, falls};
use market::reports::store::{self, Finished, ReportError};
use market::reports::table::{Row, Section, Sum};
use queue::{Handler, JobTx, NotWanted, Outcome};
use serde_json::json;
use shared::money::{Money, MoneyError};
use sqlx::{Connection as _, PgConnection};

use super::sums::Sums;
use super::writer::{self, Head, Source, Unwritable, Written};
use crate::upload::upload;
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
        // Whoever cancelled it has no report that failed.
        if !cx.is_cancelled() && u32::try_from(cx.attempt()).is_ok_and(|attempt| attempt >= Self::MAX_ATTEMPTS) {
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
    let threshold = match report.subscription {
        Some(subscription) => store::threshold(&mut *cx.db().acquire().await?, subscription).await?,
        None => None,
    };
    // Where no day was before this one, nothing fell.
    let before = threshold.and_then(|(cadence, _)| cadence.before(&report.period).ok());
    let Some((written, before)) = cx.unless_cancelled(Box::pin(write(cx, report, before))).await? else {
        return Ok(Outcome::Snooze(REPLICA_WAIT));
    };
    let now = first_sums(&written.sums);
    let falls = threshold.map(|(_, percent)| falls(&before, &now, percent));
    cx.progress(90, "uploading").await?;
    let key = Report::key(report.id, report.format);
    let file = written.open().await?;
    let bytes = upload(cx, &key, report.format.content_type(), file).await?;

    let result = json!({ "report": report.id, "object_key": key, "bytes": bytes, "rows": written.rows, "totals": now });
    // The file is there: a database that cannot commit now must not cost the whole work once more.
    let (key, written, falls) = (&key, &written, falls.as_deref());
    let recorded = cx.commit_after_effect(Some(result), |mut tx| async move {
        let finished = Finished { object_key: key, rows: written.rows, sums: &written.sums, keep_days: KEEP_DAYS };
        match store::finish(&mut tx, report.id, finished).await {
            Ok(_) => {}
            Err(ReportError::NotOpen(_)) => return Err(NotWanted.into()),
            Err(error) => return Err(error.into()),
        }
        tell(&mut tx, report, written, falls).await?;
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
///
/// With it come the first sums of the period `before`, by the same snapshot.
async fn write(cx: &Cx, report: &Report, before: Option<Period>) -> anyhow::Result<Option<(Written, Vec<Money>)>> {
    let Some(replica) = &cx.replica else {
        let mut tx = cx.db().begin().await?;
        return write_from(cx, &mut tx, report, before).await.map(Some);
    };
    let mut conn = replica.acquire().await.context("connect to the replica")?;
    if !store::has_all_until(&mut conn, report.created_at).await? {
        return Ok(None);
    }
    let mut tx = conn.begin().await.context("begin on the replica")?;
    write_from(cx, &mut tx, report, before).await.map(Some)
}

/// Writes the file from a transaction that has just begun.
async fn write_from(
    cx: &Cx,
    conn: &mut PgConnection,
    report: &Report,
    before: Option<Period>,
) -> anyhow::Result<(Written, Vec<Money>)> {
    store::begin_reading(conn).await?;
    let written = write_rows(cx, conn, report).await?;
    let before = match before {
        Some(period) => sums_of(conn, report, period).await.context("add up the period before")?,
        None => Vec::new(),
    };
    Ok((written, before))
}

/// The first sums that the report would have of another period.
async fn sums_of(conn: &mut PgConnection, report: &Report, period: Period) -> anyhow::Result<Vec<Money>> {
    let scope = Scope { period, ..report.scope() };
    let definition = report.kind.definition();
    let mut sums = Sums::default();
    for section in (definition.sections)(&scope) {
        let mut rows = (definition.rows)(conn, &scope, section.name);
        while let Some(row) = rows.next().await {
            sums.add(&section, &row?).map_err(|_| Unwritable::Overflow)?;
        }
        if !sums.end(&section).is_empty() {
            break;
        }
    }
    Ok(first_sums(&sums.done))
}

async fn write_rows(cx: &Cx, conn: &mut PgConnection, report: &Report) -> anyhow::Result<Written> {
    let (definition, scope) = (report.kind.definition(), report.scope());
    let expected = (definition.expected)(conn, &scope).await?;
    if let Some(expected) = expected {
        cx.log(format!("{expected} rows"));
    }
    let done = Arc::new(AtomicU64::new(0));
    let head = Head {
        kind: report.kind,
        org_name: report.org_name.clone(),
        locale: store::readers_locale(conn, report.org, report.requested_by).await?,
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
fn first_sums(sums: &[Sum]) -> Vec<Money> {
    let first = sums.first();
    let same = sums
        .iter()
        .filter(|sum| first.is_some_and(|first| (&sum.section, &sum.column) == (&first.section, &first.column)));
    same.map(|sum| sum.amount).collect()
}

/// Posts the mail to whoever asked for the report. A scheduled one goes to the owners, unless there is nothing in it; one of which somebody
/// wants to hear only when its sums fall is mailed only if they did.
async fn tell(tx: &mut JobTx, report: &Report, written: &Written, falls: Option<&[Fall]>) -> anyhow::Result<()> {
    if falls.is_some_and(<[Fall]>::is_empty) {
        return Ok(());
    }
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
        totals: first_sums(&written.sums),
        falls: falls.unwrap_or_default().to_vec(),
        regular: report.subscription.is_some() || report.requested_by.is_none(),
    });
    for user in readers {
        let mail =
            NewEmail { recipient: Recipient::User(user), reference: report.id.to_string(), content: content.clone() };
        post(tx, &mail).await?;
    }
    Ok(())
}
