//! Who watches what in this process.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use market::identity::store::{Authority, SessionRef};
use market::ids::SessionId;
use shared::ids::UserId;
use shared::realtime::Event;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many messages may wait for one client. Who is further behind is dropped: it will be faster with a snapshot.
pub const QUEUE: usize = 64;

/// How far apart the events of one topic are at least when they are paced: faster than people see, slow enough for their
/// browsers when hundreds bid at once.
pub const PACE: Duration = Duration::from_millis(50);

/// What a socket is told.
#[derive(Clone, Debug)]
pub enum Message {
    Event(Arc<Event>),
    /// What was read from then on, of a topic whose seq does not show which of two readings is newer.
    Reading(Arc<Event>, Instant),
    /// Events may have been missed: take snapshots.
    Resync,
    /// Not everybody may see this topic any more, or there is something that only some may see: take a snapshot of it.
    Recheck(Arc<str>),
    /// What the person may do has changed.
    Authority(Authority),
}

impl Message {
    /// Whether whoever has heard neither needs only this one, which came later.
    fn stands_for(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            // Two processes' events may arrive in the wrong order.
            (Self::Event(later), Self::Event(earlier)) => later.topic == earlier.topic && later.seq >= earlier.seq,
            (Self::Reading(later, _), Self::Reading(earlier, _)) => later.topic == earlier.topic,
            (Self::Recheck(later), Self::Recheck(earlier)) => later == earlier,
            (Self::Resync, Self::Resync) | (Self::Authority(_), Self::Authority(_)) => true,
            _ => false,
        }
    }
}

/// Why a socket is closed from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    Slow,
    SessionEnded,
}

/// The most sockets of one person in one process: a few devices with a few windows each.
pub const MAX_SOCKETS: usize = 30;

type ConnectionId = u64;

/// Fans events out to sockets. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: HashMap<ConnectionId, Entry>,
    /// How many of them each person has.
    sockets: HashMap<UserId, usize>,
    topics: HashMap<String, Watched>,
}

/// A topic that somebody watches.
#[derive(Debug, Default)]
struct Watched {
    by: Vec<ConnectionId>,
    /// The highest seq that was handed to [`Hub::deliver_paced`].
    newest: Option<i64>,
    /// When the last snapshot was there that a socket has taken of it.
    looked: Option<Instant>,
    pace: Pace,
}

#[derive(Debug, Default)]
enum Pace {
    /// The next event goes out at once.
    #[default]
    Ready,
    /// One went out a moment ago; the newest since then waits for the moment to pass.
    Resting(Option<Arc<Event>>),
}

#[derive(Debug)]
struct Entry {
    session: SessionRef,
    /// As the socket knows it.
    authority: Authority,
    queue: mpsc::Sender<Message>,
    close: CancellationToken,
    why: Arc<Mutex<Option<Closed>>>,
}

impl State {
    fn send(&self, event: &Arc<Event>) {
        self.send_to_watchers(&event.topic, &Message::Event(Arc::clone(event)));
    }

    fn send_to_watchers(&self, topic: &str, message: &Message) {
        let Some(watched) = self.topics.get(topic) else { return };
        for id in &watched.by {
            if let Some(entry) = self.connections.get(id) {
                entry.send(message.clone());
            }
        }
    }
}

impl Entry {
    fn close(&self, why: Closed) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.close.cancel();
    }

    /// Queues a message without waiting; a full queue ends the connection.
    fn send(&self, message: Message) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(message)
            && !self.close.is_cancelled()
        {
            metrics::counter!("tradeyard_ws_dropped_slow_total").increment(1);
            self.close(Closed::Slow);
        }
    }
}

/// A socket's place in the hub; leaving happens on drop.
#[derive(Debug)]
pub struct Connection {
    hub: Hub,
    id: ConnectionId,
    messages: mpsc::Receiver<Message>,
    /// What was taken from them while the socket waited.
    held: VecDeque<Message>,
    /// Cancelled when the socket must close.
    pub close: CancellationToken,
    why: Arc<Mutex<Option<Closed>>>,
    topics: Vec<String>,
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a socket; `None`: the person has [`MAX_SOCKETS`].
    pub fn join(&self, session: SessionRef, authority: Authority) -> Option<Connection> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (queue, messages) = mpsc::channel(QUEUE);
        let (close, why) = (CancellationToken::new(), Arc::default());
        let entry = Entry { session, authority, queue, close: close.clone(), why: Arc::clone(&why) };
        let mut state = self.state();
        let sockets = state.sockets.entry(session.user).or_default();
        if *sockets >= MAX_SOCKETS {
            return None;
        }
        *sockets += 1;
        state.connections.insert(id, entry);
        drop(state);
        metrics::gauge!("tradeyard_ws_connections").increment(1);
        Some(Connection { hub: self.clone(), id, messages, held: VecDeque::new(), close, why, topics: Vec::new() })
    }

    /// Hands an event to whoever watches its topic.
    pub fn deliver(&self, event: Event) {
        self.state().send(&Arc::new(event));
    }

    /// Hands what a watcher of [`super::topic::Carries::Reading`] has read, and when it began to, to whoever watches the topic.
    pub fn deliver_reading(&self, event: Event, began: Instant) {
        let event = Arc::new(event);
        self.state().send_to_watchers(&event.topic, &Message::Reading(Arc::clone(&event), began));
    }

    /// Hands on an event that stands for those before it: at once, or, when the topic's last one went out less than [`PACE`]
    /// ago, after that time and only if no newer one came. The last one always goes out.
    pub fn deliver_paced(&self, event: Event) {
        let mut state = self.state();
        let Some(watched) = state.topics.get_mut(&event.topic) else { return };
        // Two processes' events may arrive in the wrong order.
        if watched.newest.is_some_and(|newest| newest >= event.seq) {
            return;
        }
        watched.newest = Some(event.seq);
        let event = Arc::new(event);
        match &mut watched.pace {
            Pace::Resting(waiting) => *waiting = Some(event),
            pace @ Pace::Ready => {
                *pace = Pace::Resting(None);
                state.send(&event);
                tokio::spawn(self.clone().rest(event.topic.clone()));
            }
        }
    }

    /// Sends what has waited, as long as there is something each time.
    async fn rest(self, topic: String) {
        loop {
            tokio::time::sleep(PACE).await;
            let mut state = self.state();
            // Nobody may watch any more.
            let Some(watched) = state.topics.get_mut(&topic) else { return };
            match &mut watched.pace {
                Pace::Resting(waiting) if waiting.is_some() => {
                    if let Some(event) = waiting.take() {
                        state.send(&event);
                    }
                }
                pace => {
                    *pace = Pace::Ready;
                    return;
                }
            }
        }
    }

    /// The highest seq of a topic that [`Hub::deliver_paced`] was given since somebody began to watch it.
    pub fn newest(&self, topic: &str) -> Option<i64> {
        self.state().topics.get(topic)?.newest
    }

    /// Whether a socket has a snapshot of the topic that was not there yet at `since`: it may show what has come and gone since a look that
    /// began then.
    pub fn looked_since(&self, topic: &str, since: Option<Instant>) -> bool {
        let looked = self.state().topics.get(topic).and_then(|watched| watched.looked);
        looked.is_some() && looked >= since
    }

    /// Makes those who watch a topic look for themselves: each gets what it may see, or hears that it may not any more.
    pub fn recheck(&self, topic: &str) {
        self.state().send_to_watchers(topic, &Message::Recheck(topic.into()));
    }

    /// Makes every socket take snapshots.
    pub fn resync(&self) {
        for entry in self.state().connections.values() {
            entry.send(Message::Resync);
        }
    }

    /// The watched topics that begin with `prefix`.
    pub fn watched(&self, prefix: &str) -> Vec<String> {
        self.state().topics.keys().filter(|topic| topic.starts_with(prefix)).cloned().collect()
    }

    /// The sessions that have sockets, each once however many it has.
    pub fn sessions(&self) -> Vec<SessionRef> {
        let mut seen = HashSet::new();
        let state = self.state();
        let sessions = state.connections.values().map(|entry| entry.session);
        sessions.filter(|of| seen.insert((of.session, of.version))).collect()
    }

    /// Closes the sockets of those of the `asked` sessions that have no authority any more, and tells the others when theirs has
    /// changed.
    pub fn authorize(&self, asked: &[SessionRef], now: &HashMap<SessionId, Authority>) {
        let asked: HashSet<_> = asked.iter().map(|asked| asked.session).collect();
        for entry in self.state().connections.values_mut() {
            match now.get(&entry.session.session) {
                Some(authority) if *authority != entry.authority => {
                    entry.authority = authority.clone();
                    entry.send(Message::Authority(authority.clone()));
                }
                None if asked.contains(&entry.session.session) => entry.close(Closed::SessionEnded),
                // One that has joined since then was not asked about.
                _ => {}
            }
        }
    }
}

impl Connection {
    /// The next message; `None` at the end of the process.
    pub async fn hear(&mut self) -> Option<Message> {
        if let Some(message) = self.held.pop_front() {
            return Some(message);
        }
        self.messages.recv().await
    }

    /// Waits for the socket's turn, and takes meanwhile what is sent to it, of each topic the newest: whoever is kept waiting is not slow.
    pub async fn hold_until<T>(&mut self, turn: impl Future<Output = T>) -> T {
        let mut turn = pin!(turn);
        loop {
            tokio::select! {
                biased;
                turn = turn.as_mut() => return turn,
                Some(message) = self.messages.recv() => {
                    self.held.retain(|earlier| !message.stands_for(earlier));
                    self.held.push_back(message);
                }
            }
        }
    }

    /// Watches a topic from now on.
    pub fn watch(&mut self, topic: &str) {
        if self.topics.iter().any(|watched| watched == topic) {
            return;
        }
        self.topics.push(topic.to_owned());
        self.hub.state().topics.entry(topic.to_owned()).or_default().by.push(self.id);
    }

    /// Stops watching a topic.
    pub fn unwatch(&mut self, topic: &str) {
        self.topics.retain(|watched| watched != topic);
        leave(&mut self.hub.state(), topic, self.id);
    }

    /// Notes that a snapshot of a topic is there, now.
    pub fn looked(&self, topic: &str) -> Instant {
        let now = Instant::now();
        if let Some(watched) = self.hub.state().topics.get_mut(topic) {
            watched.looked = Some(now);
        }
        now
    }

    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Why `close` was cancelled.
    pub fn closed(&self) -> Option<Closed> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(entry) = state.connections.remove(&self.id)
            && let Slot::Occupied(mut sockets) = state.sockets.entry(entry.session.user)
        {
            *sockets.get_mut() -= 1;
            if *sockets.get() == 0 {
                sockets.remove();
            }
        }
        for topic in &self.topics {
            leave(&mut state, topic, self.id);
        }
        metrics::gauge!("tradeyard_ws_connections").decrement(1);
    }
}

fn leave(state: &mut State, topic: &str, id: ConnectionId) {
    if let Some(watched) = state.topics.get_mut(topic) {
        watched.by.retain(|watcher| *watcher != id);
        if watched.by.is_empty() {
            state.topics.remove(topic);
        }
    }
}

#[cfg(test)]
mod tests;
