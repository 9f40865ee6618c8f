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

/// Organisations looked at together, in one transaction.
const PAGE: i64 = 500;

impl Handler<Services> for ScheduleDailyReports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // The database's clock decides which days have ended, whatever this machine believes.
        let now: DateTime<Utc> = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#)
            .fetch_one(&mut *cx.db().acquire().await?)
            .await?;
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

/// The day whose report is to be requested: the last one that has ended, when the organisation existed on it and has no report
/// of it yet. Days that were missed while nothing ran at all are not made up: owners can ask for them.
fn due(seller: &Seller, now: DateTime<Utc>) -> Option<Period> {
    // The API lets no unknown zone in; one that a newer time zone database dropped is read as UTC.
    let zone = seller.zone.parse().unwrap_or(Tz::UTC);
    let period = Period::day_before(now, zone).ok()?;
    let known = seller.created_at < period.ends_at();
    let made = seller.last_day.is_some_and(|day| day >= period.last_day());
    (known && !made).then_some(period)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    #[test]
    fn a_day_is_due_once_and_only_when_it_has_ended() {
        let seller = |zone: &str, last_day: Option<(i32, u32, u32)>| Seller {
            org: OrgId::generate(),
            zone: zone.to_owned(),
            created_at: "2026-11-18T12:00:00Z".parse().unwrap(),
            last_day: last_day.map(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d).unwrap()),
        };
        let day = |seller: &Seller, now: &str| due(seller, now.parse().unwrap()).map(|it| it.first_day().to_string());
        let berlin = seller("Europe/Berlin", Some((2026, 11, 18)));
        assert_eq!(day(&berlin, "2026-11-19T22:59:59Z"), None, "the 19th has a second to go");
        assert_eq!(day(&berlin, "2026-11-19T23:00:00Z").as_deref(), Some("2026-11-19"));
        let told = seller("Europe/Berlin", Some((2026, 11, 19)));
        assert_eq!(day(&told, "2026-11-19T23:00:00Z"), None);
        let fresh = seller("Asia/Kolkata", None);
        assert_eq!(day(&fresh, "2026-11-18T18:00:00Z"), None, "it did not exist on the 17th");
        assert_eq!(day(&fresh, "2026-11-18T18:30:00Z").as_deref(), Some("2026-11-18"));
        assert_eq!(day(&seller("Mars/Olympus", None), "2026-11-20T00:00:00Z").as_deref(), Some("2026-11-19"));
    }
}
