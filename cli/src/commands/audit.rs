//! `tradeyard audit [verify]`

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use queue::ops;
use serde::Serialize;
use serde_json::Value;
use shared::audit::{self, ActorKind, Head, VerifyError, Written};
use shared::ids::UserId;

use crate::connect;
use crate::failure::advised;
use crate::output::{Column, Output, or_dash, relative};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Audit {
    #[command(subcommand)]
    act: Option<Act>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Compute every entry's hash anew, and say which entry was changed or is missing. The last line has the head of the chain: note it
    /// where nobody who can change the database can change it.
    Verify {
        /// A head that was noted before, or a file with some: the log is to go on from there.
        #[arg(long, value_name = "SEQ:HASH|FILE")]
        noted: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Which {
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

/// A log that is whole.
#[derive(Serialize)]
struct Verified {
    entries: u64,
    head: Option<String>,
}

impl Audit {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.act {
            None => self.which.list(output).await,
            Some(Act::Verify { noted }) => verify(noted.as_deref(), output).await,
        }
    }
}

impl Which {
    async fn list(self, output: Output) -> anyhow::Result<()> {
        let mut conn = connect::database().await?;
        let now = ops::now(&mut conn).await?;
        let subject = self.about.as_deref().zip(self.id.as_deref());
        let entries: Vec<Entry> =
            audit::page(&mut conn, subject, self.before, self.limit).await?.into_iter().map(Entry::from).collect();
        output.show(&entries, |entries| view(entries, now, output))
    }
}

async fn verify(noted: Option<&str>, output: Output) -> anyhow::Result<()> {
    let noted = noted.map_or_else(|| Ok(Vec::new()), heads)?;
    let mut conn = connect::database().await?;
    let whole = match audit::verify(&mut conn, &noted).await {
        Ok(whole) => whole,
        Err(VerifyError::Fault(fault)) => {
            let advice = "keep the database as it is, and compare it with a backup";
            return Err(advised(fault.to_string(), advice));
        }
        Err(VerifyError::Sql(error)) => return Err(error.into()),
    };
    let verified = Verified { entries: whole.entries, head: whole.head.map(|head| head.to_string()) };
    output.show(&verified, |Verified { entries, head }| {
        let head = head.as_deref().unwrap_or("the log is empty");
        format!("{entries} entries, each as it was written\n{head}")
    })
}

/// The heads that somebody has noted: the one that the text is, or those in the file that it names.
fn heads(noted: &str) -> anyhow::Result<Vec<Head>> {
    if let Ok(head) = noted.parse() {
        return Ok(vec![head]);
    }
    let text = std::fs::read_to_string(noted)
        .with_context(|| format!("{noted} is neither SEQ:HASH nor a file that can be read"))?;
    let heads: Vec<Head> =
        text.split(|c: char| c.is_whitespace() || "\",".contains(c)).filter_map(|word| word.parse().ok()).collect();
    if heads.is_empty() {
        return Err(advised(
            format!("there is no head in {noted}"),
            "a head is the last line of `tradeyard audit verify`, SEQ:HASH",
        ));
    }
    Ok(heads)
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
