//! `tradeyard jobs …`

mod bulk;
mod views;

use clap::{Args, Subcommand};
use queue::Priority;
use queue::ops::cancel::Cancelled;
use queue::ops::retry::Again;
use queue::ops::{self, Actor, JobState, cancel, detail, list, retry, why};
use serde::Serialize;
use shared::ids::JobId;
use sqlx::PgConnection;

use super::enqueue::json_argument;
use super::filter::Filter;
use crate::connect;
use crate::failure::advised;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List jobs, newest first.
    List(List),
    /// Show everything about a job: attempts, log, parent, children.
    Show { id: JobId },
    /// Say why a job is not running, and what to do about it.
    Why { id: JobId },
    /// Group the dead jobs by the error that killed them.
    Groups {
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Cancel jobs: waiting ones at once, running ones by asking their workers.
    Cancel(Chosen),
    /// Run dead or cancelled jobs again.
    Retry(Retry),
    /// Run a scheduled job at once.
    RunNow { id: JobId },
    /// Give a waiting job another priority: urgent, high, normal or low.
    Priority { id: JobId, priority: Priority },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Only work that is still to be done: scheduled, available, queued or running.
    #[arg(long, conflicts_with = "state")]
    open: bool,
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Continue below this id; the end of a full page names it.
    #[arg(long, value_name = "ID")]
    before: Option<JobId>,
}

#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// The jobs' ids; or choose by filter.
    #[arg(value_name = "ID")]
    ids: Vec<JobId>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    bulk: bulk::Options,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    chosen: Chosen,
    /// A corrected payload for one job: JSON, @file, or - for standard input.
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// With a filter: this many a second, instead of all at once.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate, conflicts_with = "ids")]
    rate: Option<f64>,
    /// With a filter: at most this many, oldest first.
    #[arg(long, conflicts_with = "ids", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    retry::check_rate(Some(rate)).map_err(|problem| problem.to_string())?;
    Ok(rate)
}

impl Jobs {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        match self {
            Self::List(list) => list.run(&mut conn, output).await,
            Self::Show { id } => {
                let now = ops::now(&mut conn).await?;
                output.show(&detail::detail(&mut conn, id).await?, |job| views::detail(job, now, output))
            }
            Self::Why { id } => {
                let answer = why::why(&mut conn, &jobs::registry()?, id).await?;
                output.show(&answer, views::why)
            }
            Self::Groups { limit } => {
                let now = ops::now(&mut conn).await?;
                output.show(&list::dead_groups(&mut conn, limit).await?, |groups| views::groups(groups, now, output))
            }
            Self::Cancel(chosen) => cancel(&mut conn, chosen, output).await,
            Self::Retry(retry) => retry.run(&mut conn, output).await,
            Self::RunNow { id } => {
                retry::run_now(&mut conn, id, Actor::CommandLine).await?;
                output.show(&Done { id, done: "due now" }, Done::text)
            }
            Self::Priority { id, priority } => {
                retry::reprioritise(&mut conn, id, priority, Actor::CommandLine).await?;
                output.show(&Done { id, done: priority.name() }, Done::text)
            }
        }
    }
}

/// What was done to one job.
#[derive(Debug, Serialize)]
struct Done {
    id: JobId,
    done: &'static str,
}

impl Done {
    fn text(&self) -> String {
        format!("job {}: {}", self.id, self.done)
    }
}

impl List {
    async fn run(self, conn: &mut PgConnection, output: Output) -> anyhow::Result<()> {
        let now = ops::now(conn).await?;
        let mut filter = self.filter.resolve(now);
        if self.open {
            filter.states = JobState::OPEN.to_vec();
        }
        let limit = self.limit.clamp(1, 1_000);
        let mut page = list::list(conn, &filter, self.before, limit).await?;
        // Stretches of the ledger without a match give empty pages, but people want the matches.
        while page.jobs.len() < limit as usize && page.next.is_some() {
            let missing = limit - u32::try_from(page.jobs.len()).unwrap_or(limit);
            let more = list::list(conn, &filter, page.next, missing).await?;
            page.jobs.extend(more.jobs);
            page.next = more.next;
        }
        output.show(&page, |page| views::page(page, now, output))
    }
}

fn needs_a_choice(chosen: &Chosen) -> anyhow::Result<()> {
    match (chosen.ids.is_empty(), chosen.filter.is_empty()) {
        (true, true) => {
            Err(advised("which jobs?", "name their ids, or choose with --queue, --kind, --state and the like"))
        }
        (false, false) => Err(advised("ids and a filter do not go together", "give one or the other")),
        _ => Ok(()),
    }
}

async fn cancel(conn: &mut PgConnection, chosen: Chosen, output: Output) -> anyhow::Result<()> {
    needs_a_choice(&chosen)?;
    if chosen.ids.is_empty() {
        let now = ops::now(conn).await?;
        let filter = chosen.filter.resolve(now);
        return bulk::cancel(conn, filter, &chosen.bulk, output).await;
    }
    for id in chosen.ids {
        let done = match cancel::cancel(conn, id, Actor::CommandLine).await? {
            Cancelled::AtOnce => "cancelled",
            Cancelled::Asked => "running: asked to stop",
        };
        output.show(&Done { id, done }, Done::text)?;
    }
    Ok(())
}

impl Retry {
    async fn run(self, conn: &mut PgConnection, output: Output) -> anyhow::Result<()> {
        needs_a_choice(&self.chosen)?;
        let registry = jobs::registry()?;
        if self.payload.is_some() && self.chosen.ids.len() != 1 {
            return Err(advised("a corrected payload is for one job", "name exactly one id with --payload"));
        }
        if self.chosen.ids.is_empty() {
            let now = ops::now(conn).await?;
            let filter = self.chosen.filter.resolve(now);
            return bulk::retry(conn, filter, self.rate, self.limit, &self.chosen.bulk, output).await;
        }
        let payload = self.payload.as_deref().map(json_argument).transpose()?;
        let again = Again { payload, ..Again::default() };
        for id in self.chosen.ids {
            retry::retry(conn, &registry, id, &again, Actor::CommandLine).await?;
            output.show(&Done { id, done: "available again" }, Done::text)?;
        }
        Ok(())
    }
}
