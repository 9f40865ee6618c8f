//! Options that choose jobs.

use chrono::{DateTime, Utc};
use clap::Args;
use queue::ops::JobState;
use queue::ops::list::JobFilter;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::when::{self, When};

/// Which jobs; everything given must fit.
#[derive(Debug, Default, Args)]
pub(crate) struct Filter {
    /// States, separated by commas: scheduled, available, queued, running, succeeded, cancelled, dead.
    #[arg(long, value_delimiter = ',', value_name = "STATES")]
    state: Vec<JobState>,
    #[arg(long)]
    kind: Option<String>,
    #[arg(long)]
    queue: Option<String>,
    /// The organisation's id.
    #[arg(long, value_name = "ORG")]
    tenant: Option<OrgId>,
    /// The fingerprint of the error, as `jobs groups` shows it.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Part of the last error's text.
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Created since: 2h, 7d, or an RFC 3339 time.
    #[arg(long, value_parser = when::past, value_name = "WHEN")]
    since: Option<When>,
    /// Created before.
    #[arg(long, value_parser = when::past, value_name = "WHEN")]
    until: Option<When>,
}

impl Filter {
    /// Nothing was given: every job would fit.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.is_empty()
            && self.kind.is_none()
            && self.queue.is_none()
            && self.tenant.is_none()
            && self.fingerprint.is_none()
            && self.error.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// For the audit log.
    pub(crate) fn json(filter: &JobFilter) -> Value {
        json!({
            "states": filter.states,
            "kind": filter.kind,
            "queue": filter.queue,
            "tenant": filter.tenant,
            "fingerprint": filter.fingerprint,
            "error": filter.error,
            "created_from": filter.created_from,
            "created_until": filter.created_until,
        })
    }

    pub(crate) fn resolve(self, now: DateTime<Utc>) -> JobFilter {
        JobFilter {
            states: self.state,
            kind: self.kind,
            queue: self.queue,
            tenant: self.tenant,
            fingerprint: self.fingerprint,
            error: self.error,
            created_from: self.since.map(|when| when.resolve(now)),
            created_until: self.until.map(|when| when.resolve(now)),
        }
    }
}
