//! What the schedules of reports have in common: a report of each period, once for each organisation, in its own time zone.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use jobs::reports::request;
use market::reports::model::{Format, Kind, NewReport, Parameters};
use market::reports::rules::{Cadence, Period};
use market::reports::store::{self, Due};
use queue::{JobTx, Outcome};
use serde_json::json;
use shared::ids::OrgId;

use crate::Cx;

/// How many organisations are looked at together, in one transaction.
const PAGE: i64 = 500;

/// Requests the report of the last period that has ended, for every organisation that has none of it yet.
pub(super) async fn request_due(cx: &Cx, kind: Kind, cadence: Cadence) -> anyhow::Result<Outcome> {
    // The database's clock decides which periods have ended, whatever this machine believes.
    let now = store::now(&mut *cx.db().acquire().await?).await?;
    let mut requested = 0;
    let mut after = OrgId(uuid::Uuid::nil());
    loop {
        let mut tx = cx.begin().await?;
        let Some((last, some)) = request_page(&mut tx, kind, cadence, now, after).await? else {
            return Ok(Outcome::DoneWith(json!({ "requested": requested })));
        };
        tx.commit().await?;
        after = last;
        requested += some;
    }
}

/// Requests what is due of the organisations that follow `after`; returns the last of them, and how many reports. `None`: none follows.
async fn request_page(
    tx: &mut JobTx,
    kind: Kind,
    cadence: Cadence,
    now: DateTime<Utc>,
    after: OrgId,
) -> anyhow::Result<Option<(OrgId, u32)>> {
    let page = store::approved(tx, kind, after, PAGE).await?;
    let Some(last) = page.last() else { return Ok(None) };
    let mut requested = 0;
    for org in &page {
        if let Some(period) = due(org, cadence, now) {
            let report = NewReport {
                org: org.org,
                requested_by: None,
                subscription: None,
                kind,
                format: Format::Xlsx,
                period,
                parameters: Parameters::default(),
            };
            requested += u32::from(request(tx, &report).await?.is_some());
        }
    }
    Ok(Some((last.org, requested)))
}

/// The period whose report is to be requested: the last one that has ended, if the organisation
/// existed then and has no report of it yet. Periods missed while nothing ran at all are not made up
/// for: owners can ask for them.
fn due(org: &Due, cadence: Cadence, now: DateTime<Utc>) -> Option<Period> {
    // The API refuses unknown zones; one that a newer time zone database has dropped is read as
    // UTC.
    let zone = org.zone.parse().unwrap_or(Tz::UTC);
    let period = cadence.due(now, zone).ok()?;
    let known = org.created_at < period.ends_at();
    let made = org.last_day.is_some_and(|day| day >= period.last_day());
    (known && !made).then_some(period)
}

#[cfg(test)]
mod tests;
