//! `bench`: measures what the queue does per second on this machine, beside what the machine itself
//! allows.
//!
//! Worker and scheduler run as processes of their own, as in production; the database, Redis and RabbitMQ share the cores.

mod cache;
mod chat;
mod closing;
mod drain;
mod enqueue;
mod events;
mod http;
mod images;
mod latency;
mod limits;
mod noop;
mod processes;
mod report;
mod reports;
mod run;
mod search;
mod sockets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use shared::config::Config;
use shared::program;

use crate::run::Extent;

#[derive(Debug, Parser)]
#[command(version, about = "Measures Tradeyard's queue on this machine.")]
struct Args {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How many jobs are enqueued and drained in each run.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1_000..=1_000_000))]
    jobs: i64,
    /// How many runs; the median is printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
    runs: u8,
    /// The largest backlog over which the cost of a job is measured.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    backlog: i64,
    /// How many listings are searched.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(i64).range(1_000..=1_000_000))]
    listings: i64,
    /// How many seconds each kind of request is sent.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=60))]
    seconds: u8,
    /// A folder of JPEGs that are made into pictures.
    #[arg(long, default_value = "cli/data/photos")]
    photos: PathBuf,
    /// Where the packages of the peers are, as `./dev bench` installs them.
    #[arg(long, hide = true)]
    tools: Option<PathBuf>,
    /// Only these pieces of the benchmark, in its own order.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Piece>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// A piece of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Piece {
    /// What the machine and its servers allow by themselves.
    Machine,
    Enqueue,
    /// Waiting jobs, run to their end through each transport.
    Drain,
    /// The cost of a job over backlogs of every size.
    Backlog,
    /// Idle system: commit to start, and the closing of auctions.
    Latency,
    /// Cargo events, from RabbitMQ and from the API to the log.
    Events,
    /// The same with 100,000, a million and ten million events in the log; only when it is named here.
    EventsStored,
    Memory,
    /// Requests to the API and to its peers.
    Http,
    /// 10,000 auctions that end at the same moment, while bids go on elsewhere.
    Closing,
    /// 1,000 sockets on one auction, and 5,000 that come back at once.
    Sockets,
    /// Positions reported over HTTP until those who follow the shipment know of them.
    Tracking,
    /// Messages between buyers and sellers, encrypted.
    Chat,
    /// Searches over many listings.
    Search,
    /// Pages of the search through the API, with its cache and without it.
    Cache,
    /// Pages of the search through the API and its peers.
    SearchHttp,
    /// Photographs made into pictures, beside other programs.
    Images,
    /// A report of a million rows as XLSX, beside openpyxl.
    Reports,
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
    /// The process that writes a report.
    #[command(hide = true)]
    Report,
}

fn main() -> ExitCode {
    let args = Args::parse();
    program::main("bench", &[], async |config: Config, signals| match args.part {
        Some(Part::Worker { concurrency }) => noop::worker(&config, concurrency, signals.stop).await,
        Some(Part::Scheduler) => noop::scheduler(&config, signals.stop).await,
        Some(Part::Report) => reports::write().await,
        None => {
            let (jobs, runs) = (args.jobs, args.runs.into());
            let extent = Extent {
                jobs,
                runs,
                backlog: args.backlog,
                listings: args.listings,
                measured: Duration::from_secs(args.seconds.into()),
                photos: args.photos,
                tools: args.tools,
                only: args.only,
            };
            run::run(&config, extent, args.json).await
        }
    })
}
