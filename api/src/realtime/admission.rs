//! At what pace sockets are let in, and how many of them read at once.
//!
//! After a restart everybody comes back in the same moment, and after a break of the feed every socket takes its snapshots again. Neither
//! is urgent, and each is as much work as the machine can do for seconds: bids would wait for the same processors, and whatever else is
//! asked for the same connections to the database. So tickets are handed out one after the other, in the order in which they were asked
//! for, and snapshots are read a few at a time. Whoever comes in a quiet moment waits for nothing.
//!
//! # How to get this wrong
//! - Bounding how many come in at once instead of how many in a second: one after the other they keep the processors busy all the same.
//! - Giving whoever comes a time of their own: those who leave while they wait would take their times with them.
//! - Holding a turn to read while something is sent, or without a limit: clients that do not read, or a database that has vanished, would
//!   keep everybody else from reading.
//! - Waiting in line in a future that nobody polls: whoever is first holds up all others.
//! - Leaving what is sent to a socket in its queue while it waits for its turn: it would be taken for slow, and come back.
//! - Letting anything but tickets and snapshots wait here: acts, events and the ends of sessions pass by.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::ids::UserId;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::hub::MAX_SOCKETS;
use crate::error::Problem;

/// How long anybody waits at most: less than a request may take.
const LONGEST: Duration = Duration::from_secs(20);
/// Turns of so long a time that nobody took are made up for at once: a person's windows open together.
const AT_ONCE: Duration = Duration::from_millis(100);
/// For so many connections of the pool that requests share, one snapshot may be read at once.
const CONNECTIONS_PER_LOOK: u32 = 4;

/// The line of those who want a ticket, and the turns of those who read snapshots.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Between two tickets.
    apart: Duration,
    /// The most that wait in line.
    most: usize,
    /// When the next ticket is due. Whoever is first in line holds it, and the others get it in their order.
    next: tokio::sync::Mutex<Instant>,
    line: Mutex<Line>,
    looks: Semaphore,
}

/// How many wait, and how many of them for each person.
#[derive(Debug, Default)]
struct Line {
    length: usize,
    of: HashMap<UserId, usize>,
}

/// One place in the line, until it is dropped.
#[derive(Debug)]
struct Place<'a> {
    admission: &'a Admission,
    person: UserId,
}

impl Admission {
    /// Lets `per_second` in. `connections` is how many the pool has that requests share.
    pub(crate) fn new(per_second: u32, connections: u32) -> Self {
        let per_second = per_second.max(1);
        let most = u64::from(per_second) * LONGEST.as_secs();
        let looks = (connections / CONNECTIONS_PER_LOOK).max(1);
        Self {
            apart: Duration::from_secs(1) / per_second,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            next: tokio::sync::Mutex::new(Instant::now()),
            line: Mutex::default(),
            looks: Semaphore::new(usize::try_from(looks).unwrap_or(1)),
        }
    }

    /// Waits for this person's turn to get a ticket. Whoever leaves gives the place up to the next.
    ///
    /// # Errors
    /// The line is longer than anybody should wait in, or the person has as many places in it as they may have sockets.
    pub(crate) async fn enter(&self, person: UserId) -> Result<(), Problem> {
        let _place = self.line_up(person)?;
        let mut next = self.next.lock().await;
        if *next > Instant::now() {
            tokio::time::sleep_until(*next).await;
        }
        let earliest = Instant::now().checked_sub(AT_ONCE).unwrap_or(*next);
        *next = earliest.max(*next) + self.apart;
        Ok(())
    }

    /// Waits for the turn to read a snapshot, in the order of arrival.
    ///
    /// # Errors
    /// The turn did not come in time.
    pub(crate) async fn look(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = tokio::time::timeout(LONGEST, self.looks.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| Problem::unavailable("busy", "too many sockets read at once"))
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line_up(&self, person: UserId) -> Result<Place<'_>, Problem> {
        let mut line = self.line();
        let own = line.of.get(&person).copied().unwrap_or_default();
        if line.length >= self.most || own >= MAX_SOCKETS {
            metrics::counter!("tradeyard_socket_tickets_refused_total").increment(1);
            return Err(busy(person));
        }
        line.length += 1;
        line.of.insert(person, own + 1);
        metrics::gauge!("tradeyard_socket_tickets_waiting").increment(1);
        Ok(Place { admission: self, person })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.admission.line();
        line.length -= 1;
        if let Entry::Occupied(mut own) = line.of.entry(self.person) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
        metrics::gauge!("tradeyard_socket_tickets_waiting").decrement(1);
    }
}

/// Those who are turned away come again over as long a time as the line takes: ids end in random bits.
fn busy(person: UserId) -> Problem {
    let spread = person.0.as_u128() % u128::from(LONGEST.as_secs());
    let wait = LONGEST / 2 + Duration::from_secs(u64::try_from(spread).unwrap_or_default());
    Problem::unavailable("busy", "too many want to connect at once").retry_after(wait)
}

#[cfg(test)]
mod tests;
