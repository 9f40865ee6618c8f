//! `job:<id>`: how a job is getting on.
//!
//! The ledger is written tens of thousands of times a second and publishes nothing. What clients watch is little: this process
//! reads the watched rows a few times a second, in one statement, and tells what changed.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use market::identity::PlatformRole;
use queue::ops::view::{self, JobView};
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::realtime::Event;
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::error::Result;
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

/// The job, if the caller may see it: who acts for its organisation, and who looks after the queues.
pub(crate) async fn visible(
    conn: &mut PgConnection,
    caller: &Caller,
    viewer: Option<OrgId>,
    id: JobId,
) -> Result<Option<JobView>, sqlx::Error> {
    let job = view::read(conn, &[id]).await?.pop();
    Ok(job.filter(|job| {
        caller.platform(PlatformRole::Observer).is_ok() || (job.tenant.is_some() && job.tenant == viewer)
    }))
}

/// A job's owner watches it, and who looks after the queues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobTopic;

impl Topic for JobTopic {
    type Id = JobId;

    fn prefix(&self) -> &'static str {
        "job"
    }

    fn carries(&self) -> Carries {
        Carries::Reading
    }

    async fn read(
        &self,
        state: &AppState,
        caller: &Caller,
        viewer: Option<OrgId>,
        id: JobId,
    ) -> Result<Option<Snapshot>> {
        let job = visible(&mut *state.db.acquire().await?, caller, viewer, id).await?;
        Ok(job.map(|job| Snapshot { seq: job.seq(), data: data(&job) }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<JobWatcher>(state))
    }
}

fn data(job: &JobView) -> Value {
    // Text, numbers and JSON always serialise.
    serde_json::to_value(job).unwrap_or_default()
}

/// Delivers what changed in the watched jobs.
#[derive(Debug, Default)]
struct JobWatcher {
    known: HashMap<JobId, JobView>,
    /// When the look before began.
    before: Option<Instant>,
}

impl Watcher for JobWatcher {
    type Id = JobId;
    const PREFIX: &'static str = "job:";
    const EVERY: Duration = Duration::from_millis(250);

    async fn look(&mut self, state: &AppState, watched: &[JobId]) -> anyhow::Result<()> {
        self.known.retain(|id, _| watched.contains(id));
        let began = Instant::now();
        let jobs = view::read(&mut *state.db.acquire().await?, watched).await?;
        let before = self.before.replace(began);
        for job in jobs {
            let (topic, kind) = (format!("{}{}", Self::PREFIX, job.id), "changed".to_owned());
            let known = self.known.insert(job.id, job.clone());
            if known.as_ref() != Some(&job) || state.hub.looked_since(&topic, before) {
                state.hub.deliver_reading(Event { topic, seq: job.seq(), kind, data: data(&job) }, began);
            }
        }
        Ok(())
    }
}
