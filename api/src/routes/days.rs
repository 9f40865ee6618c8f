//! Periods of whole days, as organisations count them.

use chrono::NaiveDate;
use chrono_tz::Tz;
use market::identity::store as identity;
use market::reports::rules::{Period, PeriodError};
use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::error::{Problem, Result};

/// The longest period of one answer; a report covers more.
const MAX_DAYS: i64 = 366;

/// The organisation's time zone.
pub(super) async fn zone(conn: &mut PgConnection, org: OrgId) -> Result<Tz> {
    let zone = identity::org(conn, org).await?.ok_or(Problem::not_found("organisation"))?.time_zone;
    zone.parse().map_err(|_| Problem::internal(anyhow::anyhow!("no time zone: {zone}")))
}

/// The days from `first_day` to `last_day` in the organisation's time zone, which a query has asked for.
pub(super) async fn period(
    conn: &mut PgConnection,
    org: OrgId,
    first_day: NaiveDate,
    last_day: NaiveDate,
) -> Result<Period> {
    let zone = zone(conn, org).await?;
    if last_day.signed_duration_since(first_day).num_days() >= MAX_DAYS {
        return Err(period_problem(PeriodError::TooLong));
    }
    Period::new(first_day, last_day, zone).map_err(period_problem)
}

fn period_problem(error: PeriodError) -> Problem {
    let detail = match error {
        PeriodError::TooLong => format!("at most {MAX_DAYS} days"),
        error => error.to_string(),
    };
    Problem::unprocessable("period_invalid", detail.clone()).parameter("last_day", detail)
}
