//! The schedules' rows: what operators see and set, what the code declares, and the ticks that were fired.
//!
//! [`list`], [`get`], [`edit`], [`pause`], [`resume`], [`reset`], [`add`], [`remove`] and [`run_now`] serve the API and the
//! command line; [`declare`], [`due`] and [`fire`] serve the scheduler.

mod declare;
mod edit;
mod fire;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use super::{Expression, ExpressionError, Misfire, Timetable, UnknownMisfire, UnknownZone, ZoneName, parse_zone};
use crate::enqueue::EnqueueError;
use crate::job::Undecodable;

pub use declare::{Declaration, Declarations, Faults, RETIRED_AFTER, declare};
pub use edit::{Edit, NewSchedule, add, edit, lock, pause, remove, reset, resume, run_now};
pub use fire::{Due, Fired, Outcome, due, fire, fire_time, forget_ticks, now};

/// How many fire times a view shows in advance.
pub const NEXT: usize = 5;

/// A schedule as operators see it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ScheduleView {
    pub name: String,
    /// Of the job that it enqueues.
    pub kind: String,
    pub payload: Value,
    /// What counts: the override, or else what is declared.
    #[serde(flatten)]
    pub times: Times,
    /// What the code declares; `None` for a schedule that was added at run time.
    pub declared: Option<Times>,
    /// An operator set other times than the code declares.
    pub overridden: bool,
    pub paused: bool,
    /// Since when no running program declares it any more. It does not fire.
    pub retired_at: Option<DateTime<Utc>>,
    /// The newest fire time that was fired.
    pub last_fire_at: Option<DateTime<Utc>>,
    /// The job that it enqueued.
    #[schema(value_type = Option<i64>)]
    pub last_job: Option<JobId>,
    /// The next five fire times. Empty when it is paused or retired, or has none left.
    pub next: Vec<DateTime<Utc>>,
    /// Why it cannot fire, or why its last tick could not be fired.
    pub problem: Option<String>,
    pub changed_at: DateTime<Utc>,
    /// `code` for what a deploy changed, else who.
    pub changed_by: String,
}

/// When a schedule fires, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Times {
    /// See the syntax of `Expression`.
    pub expression: String,
    #[schema(value_type = ZoneName)]
    pub zone: String,
    /// `skip`, `fire_once` or `fire_each:N`.
    pub misfire: String,
}

impl Times {
    /// Checks the three texts.
    pub fn read(&self) -> Result<(Timetable, Misfire), TimesError> {
        let expression = Expression::parse(&self.expression)?;
        let zone = parse_zone(&self.zone)?;
        Ok((Timetable::new(expression, zone), self.misfire.parse()?))
    }

    /// The same times in one form: single spaces, the zone's own spelling.
    fn tidy(self) -> Result<Self, TimesError> {
        let (timetable, misfire) = self.read()?;
        Ok(Self {
            expression: timetable.expression().to_string(),
            zone: timetable.zone().name().to_owned(),
            misfire: misfire.to_string(),
        })
    }
}

/// Which of the texts is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimesError {
    #[error("expression: {0}")]
    Expression(#[from] ExpressionError),
    #[error("zone: {0}")]
    Zone(#[from] UnknownZone),
    #[error("misfire: {0}")]
    Misfire(#[from] UnknownMisfire),
}

/// Why a request about a schedule was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("there is no schedule {0:?}")]
    Unknown(String),
    #[error("there is a schedule {0:?} already")]
    Taken(String),
    #[error("{0:?} is not a name: up to 80 of a-z, 0-9, '.', '_' and '-'")]
    Name(String),
    #[error(transparent)]
    Times(#[from] TimesError),
    #[error("the change names neither expression, zone nor misfire")]
    NothingToChange,
    #[error("this program does not know the kind {0:?}")]
    UnknownKind(String),
    #[error(transparent)]
    Payload(#[from] Undecodable),
    #[error("the schedule {0:?} is declared in code: pause it instead, or remove it there")]
    Declared(String),
    #[error("the schedule {0:?} is retired: no running program declares it")]
    Retired(String),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Lists all schedules, retired ones as well, by name.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<ScheduleView>, sqlx::Error> {
    views(conn, None).await
}

/// Shows one schedule.
pub async fn get(conn: &mut PgConnection, name: &str) -> Result<ScheduleView, ScheduleError> {
    let found = views(conn, Some(name)).await?.pop();
    found.ok_or_else(|| ScheduleError::Unknown(name.to_owned()))
}

async fn views(conn: &mut PgConnection, only: Option<&str>) -> Result<Vec<ScheduleView>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT name, origin, kind, payload, expression, zone, misfire, override_expression, override_zone,
               override_misfire, paused, retired_at, last_fire_at, last_job, problem, changed_at, changed_by,
               clock_timestamp() AS "now!"
        FROM schedules
        WHERE $1::text IS NULL OR name = $1
        ORDER BY name
        "#,
        only,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScheduleView::from).collect())
}

struct Row {
    name: String,
    origin: String,
    kind: String,
    payload: Value,
    expression: String,
    zone: String,
    misfire: String,
    override_expression: Option<String>,
    override_zone: Option<String>,
    override_misfire: Option<String>,
    paused: bool,
    retired_at: Option<DateTime<Utc>>,
    last_fire_at: Option<DateTime<Utc>>,
    last_job: Option<i64>,
    problem: Option<String>,
    changed_at: DateTime<Utc>,
    changed_by: String,
    now: DateTime<Utc>,
}

impl From<Row> for ScheduleView {
    fn from(row: Row) -> Self {
        let overridden =
            row.override_expression.is_some() || row.override_zone.is_some() || row.override_misfire.is_some();
        let declared = Times { expression: row.expression, zone: row.zone, misfire: row.misfire };
        let times = Times {
            expression: row.override_expression.unwrap_or_else(|| declared.expression.clone()),
            zone: row.override_zone.unwrap_or_else(|| declared.zone.clone()),
            misfire: row.override_misfire.unwrap_or_else(|| declared.misfire.clone()),
        };
        let read = times.read();
        let next = match &read {
            Ok((timetable, _)) if !row.paused && row.retired_at.is_none() => {
                timetable.upcoming(row.now).take(NEXT).collect()
            }
            _ => Vec::new(),
        };
        Self {
            name: row.name,
            kind: row.kind,
            payload: row.payload,
            times,
            declared: (row.origin == "declared").then_some(declared),
            overridden,
            paused: row.paused,
            retired_at: row.retired_at,
            last_fire_at: row.last_fire_at,
            last_job: row.last_job.map(JobId),
            next,
            problem: read.err().map(|error| error.to_string()).or(row.problem),
            changed_at: row.changed_at,
            changed_by: row.changed_by,
        }
    }
}

#[cfg(test)]
mod tests;
