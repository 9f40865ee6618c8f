//! One `WebSocket`: commands in, events and snapshots out.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use chrono::{DateTime, Utc};
use market::identity::store::{Authority, SessionRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::OrgId;
use shared::realtime::Event;
use tokio::time::Instant;

use super::hub::{Closed, Connection, Message};
use super::topic::{Carries, Snapshot, Topics};
use crate::auth::Caller;
use crate::error::Problem;
use crate::state::AppState;

/// How often we ask whether the client is still there.
const PING: Duration = Duration::from_secs(20);
/// A client that shows no sign of life for this long is gone.
const SILENCE: Duration = Duration::from_mins(1);
/// The most topics of one socket.
const MAX_TOPICS: usize = 100;
/// After this many bad messages the client is not worth talking to.
const MAX_ERRORS: u32 = 20;
/// The most messages within [`WINDOW`]: enough for all topics, again and again; each one may cost a look into the database.
const MAX_COMMANDS: u32 = 300;
const WINDOW: Duration = Duration::from_secs(10);
/// How long a snapshot may take to be read. A database host that has vanished answers nothing at all, and those who wait for their turn
/// must not wait for it when another one has taken its place.
const LOOK: Duration = Duration::from_secs(10);

/// What a client may say: one of `subscribe` and `unsubscribe`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    subscribe: Option<String>,
    /// The last seq that the client has seen: no snapshot if nothing happened since.
    since: Option<i64>,
    unsubscribe: Option<String>,
}

/// What we say about a topic.
#[derive(Debug, Serialize)]
struct Sent<'a> {
    topic: &'a str,
    seq: i64,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    server_time: DateTime<Utc>,
}

/// What we say about a bad message.
#[derive(Debug, Serialize)]
struct Refused<'a> {
    r#type: &'static str,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
}

/// The socket ends, with a code for the client (RFC 6455; 4000 and up are ours).
#[derive(Debug)]
struct End {
    code: u16,
    reason: &'static str,
}

const GONE: End = End { code: 1000, reason: "" };
const RESTART: End = End { code: 1001, reason: "the server restarts" };
const SLOW: End = End { code: 4408, reason: "too slow; connect again for a snapshot" };

struct Session {
    state: AppState,
    topics: Topics,
    of: SessionRef,
    caller: Caller,
    /// The organisation that the ticket was asked for with, if one was named.
    org: Option<OrgId>,
    socket: WebSocket,
    connection: Connection,
    /// The last seq told, by topic.
    seen: HashMap<String, i64>,
    /// When the last snapshot was there, by topic.
    looked: HashMap<String, Instant>,
    errors: u32,
    /// Messages since the beginning of the window.
    commands: u32,
    window: Instant,
}

/// Serves a socket until it ends.
pub(crate) async fn run(
    state: AppState,
    topics: Topics,
    session: SessionRef,
    org: Option<OrgId>,
    authority: Authority,
    mut socket: WebSocket,
) {
    let Some(connection) = state.hub.join(session, authority.clone()) else {
        return close(&mut socket, End { code: 4429, reason: "too many sockets" }).await;
    };
    let caller = Caller::new(session, authority, &state);
    let mut session = Session {
        state,
        topics,
        of: session,
        caller,
        org,
        socket,
        connection,
        seen: HashMap::new(),
        looked: HashMap::new(),
        errors: 0,
        commands: 0,
        window: Instant::now(),
    };
    let closed = session.connection.close.clone();
    let end = tokio::select! {
        biased;
        // Whatever it waits for, be it the database: a session that has ended ends now.
        () = closed.cancelled() => None,
        served = session.serve() => {
            let Err(end) = served;
            Some(end)
        }
    };
    let end = end.unwrap_or_else(|| session.closed());
    close(&mut session.socket, end).await;
}

async fn close(socket: &mut WebSocket, end: End) {
    let frame = CloseFrame { code: end.code, reason: end.reason.into() };
    let closing = async {
        if socket.send(Frame::Close(Some(frame))).await.is_ok() {
            // What is left unread when the connection ends could take the code with it.
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // Whoever does not read does not get to keep us.
    let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
}

impl Session {
    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        let shutdown = self.state.shutdown.clone();
        let mut ping = tokio::time::interval(PING);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(RESTART),
                message = self.connection.hear() => match message {
                    Some(Message::Event(event)) => self.event(&event).await?,
                    Some(Message::Reading(event, began)) => self.reading(&event, began).await?,
                    Some(Message::Resync) => self.resync().await?,
                    Some(Message::Recheck(topic)) => self.recheck(&topic).await?,
                    Some(Message::Authority(authority)) => {
                        self.caller = Caller::new(self.of, authority, &self.state);
                        // What may not be seen any more is not found any more.
                        self.resync().await?;
                    }
                    None => return Err(GONE),
                },
                frame = self.socket.recv() => {
                    heard = Instant::now();
                    match frame {
                        Some(Ok(Frame::Text(text))) => self.command(text.as_str()).await?,
                        Some(Ok(Frame::Binary(_))) => self.refuse("not_text", "send JSON text", None).await?,
                        // The library answers pings by itself.
                        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                        Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(GONE),
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err(End { code: 1001, reason: "no sign of life" });
                    }
                    self.send(Frame::Ping(axum::body::Bytes::new())).await?;
                }
            }
        }
    }

    fn closed(&self) -> End {
        match self.connection.closed() {
            Some(Closed::SessionEnded) => End { code: 4401, reason: "the session has ended" },
            Some(Closed::Slow) | None => SLOW,
        }
    }

    /// Sends a frame. While a client does not read nothing else is looked at, so it has only so long.
    async fn send(&mut self, frame: Frame) -> Result<(), End> {
        let limit = self.state.config.http.connections.socket_send;
        tokio::select! {
            sent = tokio::time::timeout(limit, self.socket.send(frame)) => {
                if let Ok(sent) = sent {
                    return sent.map_err(|_| GONE);
                }
                metrics::counter!("tradeyard_ws_dropped_slow_total").increment(1);
                Err(SLOW)
            },
            () = self.state.shutdown.cancelled() => Err(RESTART),
        }
    }

    async fn tell(&mut self, topic: &str, seq: i64, kind: &str, data: Option<&Value>) -> Result<(), End> {
        let sent = Sent { topic, seq, r#type: kind, data, server_time: self.state.clock.now() };
        self.seen.insert(topic.to_owned(), seq);
        let text = serde_json::to_string(&sent).unwrap_or_default();
        self.send(Frame::Text(text.into())).await
    }

    async fn refuse(&mut self, code: &str, detail: &str, topic: Option<&str>) -> Result<(), End> {
        self.errors += 1;
        if self.errors > MAX_ERRORS {
            return Err(End { code: 1008, reason: "too many bad messages" });
        }
        self.error(code, detail, topic).await
    }

    async fn error(&mut self, code: &str, detail: &str, topic: Option<&str>) -> Result<(), End> {
        let text = serde_json::to_string(&Refused { r#type: "error", code, detail, topic }).unwrap_or_default();
        self.send(Frame::Text(text.into())).await
    }

    async fn command(&mut self, text: &str) -> Result<(), End> {
        if self.window.elapsed() > WINDOW {
            (self.window, self.commands) = (Instant::now(), 0);
        }
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            return Err(End { code: 1008, reason: "too many messages" });
        }
        match crate::extract::parse::<Command>(text.as_bytes()) {
            Ok(Command { subscribe: Some(topic), since, unsubscribe: None }) => match self.topics.named(&topic) {
                Some(topic) => self.subscribe(&topic, since).await,
                None => self.refuse("not_found", "no such topic", Some(&topic)).await,
            },
            Ok(Command { subscribe: None, since: None, unsubscribe: Some(topic) }) => {
                if let Some(topic) = self.topics.named(&topic) {
                    self.forget(&topic);
                }
                Ok(())
            }
            _ => {
                let detail = r#"send {"subscribe": "<topic>", "since": <seq>} or {"unsubscribe": "<topic>"}"#;
                self.refuse("bad_message", detail, None).await
            }
        }
    }

    async fn subscribe(&mut self, topic: &str, since: Option<i64>) -> Result<(), End> {
        let watched = self.connection.topics();
        if watched.len() >= MAX_TOPICS && !watched.iter().any(|known| known == topic) {
            return self.refuse("too_many_topics", "a socket has at most 100 topics", Some(topic)).await;
        }
        // First watch, then look: what happens in between is in the queue.
        self.connection.watch(topic);
        match self.snapshot(topic).await {
            Ok(Some(snapshot)) if Some(snapshot.seq) == since => {
                self.tell(topic, snapshot.seq, "subscribed", None).await
            }
            Ok(Some(snapshot)) => self.tell(topic, snapshot.seq, "snapshot", Some(&snapshot.data)).await,
            // Neither is a bad message: of what a client has followed much may have ended, and the database may be away for a moment.
            Ok(None) => {
                self.forget(topic);
                self.error("not_found", "no such topic", Some(topic)).await
            }
            Err(_) => {
                self.forget(topic);
                self.error("unavailable", "try again in a moment", Some(topic)).await
            }
        }
    }

    /// Gives a topic up. What still waits of it is not told.
    fn forget(&mut self, topic: &str) {
        self.connection.unwatch(topic);
        self.seen.remove(topic);
        self.looked.remove(topic);
    }

    /// The next event is told as it is, an old one not at all; after a gap the client gets the whole, be it a snapshot.
    async fn event(&mut self, event: &Event) -> Result<(), End> {
        let Some(&seen) = self.seen.get(&event.topic) else { return Ok(()) };
        let Some((kind, _)) = self.topics.find(&event.topic) else { return Ok(()) };
        let (old, gap) = match kind.carries() {
            Carries::Step => (event.seq <= seen, event.seq > seen + 1),
            Carries::State => (event.seq <= seen, false),
            Carries::Reading => (false, false),
        };
        if old {
            return Ok(());
        }
        if gap {
            return self.refresh(&event.topic).await;
        }
        self.tell(&event.topic, event.seq, &event.kind, Some(&event.data)).await
    }

    /// What began to be read before the last snapshot was there may be older than that, or newer: the socket looks for itself, and tells
    /// what is at least as new as both.
    async fn reading(&mut self, event: &Event, began: Instant) -> Result<(), End> {
        if self.looked.get(&event.topic).is_some_and(|looked| began <= *looked) {
            self.seen.remove(&event.topic);
            return self.refresh(&event.topic).await;
        }
        self.event(event).await
    }

    async fn resync(&mut self) -> Result<(), End> {
        for topic in self.connection.topics().to_vec() {
            self.refresh(&topic).await?;
        }
        Ok(())
    }

    /// [`Self::refresh`], unless the topic was given up meanwhile.
    async fn recheck(&mut self, topic: &str) -> Result<(), End> {
        if self.connection.topics().iter().any(|watched| watched == topic) {
            self.refresh(topic).await?;
        }
        Ok(())
    }

    /// Tells the thing as it is now, if that is news.
    async fn refresh(&mut self, topic: &str) -> Result<(), End> {
        match self.snapshot(topic).await {
            Ok(Some(snapshot)) => {
                if self.seen.get(topic).is_none_or(|seen| snapshot.seq > *seen) {
                    self.tell(topic, snapshot.seq, "snapshot", Some(&snapshot.data)).await?;
                }
                Ok(())
            }
            Ok(None) => {
                self.forget(topic);
                self.error("not_found", "no such topic any more", Some(topic)).await
            }
            // A snapshot that fails leaves the client behind without knowing: better it comes again.
            Err(_) => Err(End { code: 1013, reason: "try again later" }),
        }
    }

    // Exclusive, because a shared reference to a socket cannot be sent between threads.
    async fn snapshot(&mut self, topic: &str) -> Result<Option<Snapshot>, Problem> {
        let Some((kind, id)) = self.topics.find(topic) else { return Ok(None) };
        let look = if kind.reads_together() {
            None
        } else {
            Some(self.connection.hold_until(self.state.admission.look()).await?)
        };
        let snapshot = kind.snapshot(&self.state, &self.caller, self.caller.viewer(self.org), id);
        let snapshot = tokio::time::timeout(LOOK, snapshot).await;
        let snapshot = snapshot.map_err(|late| Problem::unavailable("busy", "not read in time").with_cause(late))??;
        drop(look);
        if snapshot.is_some() {
            self.looked.insert(topic.to_owned(), self.connection.looked(topic));
        }
        Ok(snapshot)
    }
}
