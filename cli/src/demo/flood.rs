//! `tradeyard flood`: a million cargo events through the HTTP API, late, repeated, corrected and broken as carriers send them, and
//! what the log makes of them, compared with the flood's own record.

mod compare;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use market::cargo::CargoEvent;
use market::cargo::flood::{self, Record};
use serde::Deserialize;
use shared::config::{Config, Mode};
use shared::ids::OrgId;
use shared::program::Signals;

use self::compare::{Figures, Line};
use super::bids;
use super::client::{Client, Token};
use super::people::{Registry, Trader};
use super::plan::Plan;
use super::progress::{Step, line};
use super::store::Stored;
use crate::failure::advised;
use crate::output::Output;
use crate::secrets;

/// The events of one request.
const BATCH: usize = 1000;
/// Pools that must run.
const POOLS: [&str; 2] = ["emails", "cargo"];
/// How many requests are under way at once after the flood.
const AT_ONCE: usize = 16;
/// How long the log may stand still before something is missing for good.
const PATIENCE: Duration = Duration::from_secs(30);

/// Send a flood of cargo events through the HTTP API, and compare what is there afterwards with the flood's own record.
///
/// The events are plausible and made from a seed: lives of shipments with repeats, late events, corrections and corrections of those,
/// events ahead of their time, and some with an impossible time, which go into quarantine. Fails when anything differs.
#[derive(Debug, Args)]
pub(crate) struct Flood {
    /// How many events are sent, repeats and impossible ones among them.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    events: u64,
    /// Of how many shipments.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    shipments: u32,
    /// Another seed makes another flood.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many requests are under way at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    in_flight: u8,
    /// Where the API is; `PUBLIC_URL` unless given.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// The folder that `tradeyard dev` was given, for the secrets that it generated; used when `JWT_SECRET` is not set.
    #[arg(long, default_value = secrets::DIR, value_name = "FOLDER")]
    dir: PathBuf,
}

/// What the API says of the events of a request.
#[derive(Deserialize)]
struct Taken {
    accepted: u64,
    #[serde(default)]
    quarantined: Vec<serde_json::Value>,
}

/// What the API has said of all of them.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    accepted: u64,
    quarantined: u64,
}

impl Flood {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let mut config = Config::load()?;
        if config.mode == Mode::Production {
            return Err(advised(
                "the flood's events have no place in production",
                "run it on an installation for trying things out, with MODE=development",
            ));
        }
        secrets::recall(&mut config, &self.dir)?;
        let stop = Signals::listen().context("listen for signals")?.stop;
        let figures = tokio::select! {
            figures = self.play(&config) => figures?,
            () = stop.cancelled() => return Err(advised(
                "interrupted",
                "what was sent is in the log; run it again: another run has shipments of its own",
            )),
        };
        output.show(&figures, Figures::text)?;
        let broken: Vec<_> = figures.lines.iter().filter(|line| !line.holds()).map(|line| line.name).collect();
        ensure!(broken.is_empty(), "figures that do not hold: {}", broken.join(", "));
        Ok(())
    }

    async fn play(&self, config: &Config) -> anyhow::Result<Figures> {
        let base = self.api.as_deref().unwrap_or(&config.http.public_url).trim_end_matches('/').to_owned();
        let client = Client::new(&base, AT_ONCE.max(self.in_flight.into()))?;
        client.knock().await?;
        let names = Plan::new(bids::XBOX).context("the names of the demo")?;
        let mut stored = Stored::open(config, &names).await?;
        let idle = stored.idle_pools(&POOLS).await?;
        if !idle.is_empty() {
            return Err(advised(
                format!("no worker runs for {}: the flood would wait for ever", idle.join(", ")),
                "`./dev up` starts everything; `tradeyard workers` shows what runs",
            ));
        }
        let registry =
            Registry { client: &client, plan: &names, secret: config.jwt_secret()?, at_once: AT_ONCE, hooks: None };
        let people = stored.people(&names).await?;
        let admin = registry.admin(config, &mut stored, &people).await?;
        let Trader { token, org } = registry.reporter(config, &mut stored, &admin, &people).await?;

        let at = stored.now().await?;
        let tag = format!("flood-{}-{}", self.seed, at.timestamp());
        let plan =
            flood::Plan { seed: self.seed, events: self.events, shipments: self.shipments, tag: tag.clone(), at };
        let (mut flood, before) = (flood::Flood::new(plan), stored.events_of(org).await?);
        let begin = Instant::now();
        let step = Step::begin("sending events", self.events);
        let batches = stream::iter(std::iter::from_fn(|| Some(flood.batch(BATCH)).filter(|batch| !batch.is_empty())));
        let mut answers = self.send(&client, &token, batches, &step, Answers::default()).await?;
        step.end();
        let sending = begin.elapsed();
        // What changed must find the first events in the log.
        let changed = flood.changed();
        let record = flood.record();
        until_stored(&mut stored, org, before, &record).await?;
        let storing = begin.elapsed();
        // A session may have ended meanwhile.
        let token = registry.log_in(&names.reporter_email()).await.unwrap_or(token);
        let step = Step::begin("sending events again that say something else", changed.len() as u64);
        let batches = stream::iter(changed.chunks(BATCH).map(<[_]>::to_vec).collect::<Vec<_>>());
        answers = self.send(&client, &token, batches, &step, answers).await?;
        step.end();
        let sentinel = sentinel(&tag, at);
        let last: Taken = client.post("/v1/cargo-events").repeatable().as_(&token).json(&sentinel).send().await?;
        let after = Record { stored: record.stored + last.accepted, ..Record::default() };
        until_stored(&mut stored, org, before, &after).await?;

        let stands = compare::standings(&client, &token, &record, AT_ONCE).await?;
        let logged = stored.events_of(org).await?.saturating_sub(before + last.accepted);
        let rejects = stored.rejects_with(&tag).await?;
        stored.close().await;
        for one in stands.wrong.iter().take(5) {
            line(one);
        }
        let sound = record.standings.len() as u64;
        Ok(Figures {
            lines: vec![
                Line { name: "events sent", expected: self.events, found: record.sent },
                Line { name: "taken by the API", expected: record.sent - record.quarantined, found: answers.accepted },
                Line { name: "quarantined by the API", expected: record.quarantined, found: answers.quarantined },
                Line { name: "in the log, each once", expected: record.stored, found: logged },
                Line { name: "among the rejects", expected: record.quarantined, found: rejects },
                Line { name: "shipments as recorded", expected: sound, found: sound - stands.wrong.len() as u64 },
            ],
            sent_per_s: per_second(record.sent, sending),
            stored_per_s: per_second(record.stored, storing),
            tag,
        })
    }

    async fn send(
        &self,
        client: &Client,
        token: &Token,
        batches: impl futures::Stream<Item = Vec<CargoEvent>>,
        step: &Step,
        before: Answers,
    ) -> anyhow::Result<Answers> {
        let requests = batches.map(async |batch| {
            let taken: Taken = client.post("/v1/cargo-events").repeatable().as_(token).json(&batch).send().await?;
            anyhow::Ok((batch.len() as u64, taken))
        });
        let mut sent = 0;
        requests
            .buffer_unordered(self.in_flight.into())
            .try_fold(before, |all, (count, taken)| {
                sent += count;
                step.at(sent);
                let quarantined = all.quarantined + taken.quarantined.len() as u64;
                std::future::ready(Ok(Answers { accepted: all.accepted + taken.accepted, quarantined }))
            })
            .await
    }
}

/// An event that comes when everything else is in the lane.
fn sentinel(tag: &str, at: chrono::DateTime<chrono::Utc>) -> serde_json::Value {
    serde_json::json!({"source": "flood-end", "source_event_id": tag, "shipment": format!("{tag}-end"), "type": "actual",
        "status": "pending", "occurred_at": at})
}

/// Waits until the log has as many more events as recorded, or stands still.
async fn until_stored(stored: &mut Stored, org: OrgId, before: u64, record: &Record) -> anyhow::Result<()> {
    let step = Step::begin("recording events", record.stored);
    let (mut last, mut moved) = (0, Instant::now());
    loop {
        let logged = stored.events_of(org).await?.saturating_sub(before);
        step.at(logged);
        if logged != last {
            (last, moved) = (logged, Instant::now());
        }
        if logged >= record.stored || moved.elapsed() > PATIENCE {
            step.end();
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most five million events")]
fn per_second(events: u64, time: Duration) -> f64 {
    (events as f64 / time.as_secs_f64().max(0.001)).round()
}
