//! Password hashing on a few threads of its own: it is slow on purpose, and must not starve everything else.
//!
//! Who waits is served fairly between the places that requests come from: a burst from one place queues behind itself, and a login
//! from elsewhere waits for a few hashes at most, not for the whole burst.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use market::identity::store::network;
use secrecy::{ExposeSecret, SecretString};
use shared::crypto::password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Problem;

/// How long a request waits for its turn before it is told to come back: shorter than a request may take.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How many requests of one place may wait at once; more are told to come back.
const MOST_WAITING: usize = 64;

/// Hashes and checks passwords, half as many at once as the machine has cores. New ones are hashed one at a time, beside them:
/// a flood of registrations must not keep people from logging in.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: u32,
    turns: Turns,
    new_turns: Turns,
}

impl Passwords {
    #[must_use]
    pub fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { cost, turns: Turns::new((cores / 2).max(1)), new_turns: Turns::new(1) }
    }

    /// Hashes a new password for somebody at `from`.
    pub async fn hash(&self, from: IpAddr, password: SecretString) -> Result<String, Problem> {
        let cost = self.cost;
        let turn = self.new_turns.take(network(from)).await?;
        run(turn, move || password::hash(password.expose_secret(), cost)).await?.map_err(Problem::internal)
    }

    /// Waits for the turn to check one password of somebody at `from`.
    pub async fn turn(&self, from: IpAddr) -> Result<CheckTurn, Problem> {
        Ok(CheckTurn { turn: self.turns.take(network(from)).await?, cost: self.cost })
    }
}

/// The turn to check one password.
#[derive(Debug)]
pub struct CheckTurn {
    turn: Turn,
    cost: u32,
}

impl CheckTurn {
    /// Whether the password fits the hash; without a hash the answer is no, after as much work. The second value is a new
    /// hash when the old one has another cost than this installation asks for.
    pub async fn verify(self, password: SecretString, hash: Option<String>) -> Result<(bool, Option<String>), Problem> {
        let Self { turn, cost } = self;
        run(turn, move || {
            let password = password.expose_secret();
            let Some(hash) = hash else {
                password::verify_nobody(password, cost);
                return (false, None);
            };
            let fits = password::verify(password, &hash);
            let outdated = fits && password::is_outdated(&hash, cost);
            (fits, outdated.then(|| password::hash(password, cost).ok()).flatten())
        })
        .await
    }
}

async fn run<T: Send + 'static>(turn: Turn, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    // The thread holds the turn: a request that is given up must not make room while its work still runs.
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
    .map_err(Problem::internal)
}

/// Turns at something slow, shared fairly between places: as many of one place as it may use at once stand in the queue for all,
/// which is served in the order of arrival; the others of the place wait behind them.
#[derive(Clone, Debug)]
struct Turns {
    all: Arc<Semaphore>,
    /// How many turns one place may use at once.
    of_place: usize,
    places: Places,
    max_wait: Duration,
}

type Places = Arc<Mutex<HashMap<IpAddr, Place>>>;

/// A place with requests that wait or work.
#[derive(Debug)]
struct Place {
    turns: Arc<Semaphore>,
    requests: usize,
}

/// The right to work. Given back for all first: the next may well be of another place.
#[derive(Debug)]
struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _line: InLine,
}

/// One request of a place; the place is forgotten with its last one.
#[derive(Debug)]
struct InLine {
    place: IpAddr,
    places: Places,
}

impl Turns {
    fn new(at_once: usize) -> Self {
        let of_place = (at_once / 2).max(1);
        Self { all: Arc::new(Semaphore::new(at_once)), of_place, places: Places::default(), max_wait: MAX_WAIT }
    }

    async fn take(&self, place: IpAddr) -> Result<Turn, Problem> {
        let (line, own) = self.line_up(place)?;
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some((own, all))
        };
        match tokio::time::timeout(self.max_wait, turn).await {
            Ok(Some((own, all))) => Ok(Turn { _all: all, _own: own, _line: line }),
            _ => Err(busy()),
        }
    }

    fn line_up(&self, place: IpAddr) -> Result<(InLine, Arc<Semaphore>), Problem> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Place { turns: Arc::new(Semaphore::new(self.of_place)), requests: 0 };
        let known = places.entry(place).or_insert_with(new);
        if known.requests >= MOST_WAITING {
            return Err(busy());
        }
        known.requests += 1;
        Ok((InLine { place, places: Arc::clone(&self.places) }, Arc::clone(&known.turns)))
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = places.get_mut(&self.place) {
            known.requests -= 1;
            if known.requests == 0 {
                places.remove(&self.place);
            }
        }
    }
}

fn busy() -> Problem {
    Problem::unavailable("busy", "too many people at once").retry_after(Duration::from_secs(2))
}

#[cfg(test)]
mod tests;
