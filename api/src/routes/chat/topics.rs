//! `conversation:<id>`: its messages, for the two parties. `user:<id>`: what the own organisations have not read.
//!
//! Nothing is published: what was written is not to pass through Redis in clear. This process reads the watched rows a few times a second,
//! in one statement, and opens what is new for its own sockets.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use market::chat::model::{Conversation, Inbox, Message};
use market::chat::store::{self, Progress};
use market::ids::ConversationId;
use serde::Serialize;
use serde_json::Value;
use shared::ids::{OrgId, UserId};
use shared::realtime::Event;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

/// How many messages a snapshot has, and how many new ones are told one by one; of more the last one, whose number shows the gap.
const MOST: i64 = 50;

/// The parties of a conversation follow it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConversationTopic;

/// A conversation with its newest messages, oldest first.
#[derive(Serialize)]
struct Shown {
    conversation: Conversation,
    messages: Vec<Message>,
}

impl Topic for ConversationTopic {
    type Id = ConversationId;

    fn prefix(&self) -> &'static str {
        "conversation"
    }

    fn carries(&self) -> Carries {
        Carries::Step
    }

    async fn read(
        &self,
        state: &AppState,
        _: &Caller,
        viewer: Option<OrgId>,
        id: ConversationId,
    ) -> Result<Option<Snapshot>> {
        let Some(viewer) = viewer else { return Ok(None) };
        let mut conn = state.db.acquire().await?;
        let conversation = store::conversation(&mut conn, viewer, id).await?;
        let Some(conversation) = conversation else { return Ok(None) };
        let mut messages = store::before(&mut conn, &state.chat_keyring, viewer, id, i64::MAX, MOST).await?;
        drop(conn);
        messages.reverse();
        // One may have come between the two statements.
        let seq = messages.last().map_or(conversation.last_seq, |message| message.seq);
        let data = serde_json::to_value(Shown { conversation, messages }).map_err(Problem::internal)?;
        Ok(Some(Snapshot { seq, data }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<ConversationWatcher>(state))
    }
}

/// Delivers the new messages of the watched conversations.
#[derive(Debug, Default)]
struct ConversationWatcher {
    delivered: HashMap<ConversationId, i64>,
}

impl ConversationWatcher {
    /// Delivers what has come since the last look. Of a conversation that is new here only the last message: whoever has subscribed since it
    /// came has it in the snapshot, and whoever has not gets a new one.
    async fn deliver(&mut self, state: &AppState, now: Progress) -> anyhow::Result<()> {
        let before = self.delivered.get(&now.id).copied().unwrap_or(now.last_seq - 1);
        if before >= now.last_seq {
            return Ok(());
        }
        let mut after = before;
        if now.last_seq - before > MOST {
            after = now.last_seq - 1;
        }
        let mut conn = state.db.acquire().await?;
        for message in store::news(&mut conn, &state.chat_keyring, now.id, after, MOST).await? {
            let (topic, kind) = (format!("{}{}", Self::PREFIX, now.id), "message".to_owned());
            state.hub.deliver(Event { topic, seq: message.seq, kind, data: serde_json::to_value(&message)? });
            self.delivered.insert(now.id, message.seq);
        }
        Ok(())
    }
}

impl Watcher for ConversationWatcher {
    type Id = ConversationId;
    const PREFIX: &'static str = "conversation:";
    const EVERY: Duration = Duration::from_millis(200);

    async fn look(&mut self, state: &AppState, watched: &[ConversationId]) -> anyhow::Result<()> {
        self.delivered.retain(|id, _| watched.contains(id));
        let progress = store::progress(&mut *state.db.acquire().await?, watched).await?;
        for now in progress {
            // One that cannot be opened keeps nobody else waiting.
            if let Err(error) = self.deliver(state, now).await {
                tracing::error!(conversation.id = %now.id, %error, "new messages were not delivered");
            }
        }
        Ok(())
    }
}

/// A person follows what the own organisations have not read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserTopic;

impl Topic for UserTopic {
    type Id = UserId;

    fn prefix(&self) -> &'static str {
        "user"
    }

    fn carries(&self) -> Carries {
        Carries::Reading
    }

    async fn read(
        &self,
        state: &AppState,
        caller: &Caller,
        _: Option<OrgId>,
        user: UserId,
    ) -> Result<Option<Snapshot>> {
        if user != caller.user {
            return Ok(None);
        }
        let inbox = store::inboxes(&mut *state.db.acquire().await?, &[user]).await?.pop();
        let Some(inbox) = inbox else { return Ok(None) };
        Ok(Some(Snapshot { seq: seq(state), data: data(&inbox).map_err(Problem::internal)? }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<InboxWatcher>(state))
    }
}

/// An inbox has no version: its seq is when it was read, in microseconds.
fn seq(state: &AppState) -> i64 {
    state.clock.now().timestamp_micros()
}

fn data(inbox: &Inbox) -> serde_json::Result<Value> {
    serde_json::to_value(inbox)
}

/// Delivers what has changed in the inboxes of the people who watch theirs.
#[derive(Debug, Default)]
struct InboxWatcher {
    known: HashMap<UserId, Inbox>,
    /// When the look before began.
    before: Option<Instant>,
}

impl Watcher for InboxWatcher {
    type Id = UserId;
    const PREFIX: &'static str = "user:";
    const EVERY: Duration = Duration::from_millis(500);

    async fn look(&mut self, state: &AppState, watched: &[UserId]) -> anyhow::Result<()> {
        self.known.retain(|user, _| watched.contains(user));
        let began = Instant::now();
        let inboxes = store::inboxes(&mut *state.db.acquire().await?, watched).await?;
        let before = self.before.replace(began);
        for inbox in inboxes {
            let (topic, kind) = (format!("{}{}", Self::PREFIX, inbox.user), "changed".to_owned());
            // What a snapshot has told may have come and gone since the look before.
            if self.known.insert(inbox.user, inbox) != Some(inbox) || state.hub.looked_since(&topic, before) {
                state.hub.deliver_reading(Event { topic, seq: seq(state), kind, data: data(&inbox)? }, began);
            }
        }
        Ok(())
    }
}
