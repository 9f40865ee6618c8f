//! What can be watched. A domain adds its kind of topic here: a prefix, and how to make a snapshot of one thing.

use futures::future::BoxFuture;
use serde_json::Value;

use super::job_topic::JobTopic;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::Result;
use crate::routes::auctions::AuctionTopic;

/// The state of a thing as one caller may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The version that `data` shows; events up to it are not news any more.
    pub seq: i64,
    pub data: Value,
}

/// What an event of a topic carries, which decides what a client is told after a gap in its seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// A step on from the seq before: after a gap there must be a snapshot.
    Step,
    /// All that a snapshot would show: it stands for those before it, so that some of a flood may be left out.
    State,
    /// The same, as it was just read; its seq may even fall.
    Reading,
}

/// A kind of thing that can be watched.
pub trait Topic: Send + Sync {
    /// `auction` for topics such as `auction:<id>`.
    fn prefix(&self) -> &'static str;

    fn carries(&self) -> Carries;

    /// The thing now; `None` when it does not exist or the caller may not see it.
    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        caller: &'a Caller,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>>;
}

/// Every kind of topic.
pub(crate) const TOPICS: &[&dyn Topic] = &[
    &JobTopic,
    &AuctionTopic,
    #[cfg(test)]
    &super::tests::Counter,
];

/// The kind of a topic and the id of its thing.
pub(crate) fn find(topic: &str) -> Option<(&'static dyn Topic, &str)> {
    let (prefix, id) = topic.split_once(':')?;
    TOPICS.iter().find(|kind| kind.prefix() == prefix).map(|kind| (*kind, id))
}
