//! `tradeyard demo`: real auctions played through the HTTP API, with time compressed.
//!
//! A run finds out what earlier runs have stored (by reading the database, on connections that
//! cannot write) and does what is missing, through the API. People and their organisations are kept
//! for good. The lots of one play are a *round* with a seller of its own. A round that was
//! interrupted while its auctions ran cannot be completed, because their ends are fixed and the
//! remaining bids would be late. What it left on offer is taken back and another round is played:
//! by the same run if the API was away for a while or the pace was too fast, otherwise by the next
//! one.

mod bids;
mod chats;
mod client;
mod documents;
mod expected;
mod fates;
mod figures;
mod flood;
mod follow_up;
mod hooks;
mod journey;
mod lots;
mod people;
mod photos;
mod plan;
mod play;
mod progress;
mod run;
mod sale;
mod sales;
mod settle;
mod shop;
mod store;
mod timeline;
mod trade;
mod tries;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use shared::config::{Config, Mode};
use shared::program::Signals;

pub(crate) use self::flood::Flood;
use self::hooks::Hooks;
use self::plan::Plan;
use self::run::Run;
use crate::failure::advised;
use crate::output::{Output, print, print_json};
use crate::secrets;

/// Play real auctions through the HTTP API, with time compressed.
///
/// Registers the people, lists the lots with photographs, places every bid in its order, lets the jobs close the auctions; then
/// buyers ask and sellers answer, buyers pay or do not, sellers ship, some buyers dispute, a shop sells from stock in three currencies. Reports what was sold,
/// saves documents of it (a month's figures, a workbook, an invoice, what goes with waste), and compares the outcome with the
/// record, and the books with each other. Run again, it adds nothing twice. An interrupted run is continued, or another round is
/// played when its auctions were running.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Another file to play, of the same columns as `cli/data/auctions/xbox_bids.csv`.
    #[arg(long, value_name = "FILE")]
    bids: Option<PathBuf>,
    /// Where the API is; `PUBLIC_URL` unless given.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// The folder that `tradeyard dev` was given, for the secrets that it generated; used when `JWT_SECRET` is not set.
    #[arg(long, default_value = secrets::DIR, value_name = "FOLDER")]
    dir: PathBuf,
    /// How long the auctions run; chosen by the speed of the machine unless given.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(20..=600))]
    seconds: Option<u64>,
    /// Where the documents that it ends with are saved.
    #[arg(long, default_value = ".dev/documents", value_name = "FOLDER")]
    documents: PathBuf,
    /// How many orders the shop sells after the auctions.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    orders: u16,
}

impl Demo {
    pub(crate) async fn run(self, output: Output) -> anyhow::Result<()> {
        // Before connecting to anything, so that nothing is written if the file is bad.
        let plan = match &self.bids {
            Some(path) => bids::read(path)?,
            None => Plan::new(bids::XBOX).context("the recorded bids")?,
        };
        let mut config = Config::load()?;
        if config.mode == Mode::Production {
            return Err(advised(
                "the demo's people and sales have no place in production",
                "run it on an installation for trying things out, with MODE=development",
            ));
        }
        secrets::recall(&mut config, &self.dir)?;
        let stop = Signals::listen().context("listen for signals")?.stop;
        let base = self.api.as_deref().unwrap_or(&config.http.public_url).trim_end_matches('/').to_owned();
        let run = Run {
            plan: &plan,
            config: &config,
            base,
            seconds: self.seconds,
            orders: self.orders.into(),
            folder: &self.documents,
            hooks: Hooks::start().await?,
        };
        let outcome = tokio::select! {
            outcome = run.run() => outcome?,
            () = stop.cancelled() => return Err(advised(
                "interrupted",
                "run it again: it goes on where it can; instead of auctions that were running, another round is played",
            )),
        };
        let lines = figures::lines(&outcome.figures, &outcome.wanted);
        if output.json {
            print_json(&outcome.figures)?;
        } else {
            let documents = figures::documents(&outcome.figures);
            print(&format!("{}\n{}\n{documents}", figures::text(&lines, &outcome.wanted), outcome.notes))?;
        }
        let broken = lines.iter().filter(|line| !line.holds).map(|line| line.name).collect::<Vec<_>>();
        ensure!(broken.is_empty(), "figures that do not hold: {}", broken.join(", "));
        Ok(())
    }
}
