//! How long bids take while 5,000 clients come back at once, beside how long they take while the same clients are there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::crowd::Crowd;
use crate::http::beside::BID_EVERY;
use crate::http::load::{Bid, WARM_UP, pace, pace_until};
use crate::http::market::Market;
use crate::http::server::Running;
use crate::http::{CONNECTIONS, LOTS};
use crate::report::percentile_ms;

/// The clients should be back long before.
const LONGEST: Duration = Duration::from_mins(2);

/// A return of all clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    /// Until the last one had its snapshot.
    pub(super) seconds: f64,
    /// The API's memory with all sockets open.
    pub(super) api_mb: f64,
    /// What 95 of 100 bids did not exceed before.
    pub(super) quiet_ms: f64,
    /// The same meanwhile.
    pub(super) loud_ms: f64,
}

impl Return {
    pub(super) fn slowdown(&self) -> f64 {
        self.loud_ms / self.quiet_ms
    }
}

pub(super) async fn measure(
    running: &Running,
    pool: &PgPool,
    market: &Market,
    people: &[String],
    measured: Duration,
) -> anyhow::Result<Return> {
    let api = running.addresses[0];
    let bidders = &people[..CONNECTIONS * 2];
    let watched = market.lots(pool, 1).await?;
    let topic = format!("auction:{}", watched.first().context("an auction to watch")?);
    let crowd = Crowd::open(api, people, &topic).await?;
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let quiet = pace(api, Bid::all(&lots, bidders), BID_EVERY, measured).await?;
    let api_mb = running.resident_mb()?;
    // Bids go on from where an auction opens.
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let back = CancellationToken::new();
    let bids = pace_until(api, Bid::all(&lots, bidders), BID_EVERY, LONGEST, &back);
    let (loud, returned) = tokio::join!(bids, async {
        tokio::time::sleep(WARM_UP).await;
        let returned = come_back(api, people, &topic, crowd).await;
        back.cancel();
        returned
    });
    let (crowd, took) = returned?;
    crowd.leave().await?;
    Ok(Return {
        seconds: took.as_secs_f64(),
        api_mb,
        quiet_ms: percentile_ms(quiet, 95),
        loud_ms: percentile_ms(loud?, 95),
    })
}

async fn come_back(api: SocketAddr, people: &[String], topic: &str, crowd: Crowd) -> anyhow::Result<(Crowd, Duration)> {
    crowd.leave().await?;
    let began = Instant::now();
    Ok((Crowd::open(api, people, topic).await?, began.elapsed()))
}
