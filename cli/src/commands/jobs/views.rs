//! Jobs as people read them.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use queue::ops::JobState;
use queue::ops::detail::{JobDetail, JobRow};
use queue::ops::list::{DeadGroup, JobLine, JobPage};
use queue::ops::why::Why;

use crate::output::{Column, Output, or_dash, relative, took};

pub(super) fn page(page: &JobPage, now: DateTime<Utc>, output: Output) -> String {
    if page.jobs.is_empty() {
        return "No such jobs.".to_owned();
    }
    let mut text = lines(&page.jobs, now, output);
    if let Some(next) = page.next {
        let _ = write!(text, "\n\nolder ones: --before {next}");
    }
    text
}

fn lines(jobs: &[JobLine], now: DateTime<Utc>, output: Output) -> String {
    let mut table = output.table(&[
        Column::full("ID"),
        Column::full("STATE"),
        Column::cut("KIND", 16),
        Column::cut("QUEUE", 8),
        Column::wide("PRIO"),
        Column::full("ATTEMPT"),
        Column::wide("CREATED"),
        Column::full("SINCE"),
        Column::cut("NOTE", 10),
    ]);
    for job in jobs {
        table.add_row([
            job.id.to_string(),
            job.state.to_string(),
            job.kind.clone(),
            job.queue.clone(),
            job.priority.to_string(),
            job.attempt.to_string(),
            relative(Some(job.created_at), now),
            since(job, now),
            note(job),
        ]);
    }
    table.to_string()
}

/// When the job entered its state, or when it is to leave it.
fn since(job: &JobLine, now: DateTime<Utc>) -> String {
    let at = match job.state {
        JobState::Scheduled | JobState::Available => Some(job.run_at),
        JobState::Queued => job.queued_at,
        JobState::Running => job.started_at,
        JobState::Succeeded | JobState::Cancelled | JobState::Dead => job.finished_at,
    };
    relative(at, now)
}

fn note(job: &JobLine) -> String {
    if job.state == JobState::Running {
        let asked = if job.cancel_at.is_some() { "stopping " } else { "" };
        let percent = job.progress.map(|percent| format!("{percent} % ")).unwrap_or_default();
        return format!("{asked}{percent}{}", job.progress_text.as_deref().unwrap_or_default());
    }
    job.error.clone().unwrap_or_default()
}

pub(super) fn why(why: &Why) -> String {
    let mut text = format!("Job {} ({}, queue {}) is {}.\n{}", why.job, why.kind, why.queue, why.state, why.sentence);
    if let Some(advice) = &why.advice {
        let _ = write!(text, "\n{advice}");
    }
    text
}

pub(super) fn groups(groups: &[DeadGroup], now: DateTime<Utc>, output: Output) -> String {
    if groups.is_empty() {
        return "No dead jobs.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("JOBS"),
        Column::wide("KIND"),
        Column::cut("QUEUE", 8),
        Column::wide("FIRST"),
        Column::full("LAST"),
        Column::full("NEWEST"),
        // `--fingerprint` needs it whole; if there is no room here, `--wide` and `--json` show it.
        Column::cut("FINGERPRINT", 30),
        Column::wide("ERROR"),
    ]);
    for group in groups {
        table.add_row([
            group.jobs.to_string(),
            group.kind.clone(),
            group.queue.clone(),
            relative(Some(group.first_at), now),
            relative(Some(group.last_at), now),
            group.last_job.to_string(),
            or_dash(group.fingerprint.as_deref()),
            group.error.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}

pub(super) fn detail(detail: &JobDetail, now: DateTime<Utc>, output: Output) -> String {
    let mut text = row(&detail.job, now);
    if !detail.attempts.is_empty() {
        let mut table = output.table(&[
            Column::full("ATTEMPT"),
            Column::full("OUTCOME"),
            Column::cut("WORKER", 12),
            Column::full("STARTED"),
            Column::full("TOOK"),
            Column::cut("ERROR", 12),
        ]);
        for attempt in &detail.attempts {
            table.add_row([
                attempt.attempt.to_string(),
                attempt.outcome.clone(),
                or_dash(attempt.worker.as_deref()),
                relative(attempt.started_at, now),
                took(attempt.started_at, attempt.ended_at),
                attempt.error.clone().unwrap_or_default(),
            ]);
        }
        let _ = write!(text, "\n\nAttempts\n{table}");
    }
    if !detail.logs.is_empty() {
        text += "\n\nLog";
        for line in &detail.logs {
            let _ = write!(text, "\n  {}  #{}  {}", line.at.format("%H:%M:%S%.3f"), line.attempt, line.line);
        }
    }
    if let Some(parent) = &detail.parent {
        let _ = write!(text, "\n\nParent\n{}", lines(std::slice::from_ref(parent), now, output));
    }
    if !detail.children.is_empty() {
        let _ = write!(text, "\n\nChildren\n{}", lines(&detail.children, now, output));
    }
    text
}

fn row(job: &JobRow, now: DateTime<Utc>) -> String {
    let mut text = format!("Job {}  {}  {}", job.id, job.kind, job.state);
    let mut fact = |name: &str, value: String| {
        let _ = write!(text, "\n  {name:<12}{value}");
    };
    fact("queue", format!("{}, priority {}", job.queue, job.priority));
    fact("tenant", or_dash(job.tenant));
    fact("created", relative(Some(job.created_at), now));
    fact("due", relative(Some(job.run_at), now));
    if job.started_at.is_some() {
        fact("started", relative(job.started_at, now));
    }
    if job.finished_at.is_some() {
        let took = took(job.started_at, job.finished_at);
        fact("finished", format!("{}, after {took}", relative(job.finished_at, now)));
    }
    if job.cancel_at.is_some() && job.state == JobState::Running {
        fact("stop asked", relative(job.cancel_at, now));
    }
    fact("attempts", format!("{} ({} workers lost, {} messages lost)", job.attempt, job.losses, job.republished));
    if let Some(key) = &job.unique_key {
        fact("unique", key.clone());
    }
    if job.progress.is_some() || job.progress_text.is_some() {
        let text = job.progress_text.as_deref().unwrap_or_default();
        fact("progress", format!("{} % {text}", or_dash(job.progress)));
    }
    fact("payload", format!("{} (version {})", job.payload, job.version));
    if let Some(result) = &job.result {
        fact("result", result.to_string());
    }
    if let Some(error) = &job.error {
        fact("error", error.clone());
    }
    if let Some(fingerprint) = &job.fingerprint {
        fact("fingerprint", fingerprint.clone());
    }
    if let Some(trace) = &job.traceparent {
        fact("trace", trace.clone());
    }
    text
}

#[cfg(test)]
mod tests;
