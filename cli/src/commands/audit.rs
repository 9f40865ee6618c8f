//! `tradeyard audit`

use chrono::{DateTime, Utc};
use clap::Args;
use queue::ops;
use serde::Serialize;
use serde_json::Value;
use shared::audit::{self, ActorKind, Written};
use shared::ids::UserId;

use crate::connect;
use crate::output::{Column, Output, or_dash, relative};

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only entries about one sort of thing, with --id: `org`, `user`, `auction`, `job`, …
    #[arg(long, value_name = "KIND", requires = "id")]
    about: Option<String>,
    #[arg(long, requires = "about")]
    id: Option<String>,
    /// Only entries before this one.
    #[arg(long, value_name = "SEQ")]
    before: Option<i64>,
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
}

#[derive(Serialize)]
struct Entry {
    seq: i64,
    at: DateTime<Utc>,
    actor_kind: Option<ActorKind>,
    actor: Option<UserId>,
    action: String,
    subject_kind: String,
    subject_id: String,
    data: Value,
    trace_id: Option<String>,
}

impl From<Written> for Entry {
    fn from(it: Written) -> Self {
        Self {
            seq: it.seq,
            at: it.at,
            actor_kind: it.actor_kind,
            actor: it.actor,
            action: it.action,
            subject_kind: it.subject_kind,
            subject_id: it.subject_id,
            data: it.data,
            trace_id: it.trace_id,
        }
    }
}

impl Entry {
    fn by(&self) -> String {
        match (self.actor, self.actor_kind) {
            (Some(user), _) => user.to_string(),
            (None, kind) => or_dash(kind),
        }
    }
}

impl Audit {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        let now = ops::now(&mut conn).await?;
        let subject = self.about.as_deref().zip(self.id.as_deref());
        let entries: Vec<Entry> =
            audit::page(&mut conn, subject, self.before, self.limit).await?.into_iter().map(Entry::from).collect();
        output.show(&entries, |entries| view(entries, now, output))
    }
}

fn view(entries: &[Entry], now: DateTime<Utc>, output: Output) -> String {
    if entries.is_empty() {
        return "No entries.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("SEQ"),
        Column::full("WHEN"),
        Column::cut("BY", 12),
        Column::cut("ACTION", 20),
        Column::cut("SUBJECT", 16),
        Column::cut("DATA", 12),
    ]);
    for it in entries {
        table.add_row([
            it.seq.to_string(),
            relative(Some(it.at), now),
            it.by(),
            it.action.clone(),
            format!("{} {}", it.subject_kind, it.subject_id),
            it.data.to_string(),
        ]);
    }
    table.to_string()
}
