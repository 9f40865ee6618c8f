//! The worker's grouped statements, repeated until the database takes them.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use crate::fault::{self, Point};
use crate::group::Group;
use crate::ledger::claim::{Claimed, claim};
use crate::ledger::finish::{Ended, end, succeed};
use crate::ticket::Ticket;

/// A finish that waits for its group.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    Succeed(JobId, i32, Option<Value>),
    End(Ended),
}

/// Whether the attempt still held its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Yes,
    /// Another attempt has the job, or the worker's lease is gone: nothing was written.
    Stale,
    /// The database refuses this value; the job needs another end.
    Refused,
}

/// Groups claims; a ticket that claims nothing gets `None`.
pub(crate) fn claims(pool: PgPool, lease: Lease, gone: CancellationToken) -> Group<Ticket, Option<Claimed>> {
    Group::start("claim", move |tickets: Vec<Ticket>| {
        let (pool, lease, gone) = (pool.clone(), lease.clone(), gone.clone());
        async move {
            let claimed = persist(&gone, "claim", || async {
                // The claim need not survive a crash of the server: the job would still be queued, and its finish refused.
                let mut conn = pool.acquire().await?;
                let claimed = claim(&mut conn, lease.worker(), &tickets).await?;
                fault::pass(Point::Claimed)?;
                Ok(claimed)
            })
            .await;
            let mut claimed: HashMap<JobId, Claimed> = match claimed {
                Some(Ok(claimed)) => claimed.into_iter().map(|one| (one.ticket.job, one)).collect(),
                _ => HashMap::new(),
            };
            tickets.iter().map(|ticket| claimed.remove(&ticket.job)).collect()
        }
    })
}

/// Groups finishes.
pub(crate) fn finishes(pool: PgPool, gone: CancellationToken) -> Group<(i64, Finish), Finished> {
    Group::start("finish", move |finishes: Vec<(i64, Finish)>| {
        let (pool, gone) = (pool.clone(), gone.clone());
        async move {
            match write(&pool, &gone, &finishes).await {
                Some(Ok(done)) => done,
                None => vec![Finished::Stale; finishes.len()],
                // One value that the database refuses must not take the others down with it.
                Some(Err(_)) => {
                    let mut done = Vec::with_capacity(finishes.len());
                    for one in &finishes {
                        done.push(match write(&pool, &gone, std::slice::from_ref(one)).await {
                            Some(Ok(one)) => one.first().copied().unwrap_or(Finished::Stale),
                            Some(Err(error)) => {
                                tracing::error!(%error, "the ledger refuses a finish");
                                Finished::Refused
                            }
                            None => Finished::Stale,
                        });
                    }
                    done
                }
            }
        }
    })
}

async fn write(
    pool: &PgPool,
    gone: &CancellationToken,
    finishes: &[(i64, Finish)],
) -> Option<Result<Vec<Finished>, sqlx::Error>> {
    let mut successes: HashMap<i64, Vec<(JobId, i32, Option<Value>)>> = HashMap::new();
    let mut ends: HashMap<i64, Vec<Ended>> = HashMap::new();
    for (worker, finish) in finishes {
        match finish {
            Finish::Succeed(job, epoch, result) => {
                successes.entry(*worker).or_default().push((*job, *epoch, result.clone()));
            }
            Finish::End(ended) => ends.entry(*worker).or_default().push(ended.clone()),
        }
    }
    let mut done: Vec<JobId> = Vec::with_capacity(finishes.len());
    for (worker, batch) in &successes {
        let written = persist(gone, "finish", || async {
            fault::pass(Point::BeforeFinish)?;
            let done = succeed(&mut *pool.acquire().await?, *worker, batch).await?;
            fault::pass(Point::Finished)?;
            Ok(done)
        });
        match written.await? {
            Ok(ids) => done.extend(ids),
            Err(error) => return Some(Err(error)),
        }
    }
    for (worker, batch) in &ends {
        match persist(gone, "finish", || async { end(&mut *pool.acquire().await?, *worker, batch).await }).await? {
            Ok(ids) => done.extend(ids),
            Err(error) => return Some(Err(error)),
        }
    }
    done.sort_unstable();
    let outcome = |finish: &Finish| {
        let job = match finish {
            Finish::Succeed(job, ..) => job,
            Finish::End(ended) => &ended.job,
        };
        if done.binary_search(job).is_ok() { Finished::Yes } else { Finished::Stale }
    };
    Some(Ok(finishes.iter().map(|(_, finish)| outcome(finish)).collect()))
}

/// Repeats a statement while the database is away or asks for another try; ends with `None` when the process gives up.
pub(crate) async fn persist<T, F, R>(
    gone: &CancellationToken,
    what: &'static str,
    run: F,
) -> Option<Result<T, sqlx::Error>>
where
    F: Fn() -> R,
    R: Future<Output = Result<T, sqlx::Error>>,
{
    let mut pause = Duration::from_millis(20);
    loop {
        match run().await {
            Err(error) if is_transient(&error) => {
                tracing::warn!(%error, statement = what, "the ledger did not answer; trying again");
                tokio::select! {
                    () = gone.cancelled() => return None,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
                }
            }
            other => return Some(other),
        }
    }
}

/// Whether the same statement may work later: the connection broke, the server restarts, or rows were in the way.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            // Connection exceptions, operator intervention, resources, serialisation failures and deadlocks.
            code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") || code.starts_with("40")
        }),
        _ => false,
    }
}
