//! Firing: a tick and its job in one transaction.
//!
//! # How to get this wrong
//! - Deciding by what was read before the row was locked: another scheduler may have fired meanwhile. [`fire`] reads again.
//! - Taking the lock of the row for the proof. It only saves work; the primary key of `schedule_ticks` is what makes a tick
//!   fire once, also when a clock went back or a row was restored from a backup.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;

use super::Times;
use crate::enqueue::{Enqueue, EnqueueError, Enqueued};
use crate::ledger::insert::checked_payload;
use crate::ledger::{JobTx, Ledger};
use crate::registry::Registry;

/// A schedule that has something to decide, or when it will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub name: String,
    /// The first fire time that is not decided yet; `None` when there is none left, or the times cannot be read.
    pub at: Option<DateTime<Utc>>,
    /// Why the times cannot be read.
    pub problem: Option<String>,
}

/// What one look at a schedule did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub fired: Vec<Fired>,
    /// The schedule was moved on, so its next time is another one now.
    pub decided: bool,
    /// Missed times were passed over by the misfire policy.
    pub skipped: bool,
    /// Why due times could not be fired. They are passed over: the same payload would fail again.
    pub problem: Option<String>,
}

/// A tick that this call fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    pub fire_at: DateTime<Utc>,
    pub job: JobId,
    /// How much later than its time it was fired.
    pub late: TimeDelta,
}

/// The database's clock. `skew` is zero but in tests, which turn the clock with it.
pub async fn now(conn: &mut PgConnection, skew: TimeDelta) -> Result<DateTime<Utc>, sqlx::Error> {
    Ok(crate::ops::now(conn).await? + skew)
}

/// Every schedule that may fire, with its next time as seen at `now`.
pub async fn due(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT name, decided_until,
               coalesce(override_expression, expression) AS "expression!",
               coalesce(override_zone, zone) AS "zone!",
               coalesce(override_misfire, misfire) AS "misfire!"
        FROM schedules
        WHERE NOT paused
          AND retired_at IS NULL
        ORDER BY name
        "#,
    )
    .fetch_all(conn)
    .await?;
    let due = rows.into_iter().map(|row| {
        let times = Times { expression: row.expression, zone: row.zone, misfire: row.misfire };
        match times.read() {
            // A clock that went back is something to decide at once.
            Ok(_) if row.decided_until > now => Due { name: row.name, at: Some(now), problem: None },
            Ok((timetable, _)) => Due { name: row.name, at: timetable.next_after(row.decided_until), problem: None },
            Err(error) => Due { name: row.name, at: None, problem: Some(error.to_string()) },
        }
    });
    Ok(due.collect())
}

/// Fires what is due of one schedule, in one transaction: ticks, jobs, and how far the schedule is decided.
///
/// Does nothing when another scheduler has the row at this moment, or has fired already, or when this program does not know
/// the kind (a newer one beside it does).
pub async fn fire(ledger: &Ledger, registry: &Registry, name: &str, skew: TimeDelta) -> Result<Outcome, EnqueueError> {
    let mut tx = ledger.begin().await?;
    let row = sqlx::query!(
        r#"
        SELECT kind, payload, decided_until,
               coalesce(override_expression, expression) AS "expression!",
               coalesce(override_zone, zone) AS "zone!",
               coalesce(override_misfire, misfire) AS "misfire!"
        FROM schedules
        WHERE name = $1
          AND NOT paused
          AND retired_at IS NULL
        FOR NO KEY UPDATE SKIP LOCKED
        "#,
        name,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let mut outcome = Outcome::default();
    let Some(row) = row else { return Ok(outcome) };
    let Some(info) = registry.get(&row.kind) else { return Ok(outcome) };
    let Ok((timetable, misfire)) = (Times { expression: row.expression, zone: row.zone, misfire: row.misfire }).read()
    else {
        return Ok(outcome);
    };
    // Read after the lock: the clock must not be older than what another scheduler has decided.
    let now = now(&mut tx, skew).await?;
    // A clock that went back makes times due again; those that were fired have their tick already.
    let last = row.decided_until.min(now);
    if timetable.interval().is_some_and(|interval| row.decided_until - now > interval) {
        fire_again(&mut tx, name, now).await?;
    }
    let chosen = misfire.choose(&timetable, last, now);
    outcome.skipped = chosen.skipped;
    let job = info.enqueue(row.payload).map_err(|error| error.to_string());
    let job = job.and_then(|job| checked_payload(&job).map(|_| job).map_err(|error| error.to_string()));
    match job {
        Ok(job) => {
            for &fire_at in &chosen.fire {
                if let Some(job) = tick(&mut tx, name, fire_at, job.clone()).await? {
                    outcome.fired.push(Fired { fire_at, job, late: now - fire_at });
                }
            }
        }
        Err(problem) => outcome.problem = Some(problem),
    }
    let newest = outcome.fired.last();
    let decided = sqlx::query!(
        r#"
        UPDATE schedules
        SET decided_until = $2,
            last_fire_at = coalesce($3, last_fire_at),
            last_job = coalesce($4, last_job),
            problem = CASE WHEN $6 THEN $5 ELSE problem END
        WHERE name = $1
        "#,
        name,
        chosen.until.unwrap_or(last),
        newest.map(|fired| fired.fire_at),
        newest.map(|fired| fired.job.0),
        outcome.problem,
        !chosen.fire.is_empty(),
    )
    .execute(&mut *tx)
    .await?;
    if decided.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound.into());
    }
    tx.commit().await?;
    outcome.decided = true;
    Ok(outcome)
}

/// Forgets the ticks of an interval that are ahead of a clock that was set back: it fires on, once for each interval that passes, and
/// does not wait until the clock has caught up. Times of the calendar stay fired.
async fn fire_again(tx: &mut JobTx, name: &str, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM schedule_ticks WHERE schedule = $1 AND fire_at > $2", name, now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Inserts a tick with its job; `None` when the tick was fired before.
async fn tick(tx: &mut JobTx, name: &str, fire_at: DateTime<Utc>, job: Enqueue) -> Result<Option<JobId>, EnqueueError> {
    // The job's id is not known yet; the row is not seen by anybody before the commit.
    let inserted = sqlx::query!(
        r#"
        INSERT INTO schedule_ticks (schedule, fire_at, job)
        VALUES ($1, $2, 0)
        ON CONFLICT (schedule, fire_at) DO NOTHING
        "#,
        name,
        fire_at,
    )
    .execute(&mut **tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(None);
    }
    let job = match tx.enqueue_with(job).await {
        Ok(Enqueued::New(id) | Enqueued::Existing(id) | Enqueued::Replaced(id)) => id,
        // The last one is still open: this tick is done by it.
        Err(EnqueueError::Conflict { existing, .. }) => existing,
        Err(error) => return Err(error),
    };
    let named =
        sqlx::query!("UPDATE schedule_ticks SET job = $3 WHERE schedule = $1 AND fire_at = $2", name, fire_at, job.0,)
            .execute(&mut **tx)
            .await?;
    if named.rows_affected() == 1 { Ok(Some(job)) } else { Err(sqlx::Error::RowNotFound.into()) }
}

/// The fire time that a job was enqueued for, so that a daily job knows its day however late it runs. `None` when it was
/// not a schedule that enqueued it.
pub async fn fire_time(conn: &mut PgConnection, job: JobId) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT max(fire_at) FROM schedule_ticks WHERE job = $1"#, job.0).fetch_one(conn).await
}

/// Forgets the ticks that are older than `age`, those of schedules that no code declares as well; returns how many, at most
/// 1,000 of each schedule.
pub async fn forget_ticks(conn: &mut PgConnection, age: Duration) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query!(
        r#"
        DELETE FROM schedule_ticks AS tick
        USING schedules, LATERAL (
            SELECT fire_at
            FROM schedule_ticks
            WHERE schedule = schedules.name
              AND fire_at < clock_timestamp() - $1::double precision * interval '1 second'
            ORDER BY fire_at
            LIMIT 1000
        ) AS old
        WHERE tick.schedule = schedules.name
          AND tick.fire_at = old.fire_at
        "#,
        age.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}
