//! `tradeyard cargo …`

mod archive;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use jobs::cargo::{EventLane, RejectError, discard_reject, replay_reject};
use market::cargo::store::{self, KeptReject, RejectedMessage};
use market::cargo::{Bounds, CargoEvent, EventMessage, Fault};
use queue::ops;
use serde::Serialize;
use shared::audit::Actor;
use shared::config::Config;
use sqlx::PgConnection;

use self::archive::Archive;
use super::enqueue::json_argument;
use crate::connect;
use crate::failure::advised;
use crate::output::{Column, Output, relative};

#[derive(Debug, Subcommand)]
pub(crate) enum Cargo {
    /// List the events that could not be recorded, newest first.
    Rejects {
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// Print what arrived and could not be recorded.
    Show {
        #[arg(value_name = "ID")]
        reject: i64,
    },
    /// Send an event that could not be recorded again; the events of it are checked first.
    Replay(Replay),
    /// Give up an event that could not be recorded.
    Drop {
        #[arg(value_name = "ID")]
        reject: i64,
    },
    /// See which months of the log are archived, and read them.
    #[command(subcommand)]
    Archive(Archive),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[arg(value_name = "ID")]
    reject: i64,
    /// Send this message in its place: JSON, @file, or - for standard input.
    #[arg(long, value_name = "JSON")]
    message: Option<String>,
}

#[derive(Serialize)]
struct Replayed {
    reject: i64,
    sent: usize,
}

#[derive(Serialize)]
struct Dropped {
    reject: i64,
}

impl Cargo {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let config = Config::load()?;
        let mut events = connect::events(&config).await?;
        match self {
            Self::Rejects { limit } => {
                let now = ops::now(&mut events).await?;
                let rejects = store::page_rejects(&mut events, None, limit.into()).await?;
                output.show(&rejects, |rejects| view(rejects, now, output))
            }
            Self::Show { reject } => {
                let found = store::get_reject(&mut events, reject).await?;
                let found = found.ok_or_else(|| refused(reject, &RejectError::NotFound))?;
                output.show(&found, describe)
            }
            Self::Archive(archive) => archive.run(&config, &mut events, output).await,
            Self::Replay(replay) => {
                let done = replay.run(&config, &mut events).await?;
                output.show(&done, |done| format!("{} sent into the lane", counted(done.sent)))
            }
            Self::Drop { reject } => {
                let mut conn = connect::open(&config).await?;
                let dropped = discard_reject(&mut events, &mut conn, Actor::CommandLine, reject).await;
                dropped.map_err(|error| refused(reject, &error))?;
                output.show(&Dropped { reject }, |done| format!("reject {} is gone", done.reject))
            }
        }
    }
}

impl Replay {
    async fn run(self, config: &Config, events: &mut PgConnection) -> anyhow::Result<Replayed> {
        let Self { reject, message } = self;
        let read = |text: &str| {
            serde_json::from_value::<EventMessage<CargoEvent>>(json_argument(text)?).map_err(|error| {
                let advice = r#"it looks like {"org": "…", "events": [{…}]}"#;
                advised(format!("--message is not a message of events: {error}"), advice)
            })
        };
        let edited = message.as_deref().map(read).transpose()?;
        let mut conn = connect::open(config).await?;
        let lane = EventLane::new(config, shared::db::pool(&config.events_database_url, 1, "tradeyard-cli")?);
        let bounds = Bounds::at(ops::now(events).await?);
        let sent = replay_reject(&lane, events, &mut conn, Actor::CommandLine, reject, edited, &bounds).await;
        Ok(Replayed { reject, sent: sent.map_err(|error| refused(reject, &error))? })
    }
}

/// What to do about a reject that could not be sent or given up.
fn refused(reject: i64, error: &RejectError) -> anyhow::Error {
    let advice = match error {
        RejectError::NotFound => "`tradeyard cargo rejects` lists them",
        RejectError::Unreadable(_) | RejectError::Invalid(_) => {
            "`tradeyard cargo show ID` prints it; `--message JSON` sends a mended one"
        }
        RejectError::Lane(_) | RejectError::Sql(_) => {
            "it is still there; try again when RabbitMQ and PostgreSQL answer"
        }
    };
    let mut lines = vec![format!("reject {reject}: {error}")];
    if let RejectError::Invalid(faults) = error {
        let line = |(place, fault): &(usize, Fault)| format!("  /events/{place}{}: {}", fault.pointer, fault.problem);
        lines.extend(faults.iter().map(line));
    }
    advised(lines.join("\n"), advice)
}

fn counted(events: usize) -> String {
    if events == 1 { "1 event".to_owned() } else { format!("{events} events") }
}

fn view(rejects: &[KeptReject], now: DateTime<Utc>, output: Output) -> String {
    if rejects.is_empty() {
        return "No rejected events.".to_owned();
    }
    let mut table = output.table(&[
        Column::full("REJECT"),
        Column::cut("KEY", 16),
        Column::full("BYTES"),
        Column::full("SEEN"),
        Column::full("LAST"),
        Column::cut("WHY", 20),
    ]);
    for it in rejects {
        table.add_row([
            it.id.to_string(),
            it.routing_key.clone(),
            it.size.to_string(),
            it.seen.to_string(),
            relative(Some(it.last_at), now),
            it.reason.clone(),
        ]);
    }
    table.to_string()
}

fn describe(message: &RejectedMessage) -> String {
    let RejectedMessage { reject, text, whole } = message;
    let cut = if *whole { "" } else { "\n… (the rest was not kept)" };
    format!(
        "Reject {}: {}\nSeen {} times, the last time at {}.\n\n{text}{cut}",
        reject.id, reject.reason, reject.seen, reject.last_at
    )
}
