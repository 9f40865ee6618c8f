//! New rows.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::enqueue::{Due, Enqueue, EnqueueError, Enqueued, MAX_PAYLOAD_BYTES};
use crate::ticket::Ticket;
use crate::unique::OnConflict;

/// Inserts one job. With `fast` a job that is due at once becomes `queued`, and its ticket is returned for publishing.
pub(crate) async fn one(
    conn: &mut PgConnection,
    job: &Enqueue,
    fast: bool,
) -> Result<(Enqueued, Option<Ticket>), EnqueueError> {
    let payload = checked_payload(job)?;
    let (at, delay) = due(job);
    let key = unique_key(job);
    let period = job.unique.period.map(seconds);
    if let (Some(key), Some(_)) = (&key, period) {
        release_expired(conn, std::slice::from_ref(key)).await?;
    }
    // The holder of a key may finish between our insert and our look: then the key is free and we try again.
    for _ in 0..8 {
        let row = sqlx::query!(
            r#"
            INSERT INTO jobs (
                state, priority, version, epoch, queue, kind, tenant, payload,
                run_at, queued_at, parent, unique_key, unique_until, traceparent
            )
            SELECT
                CASE WHEN due.at > clock.now THEN 'scheduled' WHEN $13 THEN 'queued' ELSE 'available' END::job_state,
                $1, $2, CASE WHEN $13 AND due.at <= clock.now THEN 1 ELSE 0 END, $3, $4, $5, $6,
                due.at, CASE WHEN $13 AND due.at <= clock.now THEN clock.now END,
                $9, $10, clock.now + $11::double precision * interval '1 second', $12
            FROM
                -- Stable, unlike clock_timestamp(), so that the planner flattens it all into one row.
                (SELECT statement_timestamp() AS now) AS clock,
                LATERAL (SELECT coalesce($7, clock.now + $8::double precision * interval '1 second', clock.now) AS at) AS due
            ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
            RETURNING id, epoch
            "#,
            job.priority as i16,
            job.version,
            job.queue.name,
            job.kind,
            job.tenant.map(|org| org.0),
            &payload,
            at,
            delay,
            job.parent.map(|id| id.0),
            key,
            period,
            job.trace.map(|trace| trace.to_string()),
            fast,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(row) = row {
            let id = JobId(row.id);
            let ticket = (row.epoch > 0).then_some(Ticket { job: id, epoch: row.epoch });
            return Ok((Enqueued::New(id), ticket));
        }
        let Some(key) = &key else { break };
        if let Some(enqueued) = conflict(conn, job, key, &payload, at, delay).await? {
            return Ok((enqueued, None));
        }
    }
    Err(EnqueueError::Sql(sqlx::Error::RowNotFound))
}

/// Deals with a taken key; `None` when its holder finished meanwhile.
async fn conflict(
    conn: &mut PgConnection,
    job: &Enqueue,
    key: &str,
    payload: &Value,
    at: Option<DateTime<Utc>>,
    delay: Option<f64>,
) -> Result<Option<Enqueued>, EnqueueError> {
    if job.unique.on_conflict == OnConflict::Replace {
        let replaced = sqlx::query_scalar!(
            r#"
            UPDATE jobs
            SET payload = $2, version = $3, priority = $4, run_at = due.at, due_at = NULL, queued_at = NULL,
                state = CASE WHEN due.at > clock_timestamp() THEN 'scheduled' ELSE 'available' END::job_state
            FROM (
                SELECT coalesce($5, clock_timestamp() + $6::double precision * interval '1 second', clock_timestamp()) AS at
            ) AS due
            WHERE unique_key = $1
              -- The message of a queued one goes stale: it is handed over again under another epoch.
              AND state IN ('scheduled', 'available', 'queued')
            RETURNING id
            "#,
            key,
            payload,
            job.version,
            job.priority as i16,
            at,
            delay,
        )
        .fetch_optional(&mut *conn)
        .await?;
        if let Some(id) = replaced {
            return Ok(Some(Enqueued::Replaced(JobId(id))));
        }
    }
    let existing = sqlx::query_scalar!("SELECT id FROM jobs WHERE unique_key = $1", key)
        .fetch_optional(&mut *conn)
        .await?
        .map(JobId);
    match existing {
        Some(existing) if job.unique.on_conflict == OnConflict::Reject => {
            Err(EnqueueError::Conflict { kind: job.kind, existing })
        }
        existing => Ok(existing.map(Enqueued::Existing)),
    }
}

/// Inserts many in one statement, in order; returns for each what became of it. Jobs whose key is taken are dealt with by a
/// statement for all that keep the first, and one by one otherwise.
pub(crate) async fn many(conn: &mut PgConnection, jobs: &[Enqueue]) -> Result<Vec<Enqueued>, EnqueueError> {
    let expiring: Vec<_> = jobs.iter().filter(|job| job.unique.period.is_some()).filter_map(unique_key).collect();
    if !expiring.is_empty() {
        release_expired(conn, &expiring).await?;
    }
    let mut new = insert_free(conn, jobs).await?.into_iter().peekable();
    // What was inserted comes back in the order of the jobs, so a job's row is the next one or there is none.
    let inserted: Vec<_> = jobs
        .iter()
        .map(|job| new.next_if(|(_, key)| *key == unique_key(job)).map(|(id, _)| Enqueued::New(id)))
        .collect();
    let kept = holders(conn, jobs, &inserted).await?;
    let mut all = Vec::with_capacity(jobs.len());
    for (job, inserted) in jobs.iter().zip(inserted) {
        let keeps = job.unique.on_conflict == OnConflict::Keep;
        let kept =
            || unique_key(job).filter(|_| keeps).and_then(|key| kept.get(&key)).map(|&id| Enqueued::Existing(id));
        all.push(match inserted.or_else(kept) {
            Some(enqueued) => enqueued,
            // The key's holder is to be changed, refuses, or finished meanwhile.
            None => one(conn, job, false).await?.0,
        });
    }
    Ok(all)
}

/// Who holds the keys of jobs that were not inserted and that leave the first one as it is.
async fn holders(
    conn: &mut PgConnection,
    jobs: &[Enqueue],
    inserted: &[Option<Enqueued>],
) -> Result<HashMap<String, JobId>, EnqueueError> {
    let kept = jobs
        .iter()
        .zip(inserted)
        .filter(|(job, inserted)| inserted.is_none() && job.unique.on_conflict == OnConflict::Keep);
    let keys: Vec<_> = kept.filter_map(|(job, _)| unique_key(job)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows =
        sqlx::query!(r#"SELECT unique_key AS "key!", id AS "id: JobId" FROM jobs WHERE unique_key = ANY ($1)"#, &keys,)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.id)).collect())
}

/// Inserts what meets no taken key; returns the new rows with their keys, in order.
async fn insert_free(conn: &mut PgConnection, jobs: &[Enqueue]) -> Result<Vec<(JobId, Option<String>)>, EnqueueError> {
    let mut rows = Columns::default();
    for job in jobs {
        let (at, delay) = due(job);
        rows.payloads.push(checked_payload(job)?);
        rows.priorities.push(job.priority as i16);
        rows.versions.push(job.version);
        rows.queues.push(job.queue.name);
        rows.kinds.push(job.kind);
        rows.tenants.push(job.tenant.map(|org| org.0));
        rows.at.push(at);
        rows.delays.push(delay);
        rows.parents.push(job.parent.map(|id| id.0));
        rows.keys.push(unique_key(job));
        rows.periods.push(job.unique.period.map(seconds));
        rows.traces.push(job.trace.map(|trace| trace.to_string()));
    }
    let new = sqlx::query!(
        r#"
        INSERT INTO jobs (
            state, priority, version, queue, kind, tenant, payload, run_at, parent, unique_key, unique_until, traceparent
        )
        SELECT
            CASE WHEN due.at > clock.now THEN 'scheduled' ELSE 'available' END::job_state,
            priority, version, queue, kind, tenant, payload, due.at, parent, unique_key,
            clock.now + period * interval '1 second', traceparent
        FROM
            (SELECT clock_timestamp() AS now) AS clock,
            unnest(
                $1::smallint[], $2::smallint[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[],
                $7::timestamptz[], $8::double precision[], $9::bigint[], $10::text[], $11::double precision[], $12::text[]
            ) WITH ORDINALITY AS new (
                priority, version, queue, kind, tenant, payload,
                at, delay, parent, unique_key, period, traceparent, place
            ),
            LATERAL (SELECT coalesce(new.at, clock.now + new.delay * interval '1 second', clock.now) AS at) AS due
        ORDER BY place
        ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
        RETURNING id AS "id: JobId", unique_key
        "#,
        &rows.priorities,
        &rows.versions,
        &rows.queues as &[&str],
        &rows.kinds as &[&str],
        &rows.tenants as &[Option<uuid::Uuid>],
        &rows.payloads,
        &rows.at as &[Option<DateTime<Utc>>],
        &rows.delays as &[Option<f64>],
        &rows.parents as &[Option<i64>],
        &rows.keys as &[Option<String>],
        &rows.periods as &[Option<f64>],
        &rows.traces as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().map(|row| (row.id, row.unique_key)).collect())
}

#[derive(Default)]
struct Columns {
    priorities: Vec<i16>,
    versions: Vec<i16>,
    queues: Vec<&'static str>,
    kinds: Vec<&'static str>,
    tenants: Vec<Option<uuid::Uuid>>,
    payloads: Vec<Value>,
    at: Vec<Option<DateTime<Utc>>>,
    delays: Vec<Option<f64>>,
    parents: Vec<Option<i64>>,
    keys: Vec<Option<String>>,
    periods: Vec<Option<f64>>,
    traces: Vec<Option<String>>,
}

pub(crate) fn checked_payload(job: &Enqueue) -> Result<Value, EnqueueError> {
    let payload = job.payload.clone().map_err(|problem| EnqueueError::Payload { kind: job.kind, problem })?;
    let bytes = size_bound(&payload);
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(EnqueueError::TooLarge { kind: job.kind, bytes });
    }
    Ok(payload)
}

/// About how many bytes the value has as JSON, without writing it.
fn size_bound(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 20,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size_bound(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, item)| key.len() + size_bound(item) + 4).sum::<usize>() + 2,
    }
}

fn due(job: &Enqueue) -> (Option<DateTime<Utc>>, Option<f64>) {
    match job.due {
        Due::Now => (None, None),
        Due::At(at) => (Some(at), None),
        Due::After(delay) => (None, Some(seconds(delay))),
    }
}

fn seconds(duration: std::time::Duration) -> f64 {
    // A delay past this bound would overflow the database's interval.
    duration.as_secs_f64().min(TimeDelta::days(36_500).as_seconds_f64())
}

/// The key as the ledger has it: keys of different kinds never meet.
pub(crate) fn unique_key(job: &Enqueue) -> Option<String> {
    job.unique.key.as_ref().map(|key| format!("{}:{key}", job.kind))
}

/// Keys held for a period are free again when the period is over.
pub(crate) async fn release_expired(conn: &mut PgConnection, keys: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE jobs
        SET unique_key = NULL, unique_until = NULL
        WHERE unique_key = ANY ($1)
          AND unique_until <= clock_timestamp()
        "#,
        keys,
    )
    .execute(conn)
    .await?;
    Ok(())
}
