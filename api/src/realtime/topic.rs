//! What can be watched. A kind of topic stands beside the routes of its domain: a prefix, how to make a snapshot of one thing,
//! and how to find changes that nobody publishes.

use std::fmt;
use std::str::FromStr;

use futures::future::BoxFuture;
use serde_json::Value;
use shared::ids::OrgId;

use crate::auth::Caller;
use crate::error::Result;
use crate::state::AppState;

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
    /// The same, as it was just read; its seq may even fall. Its watcher says when it began to read
    /// ([`super::hub::Hub::deliver_reading`]), and tells what it knows already whenever a socket has looked since the look before
    /// ([`super::hub::Hub::looked_since`]).
    Reading,
}

/// A kind of thing that can be watched.
pub trait Topic: Send + Sync {
    /// What a thing of this kind is named by. It is shown as events write it, however clients do, and topics are compared by that.
    type Id: FromStr + fmt::Display + Send + 'static;

    /// `auction` for topics such as `auction:<id>`.
    fn prefix(&self) -> &'static str;

    fn carries(&self) -> Carries;

    /// The thing now; `None` when it does not exist or the caller, who acts for `viewer`, may not see it.
    fn read(
        &self,
        state: &AppState,
        caller: &Caller,
        viewer: Option<OrgId>,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<Snapshot>>> + Send;

    /// Whether snapshots that are taken at the same time share a reading, and take no connection of the pool that requests share. All others
    /// are read a few at a time ([`super::admission::Admission::look`]).
    fn reads_together(&self) -> bool {
        false
    }

    /// Tells the hub of changes that are not published, until the process ends. Most kinds have none.
    fn watch(&self, _: AppState) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A [`Topic`], whatever names its things.
pub trait AnyTopic: Send + Sync {
    fn prefix(&self) -> &'static str;

    fn carries(&self) -> Carries;

    /// The id as events write it; `None` when it is no id of this kind.
    fn id(&self, text: &str) -> Option<String>;

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        caller: &'a Caller,
        viewer: Option<OrgId>,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>>;

    fn reads_together(&self) -> bool;

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()>;
}

impl<T: Topic> AnyTopic for T {
    fn prefix(&self) -> &'static str {
        Topic::prefix(self)
    }

    fn carries(&self) -> Carries {
        Topic::carries(self)
    }

    fn id(&self, text: &str) -> Option<String> {
        text.parse::<T::Id>().ok().map(|id| id.to_string())
    }

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        caller: &'a Caller,
        viewer: Option<OrgId>,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>> {
        let Ok(id) = id.parse() else { return Box::pin(std::future::ready(Ok(None))) };
        Box::pin(self.read(state, caller, viewer, id))
    }

    fn reads_together(&self) -> bool {
        Topic::reads_together(self)
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Topic::watch(self, state)
    }
}

/// Kinds of topics. [`crate::routes::TOPICS`] lists all there are.
#[derive(Clone, Copy)]
pub struct Topics(pub &'static [&'static dyn AnyTopic]);

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|kind| kind.prefix())).finish()
    }
}

impl Topics {
    /// The topic as events write it, however the client did.
    #[must_use]
    pub fn named(self, topic: &str) -> Option<String> {
        let (kind, id) = self.find(topic)?;
        Some(format!("{}:{}", kind.prefix(), kind.id(id)?))
    }

    /// The kind of a topic and the id of its thing.
    #[must_use]
    pub fn find(self, topic: &str) -> Option<(&'static dyn AnyTopic, &str)> {
        let (prefix, id) = topic.split_once(':')?;
        self.0.iter().find(|kind| kind.prefix() == prefix).map(|kind| (*kind, id))
    }
}
