//! The counts: in Redis for all processes together, in this process without it or while it does not answer.
//!
//! A window begins with the first request and ends after an hour, whatever happens in between. What was counted in this process
//! while Redis was away is not carried over: a caller may then have a few requests more, never fewer.
//!
//! Asking Redis takes as long as a small read of the database. So a process tells it of a caller's next few requests together: at
//! most a hundredth of the caller's limit, and at most [`MAX_UNSENT`]. Of those that are never told, because the caller asks no more
//! here, Redis knows nothing: a caller may have that many requests more with each process.
//!
//! # How to get this wrong
//! - Taking what waits to be told without adding it to what is known: while Redis is asked, the count would fall.
//! - Adding an answer to what is known: it is the whole count, of all processes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{RedisError, Script};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::WINDOW;

/// How long a request waits for Redis to count it.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long Redis is left alone after it did not answer, so that not every request waits.
const PAUSE: Duration = Duration::from_secs(1);
/// The most requests of a caller that Redis is told of together.
const MAX_UNSENT: u64 = 50;
/// Two answers that differ by more in when their window ends are about two windows.
const NEW_WINDOW: Duration = Duration::from_secs(1);
/// The most callers that are counted in this process. When there are more, everybody begins anew: who comes from so many
/// addresses is not held by counting them.
const MAX_CALLERS: usize = 100_000;

/// One round trip: counts as many as there are, begins the window with the first request, and tells when it ends.
const COUNT: &str = r"
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
if count == tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
";

/// A caller's requests in the present window, this one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) resets_in: Duration,
}

#[derive(Debug)]
pub(super) struct Counter {
    redis: Option<Redis>,
    local: Local,
}

struct Redis {
    manager: ConnectionManager,
    script: Script,
    prefix: String,
    paused_until: Mutex<Option<Instant>>,
    ahead: Mutex<HashMap<String, Ahead>>,
}

/// A caller whose count was read a moment ago.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    /// As Redis knows it, or is being told.
    counted: u64,
    /// The requests since then.
    unsent: u64,
    ends: Instant,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Counter {
    pub(super) fn start(redis_url: Option<&SecretString>, namespace: &str) -> Result<Self, RedisError> {
        let redis = redis_url.map(|url| Redis::open(url, namespace)).transpose()?;
        Ok(Self { redis, local: Local::default() })
    }

    /// Counts a request of a caller who has this limit.
    pub(super) async fn take(&self, key: &str, limit: u32) -> Counted {
        if let Some(redis) = &self.redis
            && let Some(counted) = redis.take(key, limit).await
        {
            return counted;
        }
        self.local.take(key, Instant::now())
    }
}

impl Redis {
    fn open(url: &SecretString, namespace: &str) -> Result<Self, RedisError> {
        let client = redis::Client::open(url.expose_secret())?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PAUSE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let manager = ConnectionManager::new_lazy_with_config(client, config)?;
        let (script, prefix) = (Script::new(COUNT), format!("{namespace}.rate."));
        Ok(Self { manager, script, prefix, paused_until: Mutex::default(), ahead: Mutex::default() })
    }

    /// `None`: Redis does not answer.
    async fn take(&self, key: &str, limit: u32) -> Option<Counted> {
        let together = match self.ahead(key, MAX_UNSENT.min(u64::from(limit) / 100), Instant::now()) {
            Next::Known(counted) => return Some(counted),
            Next::Tell(together) => together,
        };
        let paused = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let mut manager = self.manager.clone();
        let mut call = self.script.key(format!("{}{key}", self.prefix));
        call.arg(u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX)).arg(together);
        let counted = tokio::time::timeout(PATIENCE, call.invoke_async::<(u64, i64)>(&mut manager)).await;
        if let Ok(Ok((count, left))) = counted {
            let resets_in = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            return Some(self.learn(key, Counted { count, resets_in }, Instant::now()));
        }
        metrics::counter!("tradeyard_rate_limit_redis_away_total").increment(1);
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        None
    }

    /// Adds a request to what is known of its caller.
    fn ahead(&self, key: &str, most: u64, now: Instant) -> Next {
        let mut callers = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(caller) = callers.get_mut(key).filter(|caller| caller.ends > now) else { return Next::Tell(1) };
        if caller.unsent < most {
            caller.unsent += 1;
            return Next::Known(caller.counted(now));
        }
        let together = std::mem::take(&mut caller.unsent) + 1;
        caller.counted += together;
        Next::Tell(together)
    }

    /// Notes the count of all processes, and returns it with what was added meanwhile.
    fn learn(&self, key: &str, all: Counted, now: Instant) -> Counted {
        let mut callers = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(key) {
            callers.retain(|_, caller| caller.ends > now);
            if callers.len() >= MAX_CALLERS {
                callers.clear();
            }
        }
        let caller = Ahead { counted: all.count, unsent: 0, ends: now + all.resets_in };
        let known = callers.entry(key.to_owned()).or_insert(caller);
        if known.ends <= now || known.ends + NEW_WINDOW < caller.ends {
            *known = caller;
        } else {
            // Two answers may come in another order than they were asked for.
            known.counted = known.counted.max(all.count);
            known.ends = caller.ends;
        }
        known.counted(now)
    }
}

impl Ahead {
    fn counted(self, now: Instant) -> Counted {
        Counted { count: self.counted + self.unsent, resets_in: self.ends - now }
    }
}

/// What a request adds to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Redis need not be told yet.
    Known(Counted),
    /// Redis must be told of this many requests, this one included.
    Tell(u64),
}

/// Counts of this process.
#[derive(Debug, Default)]
struct Local(Mutex<HashMap<String, (u64, Instant)>>);

impl Local {
    fn take(&self, key: &str, now: Instant) -> Counted {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(key) {
            callers.retain(|_, (_, ends)| *ends > now);
            if callers.len() >= MAX_CALLERS {
                callers.clear();
            }
        }
        let (count, ends) = callers.entry(key.to_owned()).or_insert((0, now + WINDOW));
        if *ends <= now {
            (*count, *ends) = (0, now + WINDOW);
        }
        *count += 1;
        Counted { count: *count, resets_in: *ends - now }
    }
}

#[cfg(test)]
mod tests;
