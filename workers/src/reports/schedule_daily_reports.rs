use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use jobs::reports::{ScheduleDailyReports, request};
use market::reports::model::{Format, Kind, NewReport};
use market::reports::rules::Period;
use market::reports::store::{self, Seller};
use queue::{Handler, Outcome};
use serde_json::json;
use shared::ids::OrgId;

use crate::{Cx, Services};

/// How many organisations are looked at together, in one transaction.
const PAGE: i64 = 500;

impl Handler<Services> for ScheduleDailyReports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // The database's clock decides which days have ended, whatever this machine believes.
        let now = store::now(&mut *cx.db().acquire().await?).await?;
        let mut requested = 0;
        let mut after = OrgId(uuid::Uuid::nil());
        loop {
            let mut tx = cx.begin().await?;
            let page = store::sellers(&mut tx, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(Outcome::DoneWith(json!({ "requested": requested })));
            };
            after = last.org;
            for seller in &page {
                if let Some(period) = due(seller, now) {
                    let report = NewReport {
                        org: seller.org,
                        requested_by: None,
                        kind: Kind::Sales,
                        format: Format::Xlsx,
                        period,
                    };
                    requested += u32::from(request(&mut tx, &report).await?.is_some());
                }
            }
            tx.commit().await?;
        }
    }
}

/// The day whose report is to be requested: the last one that has ended, if the organisation
/// existed then and has no report of it yet. Days missed while nothing ran at all are not made up
/// for: owners can ask for them.
fn due(seller: &Seller, now: DateTime<Utc>) -> Option<Period> {
    // The API refuses unknown zones; one that a newer time zone database has dropped is read as
    // UTC.
    let zone = seller.zone.parse().unwrap_or(Tz::UTC);
    let period = Period::day_before(now, zone).ok()?;
    let known = seller.created_at < period.ends_at();
    let made = seller.last_day.is_some_and(|day| day >= period.last_day());
    (known && !made).then_some(period)
}

#[cfg(test)]
mod tests;
