//! Which jobs: the one predicate of everything that lists, counts, cancels or retries jobs.
//!
//! The ledger has an index for each state in which work waits, runs or was given up, and none for what succeeded. So a
//! statement names one state at a time, in the words of its index, and several states are several branches of one statement.
//! Only what the filter sets becomes a condition: the planner sees neither parameters that may be null nor states that are
//! unknown until it runs.
//!
//! # How to get this wrong
//! - Writing `state IN ('scheduled', 'dead')`: no partial index covers both, and the whole ledger is read.
//! - Trusting the statistics of a table that fills and empties by the second: statements run in [`by_index`], where the
//!   planner may not read a table from end to end.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use sqlx::{Connection, PgConnection, Postgres, QueryBuilder, Transaction};

use super::JobState;

/// Which jobs. Everything that is set must fit; the default fits every job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    /// Any of these; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<JobState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub tenant: Option<OrgId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Part of the last error, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_until: Option<DateTime<Utc>>,
}

impl JobFilter {
    /// Jobs in one of these states.
    #[must_use]
    pub fn states(states: impl Into<Vec<JobState>>) -> Self {
        Self { states: states.into(), ..Self::default() }
    }

    /// Whether anything but a state is set. Nobody means all jobs there are.
    #[must_use]
    pub fn is_specific(&self) -> bool {
        let Self { states: _, kind, queue, tenant, fingerprint, error, created_from, created_until } = self;
        kind.is_some()
            || queue.is_some()
            || tenant.is_some()
            || fingerprint.is_some()
            || error.is_some()
            || created_from.is_some()
            || created_until.is_some()
    }

    /// The states that it names, or all.
    pub(super) fn wanted(&self) -> &[JobState] {
        if self.states.is_empty() { &JobState::ALL } else { &self.states }
    }

    /// Appends the conditions for the jobs of one state, beginning with the state.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>, state: JobState) {
        sql.push(words(state));
        self.push_fields(sql);
    }

    /// Appends ` AND …` for every field that is set.
    pub(super) fn push_fields(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(kind) = &self.kind {
            sql.push(" AND kind = ").push_bind(kind.clone());
        }
        if let Some(queue) = &self.queue {
            sql.push(" AND queue = ").push_bind(queue.clone());
        }
        if let Some(tenant) = self.tenant {
            sql.push(" AND tenant = ").push_bind(tenant);
        }
        if let Some(fingerprint) = &self.fingerprint {
            sql.push(" AND fingerprint = ").push_bind(fingerprint.clone());
        }
        if let Some(error) = &self.error {
            sql.push(" AND position(lower(").push_bind(error.clone()).push(") IN lower(error)) > 0");
        }
        if let Some(from) = self.created_from {
            sql.push(" AND created_at >= ").push_bind(from);
        }
        if let Some(until) = self.created_until {
            sql.push(" AND created_at < ").push_bind(until);
        }
    }

    /// Appends the conditions that the state's own index answers: no more rows than these leave are read for the state.
    pub(super) fn push_indexed(&self, sql: &mut QueryBuilder<Postgres>, state: JobState) {
        sql.push(words(state));
        match (state, &self.queue, &self.fingerprint) {
            (JobState::Available | JobState::Queued | JobState::Running, Some(queue), _) => {
                sql.push(" AND queue = ").push_bind(queue.clone());
            }
            (JobState::Dead, _, Some(fingerprint)) => {
                sql.push(" AND fingerprint = ").push_bind(fingerprint.clone());
            }
            _ => {}
        }
    }
}

/// The state as its index has it.
const fn words(state: JobState) -> &'static str {
    match state {
        JobState::Scheduled => "state = 'scheduled'",
        JobState::Available => "state = 'available'",
        JobState::Queued => "state IN ('queued', 'running') AND state = 'queued'",
        JobState::Running => "state IN ('queued', 'running') AND state = 'running'",
        JobState::Succeeded => "state = 'succeeded'",
        JobState::Cancelled => "state = 'cancelled'",
        JobState::Dead => "state = 'dead'",
    }
}

/// A transaction whose statements find their rows by an index, whatever the statistics say of a ledger that has just filled.
pub(super) async fn by_index(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    let mut tx = conn.begin().await?;
    sqlx::query!(r#"SELECT set_config('enable_seqscan', 'off', true) AS "set!""#).fetch_one(&mut *tx).await?;
    Ok(tx)
}

#[cfg(test)]
mod tests;
