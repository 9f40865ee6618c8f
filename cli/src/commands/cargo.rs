//! `tradeyard cargo …`

mod archive;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use jobs::cargo::{EventLane, Parked, RejectError, discard_reject, replay_reject};
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

/// The most messages that one command sends.
const MAX_REPLAYED: i64 = 10_000;

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
    /// Move messages that RabbitMQ gave up to the rejects now, as the consumer does while it runs.
    Collect {
        #[arg(long, default_value_t = 10_000)]
        limit: u32,
    },
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
    #[arg(value_name = "ID", required_unless_present = "parked")]
    reject: Option<i64>,
    /// Send this message in its place: JSON, @file, or - for standard input.
    #[arg(long, value_name = "JSON", conflicts_with = "parked")]
    message: Option<String>,
    /// Instead, all that RabbitMQ gave up, as they arrived, the oldest first.
    #[arg(long, conflicts_with = "reject")]
    parked: bool,
}

#[derive(Serialize)]
struct Replayed {
    reject: i64,
    sent: usize,
}

#[derive(Serialize)]
struct ReplayedParked {
    messages: usize,
    sent: usize,
    /// Those that stay, because their events would be refused again.
    left: Vec<i64>,
}

#[derive(Serialize)]
struct Collected {
    collected: u32,
    /// Those that are too long for a reject, or came meanwhile.
    left: u32,
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
            Self::Replay(Replay { reject: Some(reject), message, .. }) => {
                let done = replay(&config, &mut events, reject, message.as_deref()).await?;
                output.show(&done, |done| format!("{} sent into the lane", counted(done.sent)))
            }
            Self::Replay(_) => {
                let done = replay_parked(&config, &mut events).await?;
                output.show(&done, |done| {
                    let left = if done.left.is_empty() {
                        String::new()
                    } else {
                        let ids = done.left.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
                        format!("; these would be refused again: {ids}")
                    };
                    format!("{} of {} messages sent into the lane{left}", counted(done.sent), done.messages)
                })
            }
            Self::Collect { limit } => {
                let done = collect(&config, &mut events, limit).await?;
                output.show(&done, |done| format!("{} messages collected, {} left", done.collected, done.left))
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

/// Sends one reject, or `message` in its place.
async fn replay(
    config: &Config,
    events: &mut PgConnection,
    reject: i64,
    message: Option<&str>,
) -> anyhow::Result<Replayed> {
    let read = |text: &str| {
        serde_json::from_value::<EventMessage<CargoEvent>>(json_argument(text)?).map_err(|error| {
            let advice = r#"it looks like {"org": "…", "events": [{…}]}"#;
            advised(format!("--message is not a message of events: {error}"), advice)
        })
    };
    let edited = message.map(read).transpose()?;
    let mut conn = connect::open(config).await?;
    let lane = lane(config)?;
    let bounds = Bounds::at(ops::now(events).await?);
    let sent = replay_reject(&lane, events, &mut conn, Actor::CommandLine, reject, edited, &bounds).await;
    Ok(Replayed { reject, sent: sent.map_err(|error| refused(reject, &error))? })
}

/// Sends all that RabbitMQ gave up. What would be refused again stays, and whoever mends it sends it on its own.
async fn replay_parked(config: &Config, events: &mut PgConnection) -> anyhow::Result<ReplayedParked> {
    let mut conn = connect::open(config).await?;
    let lane = lane(config)?;
    let bounds = Bounds::at(ops::now(events).await?);
    let mut done = ReplayedParked { messages: 0, sent: 0, left: Vec::new() };
    for reject in store::parked_rejects(events, MAX_REPLAYED).await? {
        match replay_reject(&lane, events, &mut conn, Actor::CommandLine, reject, None, &bounds).await {
            Ok(sent) => {
                done.messages += 1;
                done.sent += sent;
            }
            // Somebody else has just decided about it.
            Err(RejectError::NotFound) => {}
            Err(RejectError::Unreadable(_) | RejectError::Invalid(_)) => done.left.push(reject),
            Err(error) => return Err(refused(reject, &error)),
        }
    }
    Ok(done)
}

async fn collect(config: &Config, events: &mut PgConnection, limit: u32) -> anyhow::Result<Collected> {
    let url = config.amqp_url.as_ref().ok_or_else(|| {
        advised("this installation has no RabbitMQ", "set AMQP_URL to the one that carries the cargo events")
    })?;
    let parked = Parked::open(url, &config.namespace).await.context("look into the lane of cargo events")?;
    let collected = parked.collect(events, limit).await.context("collect what RabbitMQ gave up")?.moved;
    let left = parked.count().await?;
    parked.close().await?;
    Ok(Collected { collected, left })
}

fn lane(config: &Config) -> anyhow::Result<EventLane> {
    Ok(EventLane::new(config, shared::db::pool(&config.events_database_url, 1, "tradeyard-cli")?))
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
