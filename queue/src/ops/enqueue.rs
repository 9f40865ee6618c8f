//! Enqueuing by hand.

use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{Actor, record};
use crate::enqueue::{Enqueue, EnqueueError, Enqueued};

/// Puts a job into its queue for an operator. Its payload is not written down: it may name people.
pub async fn enqueue(conn: &mut PgConnection, job: Enqueue, actor: Actor) -> Result<Enqueued, EnqueueError> {
    let kind = job.kind;
    let mut tx = conn.begin().await?;
    let enqueued = job.insert(&mut tx).await?;
    let data = json!({"kind": kind, "outcome": enqueued.word()});
    record(&mut tx, actor, "job.enqueue", ("job", enqueued.id()), data).await?;
    tx.commit().await?;
    Ok(enqueued)
}
