//! `tradeyard queues …`

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use queue::ops::queues::{self, Change, QueueChange, QueueView};
use queue::ops::{self, Actor, span};
use queue::transport::{Transport, TransportProblem};
use serde::Serialize;
use shared::config::Config;

use crate::output::{Column, Output, or_dash, print, print_json};
use crate::{connect, when};

#[derive(Debug, Subcommand)]
pub(crate) enum Queues {
    /// List the queues with what is in them and what holds them up.
    List(List),
    /// Stop handing out the jobs of queues. Running ones finish; nothing is lost.
    Pause {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Hand out their jobs again.
    Resume {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Change a queue's limits.
    Set(Set),
    /// Move a queue to another transport: redis, rabbit or local. Jobs keep flowing.
    Move { name: String, transport: Transport },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show it again every second, or as often as given (2s, 500ms).
    #[arg(long, num_args = 0..=1, default_missing_value = "1s", value_parser = when::duration, value_name = "EVERY")]
    watch: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    name: String,
    /// The most jobs queued or running: 1 to 4000.
    #[arg(long)]
    window: Option<i32>,
    /// The most jobs queued or running for the work's own sake, such as a partner's limit; none lifts it.
    #[arg(long, value_parser = change::<i32>, value_name = "N|none")]
    limit: Option<Change<i32>>,
    /// Jobs a second; none lifts it.
    #[arg(long, value_parser = change::<f64>, value_name = "PER_SECOND|none")]
    rate: Option<Change<f64>>,
    /// How many may leave at once after a quiet time.
    #[arg(long)]
    burst: Option<f64>,
    /// The most jobs that one broker message names: 1 to 100; none chooses by how long jobs take.
    #[arg(long, value_parser = change::<i16>, value_name = "N|none")]
    pack: Option<Change<i16>>,
}

fn change<T: std::str::FromStr>(text: &str) -> Result<Change<T>, String> {
    if text == "none" {
        return Ok(Change::Unset);
    }
    text.parse().map(Change::To).map_err(|_| format!("{text:?} is neither a number nor none"))
}

#[derive(Serialize)]
struct Switched {
    queue: String,
    paused: bool,
    /// Jobs that came back from the broker.
    taken_back: u64,
}

impl Queues {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        let config = Config::load()?;
        let mut conn = connect::open(&config).await?;
        match self {
            Self::List(list) => loop {
                let now = ops::now(&mut conn).await?;
                let queues = queues::list(&mut conn, None).await?;
                let Some(every) = list.watch else {
                    return output.show(&queues, |queues| view(queues, now, output));
                };
                if output.json {
                    print_json(&queues)?;
                } else {
                    // Moves the cursor home and clears the screen, so that the table stays in
                    // place.
                    print(&format!("\x1b[H\x1b[2J{}\n\n{}", view(&queues, now, output), now.format("%H:%M:%S UTC")))?;
                }
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => return Ok(()),
                    () = tokio::time::sleep(every.max(Duration::from_millis(100))) => {}
                }
            },
            Self::Pause { names } => {
                for name in names {
                    let taken_back = queues::pause(&mut conn, &name, Actor::CommandLine).await?;
                    output.show(&Switched { queue: name, paused: true, taken_back }, |done| {
                        format!("{} is paused; {} jobs came back from the broker", done.queue, done.taken_back)
                    })?;
                }
                Ok(())
            }
            Self::Resume { names } => {
                for name in names {
                    queues::resume(&mut conn, &name, Actor::CommandLine).await?;
                    output.show(&Switched { queue: name, paused: false, taken_back: 0 }, |done| {
                        format!("{} goes on", done.queue)
                    })?;
                }
                Ok(())
            }
            Self::Set(set) => {
                let now = ops::now(&mut conn).await?;
                let change = QueueChange {
                    window: set.window,
                    concurrency_limit: set.limit.unwrap_or_default(),
                    rate_per_second: set.rate.unwrap_or_default(),
                    rate_burst: set.burst,
                    pack: set.pack.unwrap_or_default(),
                    transport: None,
                };
                let queue = queues::set(&mut conn, &set.name, &change, Actor::CommandLine).await?;
                output.show(&queue, |queue| view(std::slice::from_ref(queue), now, output))
            }
            Self::Move { name, transport } => {
                refuse_missing_broker(&config, transport)?;
                let now = ops::now(&mut conn).await?;
                let change = QueueChange { transport: Some(transport), ..QueueChange::default() };
                let queue = queues::set(&mut conn, &name, &change, Actor::CommandLine).await?;
                output.show(&queue, |queue| view(std::slice::from_ref(queue), now, output))
            }
        }
    }
}

/// Refuses a broker that this installation does not have: a queue on it would stand still.
fn refuse_missing_broker(config: &Config, transport: Transport) -> anyhow::Result<()> {
    let missing = match transport {
        Transport::Redis => config.redis_url.is_none().then_some("REDIS_URL"),
        Transport::Rabbit => config.amqp_url.is_none().then_some("AMQP_URL"),
        Transport::Local => None,
    };
    missing.map_or(Ok(()), |setting| {
        Err(crate::failure::advised(
            format!("this installation has no {transport}"),
            format!("set {setting}, restart schedulers and workers, then move the queue"),
        ))
    })
}

fn view(queues: &[QueueView], now: DateTime<Utc>, output: Output) -> String {
    if queues.is_empty() {
        return "No queues yet: a scheduler sets them up when it starts.".to_owned();
    }
    let mut table = output.table(&[
        Column::cut("QUEUE", 10),
        Column::full("TRANSPORT"),
        Column::full("WAITING"),
        Column::full("OLDEST"),
        Column::full("BROKER"),
        Column::full("RUNNING"),
        Column::full("LATER"),
        Column::full("DEAD"),
        Column::wide("WINDOW"),
        Column::wide("LIMIT"),
        Column::wide("RATE"),
        Column::full("WORKERS"),
        Column::wide("SLOTS"),
        Column::cut("STATE", 15),
    ]);
    for queue in queues {
        let set = &queue.settings;
        table.add_row([
            queue.name.clone(),
            set.transport.to_string(),
            queue.available.to_string(),
            queue.oldest_available.map_or_else(|| "–".to_owned(), |at| span(now - at)),
            queue.queued.to_string(),
            queue.running.to_string(),
            queue.scheduled.to_string(),
            queue.dead.to_string(),
            set.window.to_string(),
            or_dash(set.concurrency_limit),
            set.rate_per_second.map_or_else(|| "–".to_owned(), |rate| format!("{rate}/s")),
            queue.workers.to_string(),
            queue.slots.to_string(),
            state(queue),
        ]);
    }
    table.to_string()
}

/// What holds the queue up, in a word or two.
fn state(queue: &QueueView) -> String {
    if queue.settings.paused {
        return "paused".to_owned();
    }
    match &queue.dispatcher {
        None => "no dispatcher".to_owned(),
        Some(dispatcher) if !dispatcher.alive => "no dispatcher".to_owned(),
        Some(dispatcher) => match &dispatcher.broker_error {
            Some(_) if dispatcher.transport_problem == Some(TransportProblem::Blocked) => {
                format!("{}: blocked", queue.settings.transport)
            }
            // The error names the transport.
            Some(error) => format!("down: {error}"),
            None if queue.workers == 0 => "no workers".to_owned(),
            None => "ok".to_owned(),
        },
    }
}
