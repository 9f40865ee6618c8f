//! Password hashing on a few threads of its own: it is slow on purpose, and must not starve everything else.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use shared::crypto::password;
use tokio::sync::Semaphore;

use crate::error::Problem;

/// How long a request waits for its turn before it is told to come back.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Hashes and checks passwords, half as many at once as the machine has cores. New ones are hashed one at a time, beside them:
/// a flood of registrations must not keep people from logging in.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: u32,
    turns: Arc<Semaphore>,
    new_turns: Arc<Semaphore>,
    max_wait: Duration,
}

impl Passwords {
    #[must_use]
    pub fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let turns = Arc::new(Semaphore::new((cores / 2).max(1)));
        Self { cost, turns, new_turns: Arc::new(Semaphore::new(1)), max_wait: MAX_WAIT }
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: SecretString) -> Result<String, Problem> {
        let cost = self.cost;
        self.run(&self.new_turns, move || password::hash(password.expose_secret(), cost))
            .await?
            .map_err(Problem::internal)
    }

    /// Whether the password fits the hash; without a hash the answer is no, after as much work. The second value is a new
    /// hash when the old one has another cost than this installation asks for.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<(bool, Option<String>), Problem> {
        let cost = self.cost;
        self.run(&self.turns, move || {
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

    async fn run<T: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(self.max_wait, Arc::clone(turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::unavailable("busy", "too many people at once").retry_after(MAX_WAIT));
        };
        // The thread holds the turn: a request that is given up must not make room while its work still runs.
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
        .map_err(Problem::internal)
    }
}

#[cfg(test)]
mod tests;
