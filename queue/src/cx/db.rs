//! The database as one attempt sees it: one connection at a time.
//!
//! A handler that holds a connection and waits for another one waits for its neighbours, who wait for it. So an attempt has one
//! connection at a time: asking for a second one is an error at once, on an idle machine as well, where the handler's first test
//! meets it. Waiting for the first one costs no attempt: it lasts as long as it takes, and the handler's time limit is
//! prolonged by it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Attempt;
use crate::ledger::JobTx;
use crate::ledger::connections::Borrowed;
use crate::ledger::sessions::{SessionId, SessionState};

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
    held: Arc<Mutex<Option<Held>>>,
}

/// The connection that the attempt holds.
#[derive(Debug)]
struct Held {
    session: SessionId,
    used: Instant,
    /// Since when the server was seen waiting, without the attempt using it.
    waits_since: Option<Instant>,
}

/// A connection that its attempt has held for a while without using it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quiet {
    pub(crate) session: SessionId,
    used: Instant,
}

/// The attempt's turn to hold its only connection, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _only: OwnedSemaphorePermit,
    held: Arc<Mutex<Option<Held>>>,
}

impl Turn {
    /// The connection is there.
    pub(crate) fn holds(&self, session: SessionId) {
        *lock(&self.held) = Some(Held { session, used: Instant::now(), waits_since: None });
    }

    /// A statement is about to be sent.
    pub(crate) fn used(&self) {
        if let Some(held) = &mut *lock(&self.held) {
            held.used = Instant::now();
            held.waits_since = None;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&self.held) = None;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the attempt has waited for its turn.
#[derive(Debug, Default)]
struct Waits {
    ended: Duration,
    since: Option<Instant>,
}

impl Default for OneConnection {
    fn default() -> Self {
        Self { only: Arc::new(Semaphore::new(1)), waits: Mutex::default(), held: Arc::default() }
    }
}

impl OneConnection {
    fn take(&self) -> Result<Turn, sqlx::Error> {
        let only = Arc::clone(&self.only).try_acquire_owned();
        let only = only.map_err(|_| sqlx::Error::Configuration(Box::new(SecondConnection)))?;
        Ok(Turn { _only: only, held: Arc::clone(&self.held) })
    }

    /// The connection, when it has been held for so long without being used.
    pub(crate) fn quiet(&self, at_least: Duration) -> Option<Quiet> {
        let held = lock(&self.held);
        let held = held.as_ref().filter(|held| held.used.elapsed() >= at_least)?;
        Some(Quiet { session: held.session, used: held.used })
    }

    /// Notes what the server says of a quiet connection; returns whether it is lost: the server does not know it, or has
    /// waited for the attempt for longer than `patience`.
    pub(crate) fn is_lost(&self, quiet: &Quiet, state: SessionState, patience: Duration) -> bool {
        let mut held = lock(&self.held);
        let Some(held) = held.as_mut().filter(|held| held.session == quiet.session && held.used == quiet.used) else {
            return false;
        };
        match state {
            SessionState::Gone => true,
            SessionState::Works => {
                held.waits_since = None;
                false
            }
            SessionState::Waits => held.waits_since.get_or_insert_with(Instant::now).elapsed() >= patience,
        }
    }

    /// How long the attempt has waited for connections until now.
    pub(crate) fn waited(&self) -> Duration {
        let waits = lock(&self.waits);
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
        lock(waits).since = Some(Instant::now());
        Self(waits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = lock(self.0);
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
        let turn = self.0.connection.take()?;
        let connection = self.0.connection.in_turn(self.0.ledger.borrow_in_turn()).await?;
        turn.holds(connection.session());
        Ok(HandlerConnection { connection, turn })
    }

    /// A transaction. Fails with [`SecondConnection`] while the attempt holds a connection.
    pub async fn begin(&self) -> Result<JobTx, sqlx::Error> {
        let turn = self.0.connection.take()?;
        let tx = self.0.connection.in_turn(self.0.ledger.begin_in_turn(turn)).await?;
        Ok(tx.with_parent(self.0.fence.job))
    }
}

/// The attempt's connection, given back when it is dropped.
#[derive(Debug)]
pub struct HandlerConnection {
    connection: Borrowed,
    turn: Turn,
}

impl Deref for HandlerConnection {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for HandlerConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.turn.used();
        &mut self.connection
    }
}

#[cfg(test)]
mod tests;
