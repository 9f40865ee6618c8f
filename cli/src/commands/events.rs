//! `tradeyard events …`

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use jobs::cargo::{Parked, ParkedMessage, ReplayError};
use market::cargo::store::{self, KeptReject};
use queue::ops;
use serde::Serialize;
use shared::audit::Actor;
use shared::config::Config;

use crate::connect;
use crate::failure::advised;
use crate::output::{Column, Output, or_dash, relative};

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// List cargo events that did not get into the log: messages that the consumer died over, and events that it cannot store.
    Parked {
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
        limit: u16,
    },
    /// Send parked messages into the lane again, oldest first, or the rejected events that are named.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The most messages to send.
    #[arg(long, default_value_t = 10_000)]
    limit: u32,
    /// Instead, a rejected event by its ID; may be given several times.
    #[arg(long, value_name = "ID")]
    reject: Vec<i64>,
}

#[derive(Serialize)]
struct Listing {
    /// How many messages RabbitMQ has parked.
    messages_parked: u32,
    messages: Vec<ParkedMessage>,
    rejects: Vec<KeptReject>,
}

#[derive(Serialize)]
struct Replayed {
    sent: u64,
    left: u32,
}

impl Events {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let config = Config::load()?;
        match self {
            Self::Parked { limit } => {
                let mut conn = connect::events(&config).await?;
                let now = ops::now(&mut conn).await?;
                let rejects = store::rejects(&mut conn, limit.into()).await?;
                let mut listing = Listing { messages_parked: 0, messages: Vec::new(), rejects };
                // Without RabbitMQ the API writes events into the log itself.
                if config.amqp_url.is_some() {
                    let parked = open(&config).await?;
                    listing.messages_parked = parked.count().await?;
                    listing.messages = parked.list(limit.into()).await?;
                    parked.close().await?;
                }
                output.show(&listing, |listing| view(listing, now, output))
            }
            Self::Replay(Replay { limit, reject }) => {
                let parked = open(&config).await?;
                let mut conn = connect::open(&config).await?;
                let sent = if reject.is_empty() {
                    parked.replay(&mut conn, Actor::CommandLine, limit).await?.into()
                } else {
                    let mut events = connect::events(&config).await?;
                    let sent = parked.replay_rejects(&mut conn, &mut events, Actor::CommandLine, &reject).await;
                    sent.map_err(|error| match error {
                        ReplayError::NoReject { .. } => {
                            advised(error.to_string(), "`tradeyard events parked` lists the rejects")
                        }
                        error => error.into(),
                    })?
                };
                let left = parked.count().await?;
                parked.close().await?;
                output.show(&Replayed { sent, left }, |done| {
                    format!("{} sent into the lane again; {} messages are parked", done.sent, done.left)
                })
            }
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<Parked> {
    let url = config.amqp_url.as_ref().ok_or_else(|| {
        advised("this installation has no RabbitMQ", "set AMQP_URL to the one that carries the cargo events")
    })?;
    Parked::open(url, &config.namespace).await.context("look into the lane of cargo events")
}

fn view(listing: &Listing, now: DateTime<Utc>, output: Output) -> String {
    let text = if listing.messages.is_empty() {
        "No parked messages.".to_owned()
    } else {
        let mut table = output.table(&[
            Column::cut("KEY", 20),
            Column::full("EVENTS"),
            Column::full("BYTES"),
            Column::cut("WHY", 12),
        ]);
        for it in &listing.messages {
            let why = it.reason.as_deref().map(|reason| match reason {
                "delivery_limit" => "the consumer died over it, again and again",
                other => other,
            });
            table.add_row([it.routing_key.clone(), or_dash(it.events), it.bytes.to_string(), or_dash(why)]);
        }
        let shown = listing.messages.len();
        format!("{} parked messages, the oldest {shown}:\n{table}", listing.messages_parked)
    };
    if listing.rejects.is_empty() {
        return format!("{text}\nNo rejected events.");
    }
    let mut table = output.table(&[
        Column::full("REJECT"),
        Column::cut("KEY", 20),
        Column::full("BYTES"),
        Column::full("SEEN"),
        Column::full("LAST"),
        Column::cut("WHY", 12),
    ]);
    for it in &listing.rejects {
        table.add_row([
            it.id.to_string(),
            it.routing_key.clone(),
            it.size.to_string(),
            it.seen.to_string(),
            relative(Some(it.last_at), now),
            it.reason.clone(),
        ]);
    }
    format!("{text}\n\n{table}")
}
