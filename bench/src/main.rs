//! `bench`: what the queue does in a second on this machine, beside what the machine itself allows.
//!
//! Worker and scheduler run as processes of their own, as in production; the database, Redis and RabbitMQ share the cores.

mod events;
mod measure;
mod noop;
mod processes;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shared::config::Config;
use shared::program;

#[derive(Debug, Parser)]
#[command(version, about = "Measures Tradeyard's queue on this machine.")]
struct Args {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How many jobs are drained per run and transport.
    #[arg(long, default_value_t = 100_000)]
    jobs: i64,
    /// How many runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Part {
    /// The worker process of a measurement.
    #[command(hide = true)]
    Worker {
        #[arg(long, default_value_t = 500)]
        concurrency: usize,
    },
    /// The scheduler process of a measurement.
    #[command(hide = true)]
    Scheduler,
    /// Measures the events lane alone.
    Events {
        #[arg(long, default_value_t = 300_000)]
        count: usize,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    program::main("bench", async |config: Config, signals| match args.part {
        Some(Part::Worker { concurrency }) => noop::worker(&config, concurrency, signals.stop).await,
        Some(Part::Events { count }) => events::report(&config, count, args.json).await,
        Some(Part::Scheduler) => noop::scheduler(&config, signals.stop).await,
        None => report::run(&config, args.jobs, args.runs.max(1), args.json).await,
    })
}
