//! What many requests read: who is calling, and auctions by their keys.
//!
//! Requests that come while such a statement is under way share the next one ([`queue::group`]): it is one for all of them, and it sees
//! whatever was committed before the last of them came. A lone request goes at once. Sockets take their snapshots of auctions here, too:
//! thousands that watch the same one cost a row.
//!
//! # How to get this wrong
//! - Answering from a statement that began before the request came: a suspension would count later than from the next request on.
//! - Taking the answer to one token of a session for that to another: an old version would be as good as the present one.
//! - Failing all for the failure of one: who has no answer asks alone, and is refused for reasons of its own.

use std::collections::HashMap;
use std::time::Duration;

use market::auctions::model::AuctionView;
use market::auctions::store as auctions;
use market::identity::store::{self as identity, Authority, SessionRef};
use market::ids::{AuctionId, SessionId};
use market::keys::model::Holder;
use market::keys::rules::KeyHash;
use market::keys::store as keys;
use queue::group::Group;
use queue::{ReadConnections, Reading};
use shared::ids::OrgId;
use sqlx::PgPool;

/// How long a shared statement may take before everybody asks alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// An auction, and for whose eyes.
type Look = (AuctionId, Option<OrgId>);
/// What was found, if anything.
type Answer<T> = Result<Option<T>, Unanswered>;

/// The shared statement did not say: whoever asked asks alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unanswered;

/// The commonest reads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reads {
    /// Whose connections are doubted when one of these fails.
    pool: PgPool,
    connections: ReadConnections,
    callers: Group<SessionRef, Answer<Authority>>,
    auctions: Group<Look, Answer<AuctionView>>,
}

impl Reads {
    /// Reads on connections of their own, as many as `pool` has. Must be called inside a Tokio runtime.
    #[must_use]
    pub fn start(pool: &PgPool) -> Self {
        let connections = ReadConnections::like(pool);
        let (of_callers, of_auctions) = (connections.clone(), connections.clone());
        let callers = Group::start("callers", move |sessions| {
            let connections = of_callers.clone();
            async move { or_unanswered(sessions.len(), authorities(&connections, &sessions)).await }
        });
        let auctions = Group::start("auctions", move |looks| {
            let connections = of_auctions.clone();
            async move { or_unanswered(looks.len(), views(&connections, &looks)).await }
        });
        Self { pool: pool.clone(), connections, callers, auctions }
    }

    /// A connection for other reads, and for statements that stand alone. Fails when all are in use.
    pub async fn acquire(&self) -> Result<Reading, sqlx::Error> {
        self.connections.acquire().await
    }

    /// What the session's owner may do; `None` when the session or the account has ended or the version is old.
    pub async fn authority(&self, session: SessionRef) -> Result<Option<Authority>, sqlx::Error> {
        if let Some(Ok(authority)) = self.callers.ask(session).await {
            return Ok(authority);
        }
        let alone = async {
            let mut conn = self.acquire().await?;
            let authority = identity::authorize(&mut conn, session).await?;
            conn.give_back();
            Ok(authority)
        };
        alone.await.inspect_err(|_| self.doubt())
    }

    /// What whoever holds the key with this hash may do; `None`: nothing.
    pub async fn holder(&self, hash: &KeyHash) -> Result<Option<Holder>, sqlx::Error> {
        let alone = async {
            let mut conn = self.acquire().await?;
            let holder = keys::holder(&mut conn, hash).await?;
            conn.give_back();
            Ok(holder)
        };
        alone.await.inspect_err(|_| self.doubt())
    }

    /// An auction as `viewer` sees it.
    pub async fn auction(&self, id: AuctionId, viewer: Option<OrgId>) -> Result<Option<AuctionView>, sqlx::Error> {
        if let Some(Ok(view)) = self.auctions.ask((id, viewer)).await {
            return Ok(view);
        }
        let alone = async {
            let mut conn = self.acquire().await?;
            let view = auctions::view(&mut conn, id, viewer).await?;
            conn.give_back();
            Ok(view)
        };
        alone.await.inspect_err(|_| self.doubt())
    }

    /// Lets the pool's idle connections answer before they are trusted again: a request whose first read fails never tries one.
    fn doubt(&self) {
        // Whatever goes back to the pool is asked whether it is well.
        drop(std::iter::from_fn(|| self.pool.try_acquire()).collect::<Vec<_>>());
    }
}

/// What a shared statement answers, if it does.
async fn or_unanswered<T>(
    count: usize,
    statement: impl Future<Output = Result<Vec<Answer<T>>, sqlx::Error>>,
) -> Vec<Answer<T>> {
    match tokio::time::timeout(PATIENCE, statement).await {
        Ok(Ok(answers)) => answers,
        // Each of those who ask alone says why it fails.
        _ => std::iter::repeat_with(|| Err(Unanswered)).take(count).collect(),
    }
}

async fn authorities(
    connections: &ReadConnections,
    sessions: &[SessionRef],
) -> Result<Vec<Answer<Authority>>, sqlx::Error> {
    // The answers are known by their sessions: of two tokens of one session that differ, the second one asks alone.
    let mut asked: HashMap<SessionId, SessionRef> = HashMap::with_capacity(sessions.len());
    for session in sessions {
        asked.entry(session.session).or_insert(*session);
    }
    let distinct: Vec<_> = asked.values().copied().collect();
    let mut conn = connections.acquire().await?;
    let known = identity::authorities(&mut conn, &distinct).await?;
    conn.give_back();
    let answer = |session: &SessionRef| {
        if asked.get(&session.session) != Some(session) {
            return Err(Unanswered);
        }
        Ok(known.get(&session.session).cloned())
    };
    Ok(sessions.iter().map(answer).collect())
}

async fn views(connections: &ReadConnections, looks: &[Look]) -> Result<Vec<Answer<AuctionView>>, sqlx::Error> {
    // What thousands ask for at once, who watch the same auction, is read once.
    let (mut places, mut distinct) = (HashMap::new(), Vec::new());
    let place = |look: &Look| {
        *places.entry(*look).or_insert_with(|| {
            distinct.push(*look);
            distinct.len() - 1
        })
    };
    let asked: Vec<usize> = looks.iter().map(place).collect();
    let mut conn = connections.acquire().await?;
    let views = auctions::views_of(&mut conn, &distinct).await?;
    conn.give_back();
    Ok(asked.into_iter().map(|place| Ok(views.get(place).cloned().flatten())).collect())
}

#[cfg(test)]
mod tests;
