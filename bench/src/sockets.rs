//! Sockets of clients: how long a bid takes until 1,000 that watch its auction know of it, and how long other bids take while
//! 5,000 come back at once, as after a restart.
//!
//! Clients, API, PostgreSQL and Redis share the machine's cores. A person has ten sockets: at most 30 are allowed, and those that
//! are left behind count until the API has noticed.

mod client;
mod crowd;
mod fan_out;
mod reconnect;
pub(crate) mod tracking;

use anyhow::Context;
use shared::config::Config;
use sqlx::PgPool;

use self::fan_out::Heard;
use self::reconnect::Return;
use crate::http::market::{Market, clear};
use crate::http::server::Server;
use crate::report::Report;
use crate::run::{Extent, note};

/// Sockets of one person.
const EACH: usize = 10;
/// Whose sockets watch one auction.
const WATCHERS: usize = 100;
/// Whose sockets come back at once.
const RETURNING: usize = 500;
/// Files that this process and the API have open besides the sockets, with room.
const OTHER_FILES: usize = 1_500;

pub(crate) async fn measure(
    config: &Config,
    pool: &PgPool,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let files = open_files()?;
    let returning = RETURNING.min(files.saturating_sub(OTHER_FILES) / EACH);
    anyhow::ensure!(
        returning >= WATCHERS,
        "a process may have {files} files open: raise it, for instance by ulimit -n 8192"
    );
    note("people who watch");
    let market = Market::fill(pool, RETURNING).await?;
    let (mut heard, mut returns) = (Vec::new(), Vec::new());
    for run in 0..extent.runs {
        clear(pool).await?;
        let running = Server::Api.start(config, None).await?;
        let api = running.addresses[0];
        let tokens = market.log_in(api).await?;
        note(&format!("1,000 sockets on one auction, run {}", run + 1));
        heard.push(fan_out::measure(api, pool, &market, &tokens.buyers).await.context("sockets on one auction")?);
        if returning == RETURNING {
            note(&format!("5,000 sockets come back, run {}", run + 1));
            let back = reconnect::measure(&running, pool, &market, &tokens.buyers, extent.measured).await;
            returns.push(back.context("sockets that come back")?);
        } else {
            note(&format!("5,000 sockets are left out: a process may have only {files} files open"));
        }
        running.stop().await;
    }
    clear(pool).await?;
    let each = |figure: fn(&Heard) -> f64| heard.iter().map(figure).collect::<Vec<_>>();
    report.put(
        "sockets_1000_p50_ms",
        &each(|heard| heard.p50_ms),
        "from the sending of a bid to its arrival at a socket",
    );
    report.put("sockets_1000_p99_ms", &each(|heard| heard.p99_ms), "the same; 1,000 sockets, five bids a second");
    report.put("sockets_1000_missed", &each(|heard| heard.missed), "bids that a socket did not hear of");
    if !returns.is_empty() {
        let each = |figure: fn(&Return) -> f64| returns.iter().map(figure).collect::<Vec<_>>();
        report.put(
            "reconnect_5000_s",
            &each(|back| back.seconds),
            "a ticket, a socket and a snapshot for each, at the API's pace",
        );
        report.put("sockets_5000_api_mb", &each(|back| back.api_mb), "memory of the API with 5,000 sockets");
        report.put(
            "reconnect_5000_quiet_bid_p95_ms",
            &each(|back| back.quiet_ms),
            "107 bids a second, 5,000 sockets open",
        );
        report.put("reconnect_5000_bid_p95_ms", &each(|back| back.loud_ms), "the same while they come back");
        report.put("reconnect_5000_bid_slowdown", &each(Return::slowdown), "the second by the first, run by run");
    }
    Ok(())
}

/// How many files a process may have open; the programs that this one starts may have as many.
fn open_files() -> anyhow::Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("no limit of open files")?;
    Ok(if limit == "unlimited" { usize::MAX } else { limit.parse()? })
}
