//! 10,000 auctions that end at the same moment, while bids go on elsewhere: how late each closes, and whether each closes once and
//! goes to whoever led.
//!
//! API, scheduler and `worker-auctions` are those of production, and mails, payment timers and webhooks are enqueued with each
//! closing; nobody sends the mails here. Setting up is not measured: auctions and bids are the store's, and then all ends are moved
//! to one moment.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join_all;
use jobs::auctions::CloseAuction;
use market::auctions::store::{PlaceBid, place_bids};
use market::ids::AuctionId;
use market::testing::{self, Trader};
use queue::enqueue::{Enqueue, enqueue_all};
use shared::config::Config;
use shared::ids::OrgId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::drain::until_working;
use crate::http::beside::BID_EVERY;
use crate::http::load::{Bid, pace_until};
use crate::http::market::Market;
use crate::http::server::Server;
use crate::http::{CONNECTIONS, LOTS};
use crate::processes::Part;
use crate::report::{Report, per_second, percentile_ms};
use crate::run::note;

/// An organisation may have 5,000 listings.
const SELLERS: usize = 4;
const PER_SELLER: usize = 2_500;
const BUYERS: usize = 40;
/// Auctions that are made in one transaction.
const TOGETHER: usize = 100;
/// From the moment when the ends are moved.
const LEAD: TimeDelta = TimeDelta::seconds(20);
/// Bids are sent this long before the end: what they warm up in.
const BIDS_BEFORE: TimeDelta = TimeDelta::seconds(1);
const LONGEST: Duration = Duration::from_mins(5);

/// Who should get each auction; nobody if nobody bids.
type Winners = HashMap<AuctionId, Option<OrgId>>;

/// An auction as it was left: its status, whom it was awarded to, and how many orders there are of it.
type Ended = (AuctionId, String, Vec<Uuid>, i64);

/// Milliseconds from the end to the closing.
#[derive(Clone, Copy, Debug)]
struct Lateness {
    p50: f64,
    p99: f64,
    last: f64,
}

pub(crate) async fn measure(config: &Config, pool: &PgPool, report: &mut Report) -> anyhow::Result<()> {
    note("10,000 auctions and their bids");
    let market = Market::fill(pool, CONNECTIONS * 2).await?;
    let lots = market.lots(pool, CONNECTIONS * LOTS).await?;
    let (sellers, winners) = fill(pool).await?;
    sqlx::raw_sql("TRUNCATE jobs, job_attempts, job_logs, workers, queue_status, local_messages, queues; ANALYZE")
        .execute(pool)
        .await?;
    let running = Server::Api.start(config, None).await?;
    let api = running.addresses[0];
    let tokens = market.log_in(api).await?;
    let (scheduler, worker) = (Part::program("scheduler")?, Part::program("worker-auctions")?);
    until_working(pool).await?;
    note("10,000 auctions end");
    end_together(pool, &sellers, &winners).await?;
    let closed = CancellationToken::new();
    let bids = pace_until(api, Bid::all(&lots, &tokens.buyers), BID_EVERY, LONGEST, &closed);
    let (bids, until) = tokio::join!(bids, async {
        let until = until_closed(pool, &sellers).await;
        closed.cancel();
        until
    });
    until?;
    let bids = bids?;
    worker.stop().await;
    scheduler.stop().await;
    running.stop().await;
    let lateness = lateness(pool, &sellers).await?;
    let wrong = wrong(pool, &sellers, &winners).await?;
    let per_s = per_second(i64::try_from(winners.len())?, Duration::from_secs_f64(lateness.last / 1000.0));
    let beside = "10,000 auctions that end at the same moment, with 107 bids a second in others";
    report.put("close_10k_p50_ms", &[lateness.p50], beside);
    report.put("close_10k_p99_ms", &[lateness.p99], "awards, orders, mails and timers enqueued with each");
    report.put("close_10k_last_s", &[lateness.last / 1000.0], "machine_tx_one_row_per_s: several share a commit");
    report.put("close_10k_per_s", &[per_s], "closings until the last one");
    report.put("close_10k_wrong", &[wrong], "not closed once and awarded to whoever led, or unsold without a bid");
    report.put("close_10k_bid_p95_ms", &[percentile_ms(bids, 95)], "bid_p95_ms, when nothing closes");
    Ok(())
}

/// Makes the auctions and their bids; returns the sellers and who should win.
async fn fill(pool: &PgPool) -> anyhow::Result<(Vec<Uuid>, Winners)> {
    let mut conn = pool.acquire().await?;
    let (mut buyers, mut sellers) = (Vec::with_capacity(BUYERS), Vec::with_capacity(SELLERS));
    for _ in 0..BUYERS {
        buyers.push(testing::trader_as(&mut conn, "approved", &["buyer"]).await);
    }
    for _ in 0..SELLERS {
        sellers.push(testing::trader(&mut conn).await);
    }
    testing::on_pro(&mut conn, &sellers).await;
    drop(conn);
    let parts = try_join_all(sellers.iter().map(|seller| auctions_of(pool, *seller, &buyers))).await?;
    Ok((sellers.iter().map(|seller| seller.org.0).collect(), parts.into_iter().flatten().collect()))
}

/// Of ten auctions one gets no bid; in five the second bidder leads, in four the first, whose maximum is higher.
async fn auctions_of(pool: &PgPool, seller: Trader, buyers: &[Trader]) -> anyhow::Result<Winners> {
    let mut winners = Winners::with_capacity(PER_SELLER);
    for first in (0..PER_SELLER).step_by(TOGETHER) {
        let mut tx = pool.begin().await?;
        let terms = testing::terms(&mut tx).await;
        let mut bids = Vec::with_capacity(2 * TOGETHER);
        for n in first..first + TOGETHER {
            let auction = testing::auction(&mut tx, seller, &terms).await;
            let (one, other) = (buyers[n % buyers.len()], buyers[(n + 1) % buyers.len()]);
            let winner = match n % 10 {
                0 => None,
                1..=5 => Some(other),
                _ => Some(one),
            };
            if let Some(winner) = winner {
                let maximum = |bidder: Trader| if bidder.org == winner.org { 3_000 } else { 2_000 };
                bids.extend([one, other].map(|bidder| bid(auction, bidder, maximum(bidder))));
            }
            winners.insert(auction, winner.map(|winner| winner.org));
        }
        for tried in place_bids(&mut tx, &bids).await? {
            tried.context("somebody else holds an auction of the benchmark")??;
        }
        tx.commit().await?;
    }
    Ok(winners)
}

fn bid(auction: AuctionId, bidder: Trader, maximum: i64) -> PlaceBid {
    PlaceBid { auction, org: bidder.org, user: bidder.user, maximum: testing::secret(maximum), quantity: None }
}

/// Moves all ends to one moment, sets the timers, and returns shortly before it.
async fn end_together(pool: &PgPool, sellers: &[Uuid], auctions: &Winners) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let ends_at: DateTime<Utc> = testing::database_time(&mut tx).await + LEAD;
    // The tables refuse this: promised times do not move.
    sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await?;
    let moved = sqlx::query(
        "UPDATE auctions
         SET ends_at = $1, original_ends_at = $1, hard_ends_at = $1
         WHERE seller_org_id = ANY ($2)",
    )
    .bind(ends_at)
    .bind(sellers)
    .execute(&mut *tx)
    .await?
    .rows_affected();
    tx.commit().await?;
    anyhow::ensure!(moved == u64::try_from(auctions.len())?, "{moved} of {} ends were moved", auctions.len());
    let timers: Vec<_> =
        auctions.keys().map(|auction| Enqueue::new(&CloseAuction { auction: *auction }).run_at(ends_at)).collect();
    let mut tx = pool.begin().await?;
    for timers in timers.chunks(1_000) {
        enqueue_all(&mut tx, timers).await?;
    }
    tx.commit().await?;
    let now = testing::database_time(&mut *pool.acquire().await?).await;
    let wait = (ends_at - BIDS_BEFORE - now).to_std().context("the ends were moved too late; is the machine busy?")?;
    tokio::time::sleep(wait).await;
    Ok(())
}

async fn until_closed(pool: &PgPool, sellers: &[Uuid]) -> anyhow::Result<()> {
    let open = "SELECT EXISTS (SELECT FROM auctions WHERE closed_at IS NULL AND seller_org_id = ANY ($1))";
    let began = Instant::now();
    while sqlx::query_scalar::<_, bool>(open).bind(sellers).fetch_one(pool).await? {
        anyhow::ensure!(began.elapsed() < LONGEST, "auctions are not closed");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

async fn lateness(pool: &PgPool, sellers: &[Uuid]) -> anyhow::Result<Lateness> {
    let (p50, p99, last): (f64, f64, f64) = sqlx::query_as(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), max(ms)
         FROM (SELECT extract(epoch FROM closed_at - ends_at)::double precision * 1000 AS ms
               FROM auctions
               WHERE seller_org_id = ANY ($1)) AS waits",
    )
    .bind(sellers)
    .fetch_one(pool)
    .await?;
    Ok(Lateness { p50, p99, last })
}

/// How many auctions were not closed as their bids say: one award with one order to the leader, or unsold.
async fn wrong(pool: &PgPool, sellers: &[Uuid], winners: &Winners) -> anyhow::Result<f64> {
    let ended: Vec<Ended> = sqlx::query_as(
        "SELECT a.id, a.status, array_remove(array_agg(w.org_id), NULL), count(o.id)
         FROM auctions AS a
         LEFT JOIN awards AS w ON w.auction_id = a.id
         LEFT JOIN orders AS o ON o.award_id = w.id
         WHERE a.seller_org_id = ANY ($1)
         GROUP BY a.id",
    )
    .bind(sellers)
    .fetch_all(pool)
    .await?;
    let right = ended.iter().filter(|ended| is_right(ended, winners)).count();
    Ok(f64::from(u32::try_from(winners.len() - right)?))
}

/// Whether an auction went to whoever led, once, or to nobody if nobody bid.
fn is_right((auction, status, awarded, orders): &Ended, winners: &Winners) -> bool {
    let wanted = match winners.get(auction) {
        Some(Some(winner)) => ("awarded", vec![winner.0], 1),
        Some(None) => ("unsold", Vec::new(), 0),
        None => return false,
    };
    wanted == (status.as_str(), awarded.clone(), *orders)
}

#[cfg(test)]
mod tests;
