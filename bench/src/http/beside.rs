//! How long a bid takes while carriers report 10,000 events a minute, beside how long it takes without.

use std::net::SocketAddr;
use std::time::Duration;

use shared::config::Config;
use sqlx::PgPool;

use super::load::{Bid, Events, pace};
use super::market::{Market, Tokens, clear};
use super::server::Server;
use super::{CONNECTIONS, LOTS};
use crate::processes::Part;
use crate::report::{Report, percentile_ms};
use crate::run::Extent;

/// Each of the connections bids so often: 107 bids a second together, as many as the demo's auctions see.
pub(crate) const BID_EVERY: Duration = Duration::from_millis(150);
/// Between two requests with events: an event each 6 ms, 10,000 a minute.
const EVENTS_EVERY: Duration = Duration::from_millis(6 * Events::EACH as u64);
/// Quiet and loud by turns, so that what else the machine does meets both.
const TURNS: usize = 4;
/// A percentile of bids at this pace needs longer than a rate of requests.
const LONGER: u32 = 3;

/// Measures bids by turns without events and with them; API and `worker-cargo` run all the time.
pub(super) async fn measure(
    config: &Config,
    pool: &PgPool,
    market: &Market,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut without, mut with, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.runs {
        let running = Server::Api.start(config, None).await?;
        let worker = Part::program("worker-cargo")?;
        let addr = running.addresses[0];
        let tokens = market.log_in(addr).await?;
        let (mut quiet, mut loud) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            for (took, has_events) in [(&mut quiet, false), (&mut loud, true)] {
                clear(pool).await?;
                took.append(&mut turn(addr, pool, market, &tokens, has_events, extent.measured * LONGER).await?);
            }
        }
        worker.stop().await;
        running.stop().await;
        let (quiet, loud) = (percentile_ms(quiet, 95), percentile_ms(loud, 95));
        without.push(quiet);
        with.push(loud);
        times.push(loud / quiet);
    }
    clear(pool).await?;
    report.put("bid_p95_ms", &without, "107 bids a second, from the moment that each was due");
    report.put("bid_p95_with_events_ms", &with, "the same beside 10,000 events a minute, reported and recorded");
    report.put("bid_p95_beside_events", &times, "the second by the first, run by run");
    Ok(())
}

async fn turn(
    addr: SocketAddr,
    pool: &PgPool,
    market: &Market,
    tokens: &Tokens,
    has_events: bool,
    measured: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let bids = pace(addr, Bid::all(&lots, &tokens.buyers), BID_EVERY, measured);
    if !has_events {
        return bids.await;
    }
    let events = Events::new(tokens.admin.clone(), market.admin.org.0);
    let (bids, events) = tokio::join!(bids, pace(addr, vec![events], EVENTS_EVERY, measured));
    events?;
    bids
}
