//! The database as one attempt sees it: one connection at a time.
//!
//! A handler that holds a connection and waits for another one waits for its neighbours, who wait for it. So an attempt has one
//! connection at a time: asking for a second one is an error at once, on an idle machine as well, where the handler's first test
//! meets it. Waiting for the first one costs no attempt: it lasts as long as it takes, and the handler's time limit is
//! prolonged by it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Attempt;
use crate::ledger::JobTx;
use crate::ledger::connections::Borrowed;

/// The attempt holds a connection already.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this attempt holds a database connection already: give it back (drop it, commit) before asking for another")]
pub struct SecondConnection;

impl SecondConnection {
    /// Whether an error of a handler is this one.
    pub(super) fn caused(error: &anyhow::Error) -> bool {
        match error.downcast_ref() {
            Some(sqlx::Error::Configuration(cause)) => cause.is::<Self>(),
            _ => false,
        }
    }
}

/// The connections of one attempt.
#[derive(Debug)]
pub(crate) struct OneConnection {
    only: Arc<Semaphore>,
    waits: Mutex<Waits>,
}

/// How long the attempt has waited for its turn.
#[derive(Debug, Default)]
struct Waits {
    ended: Duration,
    since: Option<Instant>,
}

impl Default for OneConnection {
    fn default() -> Self {
        Self { only: Arc::new(Semaphore::new(1)), waits: Mutex::default() }
    }
}

impl OneConnection {
    fn take(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        Arc::clone(&self.only).try_acquire_owned().map_err(|_| sqlx::Error::Configuration(Box::new(SecondConnection)))
    }

    /// How long the attempt has waited for connections until now.
    pub(crate) fn waited(&self) -> Duration {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.ended + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    async fn in_turn<T>(&self, work: impl Future<Output = T>) -> T {
        let _waiting = Waiting::begin(&self.waits);
        work.await
    }
}

/// Counts until it is dropped, also when the wait is given up.
struct Waiting<'a>(&'a Mutex<Waits>);

impl<'a> Waiting<'a> {
    fn begin(waits: &'a Mutex<Waits>) -> Self {
        waits.lock().unwrap_or_else(PoisonError::into_inner).since = Some(Instant::now());
        Self(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = waits.since.take() {
            waits.ended += since.elapsed();
        }
    }
}

/// What `cx.db()` gives: the way to the attempt's connection.
#[derive(Clone, Copy, Debug)]
pub struct Db<'a>(pub(super) &'a Attempt);

impl Db<'_> {
    /// A connection outside of a transaction. Fails with [`SecondConnection`] while the attempt holds one.
    pub async fn acquire(&self) -> Result<HandlerConnection, sqlx::Error> {
        let only = self.0.connection.take()?;
        let connection = self.0.connection.in_turn(self.0.ledger.borrow_in_turn()).await?;
        Ok(HandlerConnection { connection, _only: only })
    }

    /// A transaction. Fails with [`SecondConnection`] while the attempt holds a connection.
    pub async fn begin(&self) -> Result<JobTx, sqlx::Error> {
        let only = self.0.connection.take()?;
        let tx = self.0.connection.in_turn(self.0.ledger.begin_in_turn(only)).await?;
        Ok(tx.with_parent(self.0.fence.job))
    }
}

/// The attempt's connection, given back when it is dropped.
#[derive(Debug)]
pub struct HandlerConnection {
    connection: Borrowed,
    _only: OwnedSemaphorePermit,
}

impl Deref for HandlerConnection {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for HandlerConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
