//! Who looks at listings: kept in this process for a moment and noted together, so that no view costs a write of its own.
//!
//! A process that is killed loses what it has not noted yet, of a second at most. One that cannot reach the database keeps what it
//! has, up to a bound, and tries again; to note the same twice changes nothing.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use market::dashboard::store::{Seen, note_views};
use market::ids::ListingId;
use sha2::{Digest, Sha256};
use shared::ids::UserId;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// How often what was seen is noted.
const PAUSE: Duration = Duration::from_secs(1);
/// The most that is kept; what comes while so much waits is not counted.
const MOST: usize = 20_000;
/// The most that one statement notes.
const BATCH: usize = 1_000;

/// What was seen and is not noted yet.
#[derive(Debug, Default)]
pub struct Views {
    waiting: Mutex<HashSet<Seen>>,
}

/// Whoever looks: a person, or, of those who are not logged in, an address with a browser.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Visitor<'a> {
    Person(UserId),
    Somebody { address: IpAddr, headers: &'a HeaderMap },
}

impl Visitor<'_> {
    /// What tells visitors apart for a moment.
    fn hash(self) -> [u8; 32] {
        let hash = match self {
            Self::Person(user) => Sha256::new_with_prefix(b"person").chain_update(user.0.as_bytes()),
            Self::Somebody { address, headers } => {
                let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
                Sha256::new_with_prefix(b"somebody")
                    .chain_update(address.to_string())
                    .chain_update(b"\n")
                    .chain_update(agent)
            }
        };
        hash.finalize().into()
    }
}

impl Views {
    /// Keeps that the listing was seen.
    pub(crate) fn saw(&self, listing: ListingId, visitor: Visitor<'_>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.insert(Seen { listing, visitor: visitor.hash() });
        }
    }

    fn take(&self) -> Vec<Seen> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).into_iter().collect()
    }

    fn put_back(&self, seen: &[Seen]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(waiting.len());
        waiting.extend(seen.iter().take(room));
    }

    /// Notes what is waiting.
    async fn note(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        let seen = self.take();
        for (place, batch) in seen.chunks(BATCH).enumerate() {
            let noted = match db.acquire().await {
                Ok(mut conn) => note_views(&mut conn, batch).await,
                Err(error) => Err(error),
            };
            if let Err(error) = noted {
                self.put_back(seen.get(place * BATCH..).unwrap_or_default());
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Notes views until `shutdown`, and once more then.
pub(crate) fn start(state: &AppState, shutdown: CancellationToken) {
    let state = state.clone();
    tokio::spawn(async move {
        let mut warned = false;
        loop {
            let ends = tokio::time::timeout(PAUSE, shutdown.cancelled()).await.is_ok();
            match state.views.note(&state.db).await {
                Ok(()) => warned = false,
                Err(error) => {
                    if !warned {
                        tracing::warn!(%error, "views wait to be noted");
                    }
                    warned = true;
                }
            }
            if ends {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests;
