//! The worker's grouped statements, repeated until the database takes them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::JobId;
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use super::past_locks::{LIMIT, PastLocks};
use crate::fault::{self, Point};
use crate::group::Group;
use crate::ledger::Fence;
use crate::ledger::claim::{Claimed, claim};
use crate::ledger::connections::{Connections, within};
use crate::ledger::finish::{Ended, end, log, progress, succeed};
use crate::ticket::Ticket;

/// What became of a ticket.
#[derive(Debug)]
pub(crate) enum Claim {
    Held(Claimed),
    /// Nothing was claimed, and nothing will be.
    Stale,
    /// Somebody holds the job's row: the ticket is to be tried again.
    Busy,
}

/// A finish that waits for its group.
#[derive(Clone, Debug)]
pub(crate) enum Finish {
    Succeed(JobId, i32, Option<Value>),
    End(Ended),
}

impl Finish {
    fn job(&self) -> JobId {
        match self {
            Self::Succeed(job, ..) => *job,
            Self::End(ended) => ended.job,
        }
    }
}

/// Whether the attempt still held its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Yes,
    /// Another attempt has the job, or the worker's lease is gone: nothing was written.
    Stale,
    /// The database refuses this value; the job needs another end.
    Refused,
    /// Somebody holds the job's row: the finish is to be tried again.
    Busy,
}

/// Groups claims.
pub(crate) fn claims(db: PastLocks, lease: Lease, gone: CancellationToken) -> Group<Ticket, Claim> {
    Group::start("claim", move |tickets: Vec<Ticket>| {
        let (db, lease, gone) = (db.clone(), lease.clone(), gone.clone());
        async move {
            let jobs: Vec<JobId> = tickets.iter().map(|ticket| ticket.job).collect();
            let tickets: Arc<[Ticket]> = tickets.into();
            let claimed = persist(&gone, "claim", || {
                db.run(&jobs, |conn, held| {
                    let (worker, tickets) = (lease.worker(), Arc::clone(&tickets));
                    Box::pin(async move {
                        let free: Vec<Ticket> =
                            tickets.iter().filter(|ticket| !held.contains(&ticket.job)).copied().collect();
                        let claimed = claim(conn, worker, &free).await?;
                        fault::pass(Point::Claimed)?;
                        Ok(claimed)
                    })
                })
            })
            .await;
            let (claimed, held) = match claimed {
                Some(Ok(claimed)) => claimed,
                Some(Err(error)) => {
                    tracing::error!(%error, "the ledger refuses a claim; the reconciler repeats the tickets");
                    Default::default()
                }
                None => Default::default(),
            };
            let mut claimed: HashMap<JobId, Claimed> = claimed.into_iter().map(|one| (one.ticket.job, one)).collect();
            let answer = |ticket: &Ticket| match claimed.remove(&ticket.job) {
                Some(claimed) => Claim::Held(claimed),
                None if held.contains(&ticket.job) => Claim::Busy,
                None => Claim::Stale,
            };
            tickets.iter().map(answer).collect()
        }
    })
}

/// Groups finishes.
pub(crate) fn finishes(db: PastLocks, gone: CancellationToken) -> Group<(i64, Finish), Finished> {
    Group::start("finish", move |finishes: Vec<(i64, Finish)>| {
        let (db, gone) = (db.clone(), gone.clone());
        async move {
            match write(&db, &gone, &finishes).await {
                Some(Ok(done)) => done,
                None => vec![Finished::Stale; finishes.len()],
                // One value that the database refuses must not take the others down with it.
                Some(Err(_)) => {
                    let mut done = Vec::with_capacity(finishes.len());
                    for one in &finishes {
                        done.push(match write(&db, &gone, std::slice::from_ref(one)).await {
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
    db: &PastLocks,
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
    let mut busy: HashSet<JobId> = HashSet::new();
    for (worker, batch) in successes {
        let jobs: Vec<JobId> = batch.iter().map(|(job, ..)| *job).collect();
        let batch = Arc::new(batch);
        let written = persist(gone, "finish", || {
            db.run(&jobs, |conn, held| {
                let batch = Arc::clone(&batch);
                Box::pin(async move {
                    fault::pass(Point::BeforeFinish)?;
                    let done = if held.is_empty() {
                        succeed(conn, worker, &batch).await?
                    } else {
                        let free: Vec<_> = batch.iter().filter(|(job, ..)| !held.contains(job)).cloned().collect();
                        succeed(conn, worker, &free).await?
                    };
                    fault::pass(Point::Finished)?;
                    Ok(done)
                })
            })
        });
        match written.await? {
            Ok((ids, held)) => {
                done.extend(ids);
                busy.extend(held.iter());
            }
            Err(error) => return Some(Err(error)),
        }
    }
    for (worker, batch) in ends {
        let jobs: Vec<JobId> = batch.iter().map(|ended| ended.job).collect();
        let batch = Arc::new(batch);
        let written = persist(gone, "finish", || {
            db.run(&jobs, |conn, held| {
                let batch = Arc::clone(&batch);
                Box::pin(async move {
                    let free: Vec<&Ended> = batch.iter().filter(|ended| !held.contains(&ended.job)).collect();
                    end(conn, worker, &free).await
                })
            })
        });
        match written.await? {
            Ok((ids, held)) => {
                done.extend(ids);
                busy.extend(held.iter());
            }
            Err(error) => return Some(Err(error)),
        }
    }
    done.sort_unstable();
    let outcome = |finish: &Finish| match finish.job() {
        job if done.binary_search(&job).is_ok() => Finished::Yes,
        job if busy.contains(&job) => Finished::Busy,
        _ => Finished::Stale,
    };
    Some(Ok(finishes.iter().map(|(_, finish)| outcome(finish)).collect()))
}

/// How far a job is, as its handler says.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) fence: Fence,
    pub(crate) percent: u8,
    pub(crate) text: String,
}

/// Groups what handlers show of their progress, and answers whether the attempt still holds its job. Progress that cannot be
/// written does not fail the attempt, and is not repeated: the next report says more.
pub(crate) fn progresses(db: PastLocks) -> Group<Shown, bool> {
    Group::start("progress", move |shown: Vec<Shown>| {
        let db = db.clone();
        async move {
            let jobs: Vec<JobId> = shown.iter().map(|shown| shown.fence.job).collect();
            let shown = Arc::new(shown);
            let written = db.run(&jobs, |conn, held| {
                let shown = Arc::clone(&shown);
                Box::pin(async move {
                    let free: Vec<&Shown> = shown.iter().filter(|shown| !held.contains(&shown.fence.job)).collect();
                    progress(conn, &free).await
                })
            });
            match written.await {
                Ok((done, held)) => {
                    shown.iter().map(|one| done.contains(&one.fence.job) || held.contains(&one.fence.job)).collect()
                }
                Err(error) => {
                    tracing::warn!(%error, "the progress of jobs cannot be written");
                    vec![true; shown.len()]
                }
            }
        }
    })
}

/// What the handler of an attempt has logged.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) job: JobId,
    pub(crate) attempt: i32,
    pub(crate) lines: Vec<(DateTime<Utc>, String)>,
}

/// How many attempts' lines go together: a chatty one has some megabytes.
const LOGS: usize = 64;

/// Groups what handlers log. Nobody holds these rows.
pub(crate) fn logs(db: Connections, gone: CancellationToken) -> Group<Logged, ()> {
    Group::of_at_most(LOGS, "log", move |logged: Vec<Logged>| {
        let (db, gone) = (db.clone(), gone.clone());
        async move {
            let written = persist(&gone, "log", || {
                within(LIMIT, async {
                    let mut conn = db.lend().await?;
                    log(&mut conn, &logged).await?;
                    conn.give_back();
                    Ok(())
                })
            });
            if let Some(Err(error)) = written.await {
                tracing::error!(%error, jobs = logged.len(), "the log lines of jobs cannot be stored");
            }
            vec![(); logged.len()]
        }
    })
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

/// Whether the same statement may work later, on another connection or another server: what it says has nothing to do with the
/// statement itself.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient_code(&code)),
        _ => false,
    }
}

fn is_transient_code(code: &str) -> bool {
    // Connection exceptions; serialisation failures and deadlocks; resources, a full disk among them; operator intervention, such
    // as a shutdown or a cancelled statement; system errors, such as a disk that fails.
    let class = code.get(..2).is_some_and(|class| matches!(class, "08" | "40" | "53" | "57" | "58"));
    // A server that only reads: a standby, or one that is being made a standby; locks; time limits of sessions and transactions;
    // a password or an address that is not let in while the server is being set up.
    class || matches!(code, "25006" | "25P03" | "25P04" | "55P03" | "28000" | "28P01" | "3D000")
}

#[cfg(test)]
mod tests;
