//! What operators do to schedules.

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{ScheduleError, ScheduleView, Times, get};
use crate::enqueue::Enqueued;
use crate::job::Undecodable;
use crate::ops::{Actor, name_of, record};
use crate::registry::Registry;
use crate::schedule::ZoneName;

/// A change of a schedule's times; what is `None` stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub expression: Option<String>,
    #[schema(value_type = Option<ZoneName>)]
    pub zone: Option<String>,
    /// `skip`, `fire_once` or `fire_each:N`.
    #[schema(pattern = "^(skip|fire_once|fire_each:[0-9]+)$")]
    pub misfire: Option<String>,
}

/// A schedule that is added at run time.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    #[schema(pattern = "^[a-z0-9_.-]{1,80}$")]
    pub name: String,
    /// Of the job to enqueue.
    pub kind: String,
    /// What the job's contract reads.
    #[serde(default = "no_fields")]
    #[schema(value_type = Object)]
    pub payload: Value,
    pub expression: String,
    #[serde(default = "utc")]
    #[schema(value_type = ZoneName)]
    pub zone: String,
    #[serde(default = "fire_once")]
    #[schema(pattern = "^(skip|fire_once|fire_each:[0-9]+)$")]
    pub misfire: String,
}

fn no_fields() -> Value {
    Value::Object(serde_json::Map::new())
}

fn utc() -> String {
    "UTC".to_owned()
}

fn fire_once() -> String {
    super::Misfire::FireOnce.to_string()
}

/// A schedule, locked against changes until the transaction ends.
pub async fn lock(conn: &mut PgConnection, name: &str) -> Result<ScheduleView, ScheduleError> {
    // In a statement of its own: the next one sees what those that it waited for have changed.
    sqlx::query!("SELECT FROM schedules WHERE name = $1 FOR NO KEY UPDATE", name).fetch_optional(&mut *conn).await?;
    get(conn, name).await
}

/// Overrides a schedule's times. It goes on from now by the new ones: times that they name in the past do not fire.
///
/// What equals the declaration is not an override.
pub async fn edit(
    conn: &mut PgConnection,
    name: &str,
    edit: Edit,
    actor: Actor,
) -> Result<ScheduleView, ScheduleError> {
    if edit.expression.is_none() && edit.zone.is_none() && edit.misfire.is_none() {
        return Err(ScheduleError::NothingToChange);
    }
    let mut tx = conn.begin().await?;
    let old = lock(&mut tx, name).await?;
    let new = Times {
        expression: edit.expression.unwrap_or_else(|| old.times.expression.clone()),
        zone: edit.zone.unwrap_or_else(|| old.times.zone.clone()),
        misfire: edit.misfire.unwrap_or_else(|| old.times.misfire.clone()),
    };
    let new = new.tidy()?;
    let changed = sqlx::query!(
        r#"
        UPDATE schedules
        SET override_expression = CASE WHEN origin = 'declared' THEN nullif($2, expression) END,
            override_zone = CASE WHEN origin = 'declared' THEN nullif($3, zone) END,
            override_misfire = CASE WHEN origin = 'declared' THEN nullif($4, misfire) END,
            expression = CASE WHEN origin = 'added' THEN $2 ELSE expression END,
            zone = CASE WHEN origin = 'added' THEN $3 ELSE zone END,
            misfire = CASE WHEN origin = 'added' THEN $4 ELSE misfire END,
            decided_until = CASE
                WHEN (coalesce(override_expression, expression), coalesce(override_zone, zone)) = ($2, $3)
                THEN decided_until
                ELSE clock_timestamp()
            END,
            problem = NULL,
            changed_at = clock_timestamp(),
            changed_by = $5
        WHERE name = $1
        "#,
        name,
        new.expression,
        new.zone,
        new.misfire,
        name_of(actor),
    )
    .execute(&mut *tx)
    .await?;
    found(changed.rows_affected(), name)?;
    let view = get(&mut tx, name).await?;
    record(&mut tx, actor, "schedule.change", ("schedule", name), json!({"times": view.times})).await?;
    tx.commit().await?;
    Ok(view)
}

/// Takes every override back: the schedule goes on from now as declared.
pub async fn reset(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<ScheduleView, ScheduleError> {
    let mut tx = conn.begin().await?;
    let changed = sqlx::query!(
        r#"
        UPDATE schedules
        SET override_expression = NULL,
            override_zone = NULL,
            override_misfire = NULL,
            decided_until = CASE
                WHEN override_expression IS NULL AND override_zone IS NULL THEN decided_until
                ELSE clock_timestamp()
            END,
            problem = NULL,
            changed_at = clock_timestamp(),
            changed_by = $2
        WHERE name = $1
        "#,
        name,
        name_of(actor),
    )
    .execute(&mut *tx)
    .await?;
    found(changed.rows_affected(), name)?;
    let view = get(&mut tx, name).await?;
    record(&mut tx, actor, "schedule.reset", ("schedule", name), json!({})).await?;
    tx.commit().await?;
    Ok(view)
}

/// Stops a schedule from firing. Pausing what is paused changes nothing.
pub async fn pause(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<ScheduleView, ScheduleError> {
    set_paused(conn, name, true, actor).await
}

/// Lets a schedule fire again, from now: times that passed during the pause do not fire.
pub async fn resume(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<ScheduleView, ScheduleError> {
    set_paused(conn, name, false, actor).await
}

async fn set_paused(
    conn: &mut PgConnection,
    name: &str,
    paused: bool,
    actor: Actor,
) -> Result<ScheduleView, ScheduleError> {
    let mut tx = conn.begin().await?;
    let changed = sqlx::query!(
        r#"
        UPDATE schedules
        SET paused = $2,
            decided_until = CASE WHEN paused AND NOT $2 THEN clock_timestamp() ELSE decided_until END,
            changed_at = CASE WHEN paused = $2 THEN changed_at ELSE clock_timestamp() END,
            changed_by = CASE WHEN paused = $2 THEN changed_by ELSE $3 END
        WHERE name = $1
        "#,
        name,
        paused,
        name_of(actor),
    )
    .execute(&mut *tx)
    .await?;
    found(changed.rows_affected(), name)?;
    let view = get(&mut tx, name).await?;
    let action = if paused { "schedule.pause" } else { "schedule.resume" };
    record(&mut tx, actor, action, ("schedule", name), json!({})).await?;
    tx.commit().await?;
    Ok(view)
}

/// Adds a schedule of any kind that this program knows.
pub async fn add(
    conn: &mut PgConnection,
    registry: &Registry,
    new: NewSchedule,
    actor: Actor,
) -> Result<ScheduleView, ScheduleError> {
    let NewSchedule { name, kind, payload, expression, zone, misfire } = new;
    let info = registry.get(&kind).ok_or(ScheduleError::UnknownKind(kind))?;
    // Only to check the payload.
    let _ = info.enqueue(payload.clone())?;
    let times = Times { expression, zone, misfire }.tidy()?;
    let mut tx = conn.begin().await?;
    sqlx::query!(
        r#"
        INSERT INTO schedules (name, origin, kind, payload, expression, zone, misfire, decided_until, changed_by)
        VALUES ($1, 'added', $2, $3, $4, $5, $6, clock_timestamp(), $7)
        "#,
        name,
        info.kind.name,
        payload,
        times.expression,
        times.zone,
        times.misfire,
        name_of(actor),
    )
    .execute(&mut *tx)
    .await
    .map_err(|error| match error.as_database_error().and_then(|error| error.constraint()) {
        Some("schedules_pkey") => ScheduleError::Taken(name.clone()),
        Some("schedules_payload_object") => ScheduleError::Payload(Undecodable {
            version: info.version,
            problem: "the payload of a schedule is an object".to_owned(),
        }),
        Some("schedules_name_check") => ScheduleError::Name(name.chars().take(100).collect()),
        _ => error.into(),
    })?;
    let view = get(&mut tx, &name).await?;
    let data = json!({"kind": view.kind, "times": view.times});
    record(&mut tx, actor, "schedule.add", ("schedule", &name), data).await?;
    tx.commit().await?;
    Ok(view)
}

/// Removes a schedule that was added at run time, or one that is retired.
pub async fn remove(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<(), ScheduleError> {
    let mut tx = conn.begin().await?;
    let removed = sqlx::query!(
        r#"
        DELETE FROM schedules
        WHERE name = $1
          AND (origin = 'added' OR retired_at IS NOT NULL)
        "#,
        name,
    )
    .execute(&mut *tx)
    .await?;
    if removed.rows_affected() == 1 {
        record(&mut tx, actor, "schedule.remove", ("schedule", name), json!({})).await?;
        tx.commit().await?;
        return Ok(());
    }
    get(&mut tx, name).await?;
    Err(ScheduleError::Declared(name.to_owned()))
}

/// Enqueues the schedule's job at once, also when it is paused. It is not a tick: the next fire time stays.
///
/// A job that is already open under the same unique key is returned as it is.
pub async fn run_now(
    conn: &mut PgConnection,
    registry: &Registry,
    name: &str,
    actor: Actor,
) -> Result<Enqueued, ScheduleError> {
    let mut tx = conn.begin().await?;
    let schedule = get(&mut tx, name).await?;
    if schedule.retired_at.is_some() {
        return Err(ScheduleError::Retired(name.to_owned()));
    }
    let info = registry.get(&schedule.kind).ok_or(ScheduleError::UnknownKind(schedule.kind))?;
    let enqueued = Enqueued::or_existing(info.enqueue(schedule.payload)?.insert(&mut tx).await)?;
    record(&mut tx, actor, "schedule.run_now", ("schedule", name), json!({"job": enqueued.id()})).await?;
    tx.commit().await?;
    Ok(enqueued)
}

fn found(rows: u64, name: &str) -> Result<(), ScheduleError> {
    if rows == 1 { Ok(()) } else { Err(ScheduleError::Unknown(name.to_owned())) }
}
