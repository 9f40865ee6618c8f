//! Writes a batch, trying until it is in the log, whatever the database does in the meantime.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use market::cargo::OwnedEvent;
use market::cargo::store::{Reject, StoreError, Stored, park, store_events};
use shared::backoff;
use sqlx::PgPool;
use sqlx::pool::PoolConnection;
use tokio_util::sync::CancellationToken;

use super::batch::Batch;

/// The most events in one statement. More would not be cheaper each, and would hold memory and
/// locks for longer.
const MAX_ROWS: usize = 2000;
/// A statement that takes longer is taken to have lost its connection.
const STATEMENT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Waits longer after each failure, so that a database that comes back is not flooded.
const WAITS: ExponentialBuilder = backoff::endless(Duration::from_millis(100), LONGEST_WAIT);

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    stored: u64,
    duplicates: u64,
    /// The numbers of the marks that are to be handed over: one, but for a batch that was recorded in parts.
    pub(super) changes: Vec<i64>,
}

/// Records a batch, and parks what cannot be recorded. Tries again as long as the database cannot
/// be reached. Gives up only when `stop` is cancelled, and returns `None`: then nothing may be
/// acknowledged.
pub(super) async fn record(pool: &PgPool, batch: &Batch, stop: &CancellationToken) -> Option<Recorded> {
    let began = Instant::now();
    let mut writer = Writer { pool, conn: None, stop, waits: None, failures: 0 };
    writer.park(&batch.rejects).await?;
    let mut recorded = Recorded::default();
    // Reversed, because the last one is popped first.
    let mut parts: Vec<&[OwnedEvent]> = batch.events.chunks(MAX_ROWS).rev().collect();
    while let Some(part) = parts.pop() {
        match writer.store(part).await? {
            Ok(one) => {
                recorded.stored += one.stored;
                recorded.duplicates += one.duplicates;
                recorded.changes.extend(one.change);
            }
            // Validation let something through that the database refuses: halve until that is
            // alone.
            Err(_) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(error) => {
                let OwnedEvent { org, event } = &part[0];
                let reject = Reject::of(*org, event, "", &format!("the database refused it: {error}"));
                writer.park(&[reject]).await?;
            }
        }
    }
    metrics::counter!("tradeyard_cargo_events_stored_total").increment(recorded.stored);
    metrics::counter!("tradeyard_cargo_events_duplicate_total").increment(recorded.duplicates);
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    metrics::histogram!("tradeyard_cargo_batch_size").record(batch.events.len() as f64);
    metrics::histogram!("tradeyard_cargo_store_seconds").record(began.elapsed());
    Some(recorded)
}

struct Writer<'a> {
    pool: &'a PgPool,
    conn: Option<PoolConnection<sqlx::Postgres>>,
    stop: &'a CancellationToken,
    /// Since the last success.
    waits: Option<ExponentialBackoff>,
    failures: u32,
}

impl Writer<'_> {
    /// `None`: asked to stop. `Err`: the values are at fault.
    async fn store(&mut self, events: &[OwnedEvent]) -> Option<Result<Stored, sqlx::Error>> {
        loop {
            let attempt = async |conn: &mut sqlx::PgConnection| store_events(conn, events).await;
            match self.attempt(attempt).await {
                Ok(stored) => return Some(Ok(stored)),
                Err(StoreError::Refused(error)) => return Some(Err(error)),
                Err(StoreError::Unavailable(error)) => self.pause(&error).await?,
            }
        }
    }

    async fn park(&mut self, rejects: &[Reject]) -> Option<()> {
        if rejects.is_empty() {
            return Some(());
        }
        loop {
            let attempt = async |conn: &mut sqlx::PgConnection| Ok(park(conn, rejects).await?);
            match self.attempt(attempt).await {
                Ok(()) => break,
                Err(StoreError::Refused(error) | StoreError::Unavailable(error)) => self.pause(&error).await?,
            }
        }
        for reject in rejects {
            tracing::warn!(reason = reject.reason, "an event cannot be stored; it is kept in cargo_rejects");
        }
        metrics::counter!("tradeyard_cargo_events_rejected_total").increment(rejects.len() as u64);
        Some(())
    }

    /// Makes one try, on a connection that is given up if anything goes wrong with it.
    async fn attempt<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut sqlx::PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.conn.is_none() {
            self.conn = Some(self.pool.acquire().await?);
        }
        let Some(conn) = &mut self.conn else {
            return Err(sqlx::Error::PoolClosed.into());
        };
        let done = tokio::time::timeout(STATEMENT, work(conn)).await.unwrap_or_else(|_| {
            let silent = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within 30 s");
            Err(sqlx::Error::Io(silent).into())
        });
        match &done {
            Err(StoreError::Unavailable(_)) => {
                // Its state is unknown, so it must not go back to the pool.
                drop(self.conn.take().map(PoolConnection::detach));
            }
            _ if self.failures > 0 => {
                tracing::info!(tries = self.failures + 1, "the event store answers again");
                self.failures = 0;
                self.waits = None;
            }
            _ => {}
        }
        done
    }

    /// `None`: asked to stop.
    async fn pause(&mut self, error: &sqlx::Error) -> Option<()> {
        metrics::counter!("tradeyard_cargo_store_failures_total").increment(1);
        if self.failures == 0 {
            tracing::warn!(error = %error, "the event store cannot be written; trying again until it can");
        }
        self.failures += 1;
        let wait = self.waits.get_or_insert_with(|| WAITS.build()).next().unwrap_or(LONGEST_WAIT);
        tokio::select! {
            () = tokio::time::sleep(wait) => Some(()),
            () = self.stop.cancelled() => None,
        }
    }
}
