//! `tradeyard jobs …`

mod views;

use clap::{Args, Subcommand};
use queue::Priority;
use queue::ops::cancel::Cancelled;
use queue::ops::retry::Again;
use queue::ops::{self, JobState, cancel, detail, list, retry, why};
use serde::Serialize;
use serde_json::json;
use shared::ids::JobId;
use sqlx::{Connection, PgConnection};

use super::enqueue::json_argument;
use super::filter::Filter;
use crate::audit::record;
use crate::connect;
use crate::failure::advised;
use crate::output::Output;

/// Who did it, in the job's log.
const BY: &str = "cli";

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
    #[arg(long, default_value_t = 10_000, conflicts_with = "ids")]
    limit: u32,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| format!("{text:?} is not a number above 0"))
}

impl Jobs {
    pub(crate) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        match self {
            Self::List(list) => list.run(&mut conn, output).await,
            Self::Show { id } => {
                let now = ops::now(&mut conn).await?;
                output.show(&detail::detail(&mut conn, id).await?, |job| views::detail(job, now))
            }
            Self::Why { id } => {
                let answer = why::why(&mut conn, &jobs::registry()?, id).await?;
                output.show(&answer, views::why)
            }
            Self::Groups { limit } => {
                let now = ops::now(&mut conn).await?;
                output.show(&list::dead_groups(&mut conn, limit).await?, |groups| views::groups(groups, now))
            }
            Self::Cancel(chosen) => cancel(&mut conn, chosen, output).await,
            Self::Retry(retry) => retry.run(&mut conn, output).await,
            Self::RunNow { id } => {
                let mut tx = conn.begin().await?;
                retry::run_now(&mut tx, id, BY).await?;
                record(&mut tx, "job.run_now", ("job", &id.to_string()), json!({})).await?;
                tx.commit().await?;
                output.show(&Done { id, done: "due now" }, Done::text)
            }
            Self::Priority { id, priority } => {
                let mut tx = conn.begin().await?;
                retry::reprioritise(&mut tx, id, priority, BY).await?;
                let data = json!({"priority": priority.name()});
                record(&mut tx, "job.reprioritise", ("job", &id.to_string()), data).await?;
                tx.commit().await?;
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
    async fn run(self, conn: &mut PgConnection, output: &Output) -> anyhow::Result<()> {
        let now = ops::now(conn).await?;
        let mut filter = self.filter.resolve(now);
        if self.open {
            filter.states = JobState::OPEN.to_vec();
        }
        let limit = self.limit.clamp(1, 1_000);
        let mut page = list::list(conn, &filter, self.before, limit).await?;
        // Stretches of the ledger without a match give empty pages: people want the matches.
        while page.jobs.len() < limit as usize && page.next.is_some() {
            let missing = limit - u32::try_from(page.jobs.len()).unwrap_or(limit);
            let more = list::list(conn, &filter, page.next, missing).await?;
            page.jobs.extend(more.jobs);
            page.next = more.next;
        }
        output.show(&page, |page| views::page(page, now))
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

async fn cancel(conn: &mut PgConnection, chosen: Chosen, output: &Output) -> anyhow::Result<()> {
    needs_a_choice(&chosen)?;
    if chosen.ids.is_empty() {
        let now = ops::now(conn).await?;
        let filter = chosen.filter.resolve(now);
        // Batches commit by themselves, so the intent is written first.
        let data = json!({"matching": Filter::json(&filter)});
        record(conn, "job.cancel_many", ("jobs", "matching"), data).await?;
        let done = cancel::cancel_matching(conn, &filter, BY).await?;
        return output
            .show(&done, |done| format!("{} cancelled, {} running asked to stop", done.cancelled, done.asked));
    }
    for id in chosen.ids {
        let mut tx = conn.begin().await?;
        let done = match cancel::cancel(&mut tx, id, BY).await? {
            Cancelled::AtOnce => "cancelled",
            Cancelled::Asked => "running: asked to stop",
        };
        record(&mut tx, "job.cancel", ("job", &id.to_string()), json!({})).await?;
        tx.commit().await?;
        output.show(&Done { id, done }, Done::text)?;
    }
    Ok(())
}

impl Retry {
    async fn run(self, conn: &mut PgConnection, output: &Output) -> anyhow::Result<()> {
        needs_a_choice(&self.chosen)?;
        let registry = jobs::registry()?;
        if self.payload.is_some() && self.chosen.ids.len() != 1 {
            return Err(advised("a corrected payload is for one job", "name exactly one id with --payload"));
        }
        if self.chosen.ids.is_empty() {
            let now = ops::now(conn).await?;
            let filter = self.chosen.filter.resolve(now);
            let data = json!({"matching": Filter::json(&filter), "per_second": self.rate, "limit": self.limit});
            record(conn, "job.retry_many", ("jobs", "matching"), data).await?;
            let done = retry::retry_matching(conn, &registry, &filter, self.rate, self.limit, BY).await?;
            return output.show(&done, |done| match done.conflicts {
                0 => format!("{} retried", done.retried),
                held => format!("{} retried; {held} left, because open jobs hold their unique keys", done.retried),
            });
        }
        let payload = self.payload.as_deref().map(json_argument).transpose()?;
        let again = Again { payload, ..Again::default() };
        for id in self.chosen.ids {
            let mut tx = conn.begin().await?;
            retry::retry(&mut tx, &registry, id, &again, BY).await?;
            let data = json!({"edited": again.payload.is_some()});
            record(&mut tx, "job.retry", ("job", &id.to_string()), data).await?;
            tx.commit().await?;
            output.show(&Done { id, done: "available again" }, Done::text)?;
        }
        Ok(())
    }
}
