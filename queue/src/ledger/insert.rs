//! New rows.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::enqueue::{Due, Enqueue, EnqueueError, Enqueued, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES};
use crate::kept::size;
use crate::ticket::Ticket;
use crate::unique::OnConflict;

/// As deep as `serde_json` reads.
const MAX_PAYLOAD_DEPTH: usize = 128;

/// Inserts one job. With `fast` a job that is due at once becomes `queued`, and its ticket is returned for publishing.
pub(crate) async fn one(
    conn: &mut PgConnection,
    job: &Enqueue,
    fast: bool,
) -> Result<(Enqueued, Option<Ticket>), EnqueueError> {
    let payload = checked_payload(job)?;
    let (at, delay) = due(job);
    let key = unique_key(job)?;
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
                run_at, delay, queued_at, parent, unique_key, unique_until, unique_for, traceparent
            )
            SELECT
                CASE WHEN due.at > clock.now THEN 'scheduled' WHEN $13 THEN 'queued' ELSE 'available' END::job_state,
                $1, $2, CASE WHEN $13 AND due.at <= clock.now THEN 1 ELSE 0 END, $3, $4, $5, $6,
                due.at, $8::double precision, CASE WHEN $13 AND due.at <= clock.now THEN clock.now END,
                $9, $10, clock.now + $11::double precision * interval '1 second', $11::double precision, $12
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
            SET payload = $2, version = $3, priority = $4, run_at = due.at, delay = $6, queued_at = NULL,
                -- Under a key that outlived a rename, the payload is of the new contract.
                kind = $7, queue = $8,
                -- It begins anew.
                attempt = 0, losses = 0, republished = 0, due_at = NULL, started_at = NULL, worker = NULL,
                progress = NULL, progress_text = NULL, result = NULL, error = NULL, fingerprint = NULL, reason = NULL,
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
            job.kind,
            job.queue.name,
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
    let keys: Vec<_> = jobs.iter().map(unique_key).collect::<Result<_, _>>()?;
    let of_period = jobs.iter().zip(&keys).filter(|(job, _)| job.unique.period.is_some());
    let expiring: Vec<_> = of_period.filter_map(|(_, key)| key.clone()).collect();
    if !expiring.is_empty() {
        release_expired(conn, &expiring).await?;
    }
    let mut new = insert_free(conn, jobs, &keys).await?.into_iter().peekable();
    // What was inserted comes back in the order of the jobs, so a job's row is the next one or there is none.
    let inserted: Vec<_> =
        keys.iter().map(|key| new.next_if(|(_, new)| new == key).map(|(id, _)| Enqueued::New(id))).collect();
    let kept = holders(conn, jobs, &keys, &inserted).await?;
    let mut all = Vec::with_capacity(jobs.len());
    for ((job, key), inserted) in jobs.iter().zip(&keys).zip(inserted) {
        let keeps = job.unique.on_conflict == OnConflict::Keep;
        let kept = || key.as_ref().filter(|_| keeps).and_then(|key| kept.get(key)).map(|&id| Enqueued::Existing(id));
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
    keys: &[Option<String>],
    inserted: &[Option<Enqueued>],
) -> Result<HashMap<String, JobId>, EnqueueError> {
    let kept = jobs
        .iter()
        .zip(keys)
        .zip(inserted)
        .filter(|((job, _), inserted)| inserted.is_none() && job.unique.on_conflict == OnConflict::Keep);
    let keys: Vec<_> = kept.filter_map(|((_, key), _)| key.clone()).collect();
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
async fn insert_free(
    conn: &mut PgConnection,
    jobs: &[Enqueue],
    keys: &[Option<String>],
) -> Result<Vec<(JobId, Option<String>)>, EnqueueError> {
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
        rows.periods.push(job.unique.period.map(seconds));
        rows.traces.push(job.trace.map(|trace| trace.to_string()));
    }
    let new = sqlx::query!(
        r#"
        INSERT INTO jobs (
            state, priority, version, queue, kind, tenant, payload, run_at, delay, parent,
            unique_key, unique_until, unique_for, traceparent
        )
        SELECT
            CASE WHEN due.at > clock.now THEN 'scheduled' ELSE 'available' END::job_state,
            priority, version, queue, kind, tenant, payload, due.at, new.delay, parent,
            unique_key, clock.now + period * interval '1 second', period, traceparent
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
        keys as &[Option<String>],
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
    periods: Vec<Option<f64>>,
    traces: Vec<Option<String>>,
}

pub(crate) fn checked_payload(job: &Enqueue) -> Result<Value, EnqueueError> {
    let unfit = |problem: String| EnqueueError::Payload { kind: job.kind, problem };
    let payload = job.payload.clone().map_err(unfit)?;
    let size = size(&payload, MAX_PAYLOAD_DEPTH).ok_or_else(|| unfit("it is nested too deeply".to_owned()))?;
    if size.bytes > MAX_PAYLOAD_BYTES {
        return Err(EnqueueError::TooLarge { kind: job.kind, bytes: size.bytes });
    }
    if size.nul {
        return Err(unfit("a text in it contains a NUL, which PostgreSQL does not store".to_owned()));
    }
    Ok(payload)
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

/// The key as the ledger has it: keys of different kinds never meet, and a kind that was renamed keeps its keys.
pub(crate) fn unique_key(job: &Enqueue) -> Result<Option<String>, EnqueueError> {
    let Some(key) = &job.unique.key else { return Ok(None) };
    let unfit = |problem| EnqueueError::Key { kind: job.kind, problem };
    if key.len() > MAX_KEY_BYTES {
        return Err(unfit(format!("has {} bytes; the most is {MAX_KEY_BYTES}", key.len())));
    }
    if key.contains('\0') {
        return Err(unfit("contains a NUL, which PostgreSQL does not store".to_owned()));
    }
    Ok(Some(format!("{}:{key}", job.first_name)))
}

/// Keys held for a period are free again when the period is over. One that would be held for longer than its period from now was taken
/// before the clock was set back: it is held for its period once more, and not for as long as the clock was set back as well.
pub(crate) async fn release_expired(conn: &mut PgConnection, keys: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE jobs
        SET unique_key = CASE WHEN unique_until > clock_timestamp() THEN unique_key END,
            unique_until = CASE
                WHEN unique_until > clock_timestamp() THEN clock_timestamp() + unique_for * interval '1 second'
            END
        WHERE unique_key = ANY ($1)
          AND (
              unique_until <= clock_timestamp()
              OR unique_until > clock_timestamp() + (unique_for + 2) * interval '1 second'
          )
        "#,
        keys,
    )
    .execute(conn)
    .await?;
    Ok(())
}
