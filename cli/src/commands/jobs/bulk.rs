//! Acts on many jobs: counts them, leaves the work to a job, and follows that job until it ends.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jobs::maintenance::{Asked, CancelJobs, RetryJobs};
use queue::EnqueueError;
use queue::ops::cancel::{CancelledMany, open};
use queue::ops::list::{JobFilter, count};
use queue::ops::retry::{RetriedMany, given_up};
use queue::ops::{Actor, JobState, detail, why};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::ids::JobId;
use sqlx::PgConnection;

use crate::failure::advised;
use crate::output::{Output, print};

/// How often the job's state is read.
const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(Debug, Args)]
pub(super) struct Options {
    /// With a filter: only count the jobs that fit.
    #[arg(long, conflicts_with = "ids")]
    dry_run: bool,
    /// With a filter: do not wait for the job that does it.
    #[arg(long, conflicts_with_all = ["ids", "dry_run"])]
    no_wait: bool,
}

#[derive(Serialize)]
struct Counted {
    counted: u64,
}

/// The job that was enqueued, and its result.
#[derive(Serialize)]
struct Done<T: Serialize> {
    job: JobId,
    counted: u64,
    #[serde(flatten)]
    result: T,
}

pub(super) async fn cancel(
    conn: &mut PgConnection,
    filter: JobFilter,
    options: &Options,
    output: Output,
) -> anyhow::Result<()> {
    if options.dry_run {
        return counted(conn, open(&filter), output).await;
    }
    let asked = CancelJobs::ask(conn, filter, Actor::CommandLine).await;
    follow(conn, asked, "cancels", options, output, |done: &CancelledMany| {
        format!("{} cancelled, {} running asked to stop", done.cancelled, done.asked)
    })
    .await
}

pub(super) async fn retry(
    conn: &mut PgConnection,
    filter: JobFilter,
    per_second: Option<f64>,
    limit: Option<u64>,
    options: &Options,
    output: Output,
) -> anyhow::Result<()> {
    if options.dry_run {
        return counted(conn, given_up(&filter), output).await;
    }
    let asked = RetryJobs::ask(conn, filter, per_second, limit, Actor::CommandLine).await;
    follow(conn, asked, "retries", options, output, |done: &RetriedMany| match done.conflicts {
        0 => format!("{} retried", done.retried),
        held => format!("{} retried; {held} left, because open jobs hold their unique keys", done.retried),
    })
    .await
}

async fn counted(conn: &mut PgConnection, filter: Option<JobFilter>, output: Output) -> anyhow::Result<()> {
    let counted = match filter {
        Some(filter) => count(conn, &filter).await?.unsigned_abs(),
        None => 0,
    };
    output.show(&Counted { counted }, |counted| format!("{} jobs fit", counted.counted))
}

/// Waits until the job ends, with a bar on a terminal. Interrupting this does not stop the job.
async fn follow<T: Serialize + DeserializeOwned>(
    conn: &mut PgConnection,
    asked: Result<Asked, EnqueueError>,
    verb: &str,
    options: &Options,
    output: Output,
    text: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    let Asked { job, counted } = asked?;
    if options.no_wait {
        return output.show(&Done { job, counted, result: Value::Null }, |_| {
            format!("{counted} jobs fit; job {job} {verb} them: `tradeyard jobs show {job}` shows how far it is")
        });
    }
    if !output.json {
        print(&format!("{counted} jobs fit; job {job} {verb} them"))?;
    }
    let bar = bar();
    let ended = loop {
        let row = detail::detail(conn, job).await?.job;
        if !row.state.is_open() {
            break row;
        }
        bar.set_position(row.progress.map_or(0, |percent| percent.unsigned_abs().into()));
        // While the job is not running, whoever waits should see why.
        let message = match row.state {
            JobState::Running => row.progress_text.unwrap_or_default(),
            _ => why::why(conn, &jobs::registry()?, job).await?.sentence,
        };
        bar.set_message(message);
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                bar.finish_and_clear();
                let advice = format!("`tradeyard jobs cancel {job}` stops it, `tradeyard jobs show {job}` shows how far it is");
                return Err(advised(format!("job {job} goes on without you"), advice));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    };
    bar.finish_and_clear();
    let so_far = ended.result.clone().and_then(|result| serde_json::from_value::<T>(result).ok());
    match (ended.state, so_far) {
        (JobState::Succeeded, Some(result)) => {
            output.show(&Done { job, counted, result }, |done: &Done<T>| text(&done.result))
        }
        (state, so_far) => {
            let problem =
                format!("job {job} is {state}; {}", so_far.as_ref().map_or_else(|| "it did nothing".to_owned(), text));
            Err(advised(problem, format!("`tradeyard jobs show {job}` shows why; give the command again for the rest")))
        }
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(100);
    let style = ProgressStyle::with_template("{wide_bar} {pos} % {elapsed} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
