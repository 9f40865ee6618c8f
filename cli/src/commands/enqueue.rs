//! `tradeyard enqueue KIND JSON`

use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use queue::Priority;
use queue::ops::{self, Actor};
use queue::registry::{KindInfo, Registry};
use serde::Serialize;
use serde_json::Value;
use shared::ids::{JobId, OrgId};

use crate::connect;
use crate::failure::advised;
use crate::output::Output;
use crate::{near, when};

#[derive(Debug, Args)]
pub(crate) struct Enqueue {
    /// The kind, such as jobs.prune.
    kind: String,
    /// The payload: JSON, @file, or - for standard input. The job's contract checks it.
    #[arg(default_value = "{}")]
    payload: String,
    /// Not before this time, such as 2026-05-01T12:00:00Z.
    #[arg(long, value_parser = when::absolute, value_name = "TIME", conflicts_with = "within")]
    at: Option<DateTime<Utc>>,
    /// Not before this long from now, such as 15m.
    #[arg(long = "in", id = "within", value_parser = when::duration, value_name = "DURATION")]
    within: Option<Duration>,
    /// urgent, high, normal or low.
    #[arg(long)]
    priority: Option<Priority>,
    /// The organisation whose share of the queue it takes.
    #[arg(long, value_name = "ORG")]
    tenant: Option<OrgId>,
}

#[derive(Serialize)]
struct Answer {
    id: JobId,
    kind: &'static str,
    queue: &'static str,
    /// `new`, `existing` or `replaced`.
    outcome: &'static str,
}

impl Enqueue {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let registry = jobs::registry()?;
        let info = *known(&registry, &self.kind)?;
        let payload = json_argument(&self.payload)?;
        let mut job = info.enqueue(payload).map_err(|error| {
            advised(
                format!("the payload does not fit {}: {}", info.kind, error.problem),
                "quote the JSON for your shell: '{\"name\": 1}'",
            )
        })?;
        if let Some(at) = self.at {
            job = job.run_at(at);
        }
        if let Some(delay) = self.within {
            job = job.after(delay);
        }
        if let Some(priority) = self.priority {
            job = job.priority(priority);
        }
        if let Some(tenant) = self.tenant {
            job = job.tenant(tenant);
        }
        let mut conn = connect::database().await?;
        let enqueued = ops::enqueue::enqueue(&mut conn, job, Actor::CommandLine).await?;
        let outcome = enqueued.word();
        let answer = Answer { id: enqueued.id(), kind: info.kind.name, queue: info.queue.name, outcome };
        output.show(&answer, |answer| match outcome {
            "new" => format!("job {} is in the queue {}", answer.id, answer.queue),
            "replaced" => {
                format!("job {} was waiting with the same key; it has the new payload and time now", answer.id)
            }
            _ => format!("job {} with the same key is already there; nothing was added", answer.id),
        })
    }
}

fn known<'a>(registry: &'a Registry, kind: &str) -> anyhow::Result<&'a KindInfo> {
    registry.get(kind).ok_or_else(|| {
        let names = registry.iter().map(|info| info.kind.name);
        advised(format!("there is no kind {kind:?}"), near::advice("kinds", names, kind))
    })
}

/// Reads JSON from the argument itself, from `@file`, or from standard input (`-`).
pub(crate) fn json_argument(text: &str) -> anyhow::Result<Value> {
    let (json, from) = if text == "-" {
        let mut read = String::new();
        std::io::stdin().lock().read_to_string(&mut read).context("read standard input")?;
        (read, "standard input".to_owned())
    } else if let Some(path) = text.strip_prefix('@') {
        let read = std::fs::read_to_string(path).map_err(|error| {
            advised(format!("cannot read {path}: {error}"), "after @ comes the name of a file with JSON")
        })?;
        (read, path.to_owned())
    } else {
        (text.to_owned(), "the payload".to_owned())
    };
    serde_json::from_str(&json)
        .map_err(|error| advised(format!("{from} is not JSON: {error}"), "quote it for your shell: '{\"name\": 1}'"))
}

#[cfg(test)]
mod tests;
