//! Connections for the reads that most requests begin with, and that some consist of; also for a statement that writes, stands alone and
//! waits for no row.
//!
//! sqlx's pool asks a connection that comes back whether it is well, and [`shared::db::pool_with`] asks before it with a limit: two
//! round trips of the server's time for a statement of one. Here whoever has the answer to all that was asked says so, and the
//! connection goes back as it is.
//!
//! # How to get this wrong
//! - Giving back a connection after a statement that was given up, in a `select!` or by a time limit: its answer is still on the way.
//! - Beginning a transaction on one: nobody ends it.
//! - Waiting for a row that somebody holds: everybody else's reads would wait for the connections.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, PgPool};

use super::connections::{Borrowed, Connections};

/// Connections for reads outside of a transaction. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReadConnections(Connections);

impl ReadConnections {
    /// Connects as `pool` does, with as many connections, when they are first used; plans are kept.
    #[must_use]
    pub fn like(pool: &PgPool) -> Self {
        Self(Connections::with_plans_kept(pool))
    }

    /// A connection. Fails after [`shared::db::ACQUIRE_TIMEOUT`] when all are in use.
    pub async fn acquire(&self) -> Result<Reading, sqlx::Error> {
        Ok(Reading(self.0.borrow().await?))
    }
}

/// A connection for reads. One that is dropped goes back when it answers, as one whose last statement was given up must.
#[derive(Debug)]
pub struct Reading(Borrowed);

impl Reading {
    /// Gives the connection back at once: all its statements have been answered.
    pub fn give_back(self) {
        self.0.give_back();
    }
}

impl Deref for Reading {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests;
