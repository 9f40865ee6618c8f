//! Grouped statements that a locked row does not hold up.
//!
//! As a rule a group is one plain statement: nobody holds its rows, and to ask first would cost every job. When it meets a row
//! that somebody holds for longer than the connections' `lock_timeout`, it is repeated without such rows, and for some seconds
//! every group of the process looks for them first. What was left out is reported to the caller, who comes back for it.
//!
//! # How to get this wrong
//! - Taking a job that was left out for a stale one: its ticket would be lost until the reconciler misses it.
//! - Ending the caution by time alone: a row that is held for a minute would hold up every group again and again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::ledger::connections::{Connections, within};
use crate::ledger::locks::{lock_free, was_held_up};

/// How long a group's statement may take: past that its connection is given up.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long groups look for held rows first after one was met.
const CAUTION: Duration = Duration::from_secs(5);

/// The jobs that a statement leaves out, because somebody holds their rows.
pub(crate) type Held = Arc<HashSet<JobId>>;

/// What grouped statements run on.
#[derive(Clone, Debug)]
pub(crate) struct PastLocks {
    db: Connections,
    cautious_until: Arc<Mutex<Option<Instant>>>,
}

impl PastLocks {
    pub(crate) fn new(db: Connections) -> Self {
        Self { db, cautious_until: Arc::default() }
    }

    /// Runs a statement over these jobs; returns its result and the jobs that it had to leave out, which it is given.
    pub(crate) async fn run<T, F>(&self, jobs: &[JobId], statement: F) -> Result<(T, Held), sqlx::Error>
    where
        F: for<'c> Fn(&'c mut PgConnection, Held) -> BoxFuture<'c, Result<T, sqlx::Error>>,
    {
        if !self.is_cautious() {
            let none = Held::default();
            let plain = async {
                let mut conn = self.db.lend().await?;
                let done = statement(&mut conn, Arc::clone(&none)).await?;
                conn.give_back();
                Ok(done)
            };
            match within(LIMIT, plain).await {
                Err(error) if was_held_up(&error) => {
                    tracing::warn!(%error, "somebody holds a job's row; going on with the others");
                    self.be_cautious();
                }
                other => return other.map(|done| (done, none)),
            }
        }
        let past = async {
            let mut tx = self.db.begin().await?;
            let held: Held = Arc::new(lock_free(&mut tx, jobs).await?);
            let done = statement(&mut tx, Arc::clone(&held)).await?;
            tx.commit().await?;
            Ok((done, held))
        };
        let (done, held) = within(LIMIT, past).await?;
        if !held.is_empty() {
            self.be_cautious();
        }
        Ok((done, held))
    }

    fn is_cautious(&self) -> bool {
        let until = *self.cautious_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Whoever was left out comes back sooner than this ends, and prolongs it while the row is held.
    fn be_cautious(&self) {
        *self.cautious_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + CAUTION);
    }
}
