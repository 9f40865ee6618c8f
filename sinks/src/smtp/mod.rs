//! An SMTP server that keeps what it is sent and delivers nothing.
//!
//! It speaks RFC 5321 with SIZE, PIPELINING, 8BITMIME and enhanced status codes, without TLS or authentication. A reply of
//! 250 to a message means that it is in a file and in the index. Tests can make it misbehave ([`Fault`]), wait for mail
//! ([`Sink::wait_for`]) and read it back ([`Sink::list`], [`Sink::raw`]).
//!
//! How to get this wrong: waiting for a number of messages and then asserting that there are no more. A retry may be on
//! its way; wait until the sender has nothing left to send instead.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod connection;
mod data;
mod faults;
mod protocol;
mod store;

use connection::Context;
pub use faults::Fault;
use faults::Faults;
use store::Store;
pub use store::{Message, OpenError};

/// Clients beyond this many wait for their greeting.
const MAX_CONNECTIONS: usize = 256;

/// Where to listen, and what to keep.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the messages; created if it is missing. One server per folder: a second one is
    /// refused.
    pub dir: PathBuf,
    /// Port 0 picks a free port; [`Sink::addr`] returns which.
    pub addr: SocketAddr,
    /// The longest message in bytes; a longer one is answered with 552.
    pub max_message: u64,
    /// How many messages are kept; the oldest go first.
    pub keep: usize,
}

impl Options {
    /// Messages of up to 10 MiB, the newest 20,000 of them.
    pub fn new(dir: impl Into<PathBuf>, addr: SocketAddr) -> Self {
        Self { dir: dir.into(), addr, max_message: 10 * 1024 * 1024, keep: 20_000 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for SMTP on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the mail sink stopped")]
    Stopped(#[source] io::Error),
}

/// What was waited for did not arrive.
#[derive(Debug, thiserror::Error)]
#[error("the mail did not arrive within {limit:?}: {taken} messages were taken, the newest is {newest:?}")]
pub struct TimedOut {
    limit: Duration,
    taken: u64,
    newest: Option<Arc<Message>>,
}

/// A running server. Clones are handles to the same one; it stops when the token it was started
/// with is cancelled.
#[derive(Debug, Clone)]
pub struct Sink {
    addr: SocketAddr,
    context: Arc<Context>,
    connections: TaskTracker,
}

impl Sink {
    /// Starts a server; it accepts mail when this returns.
    pub async fn start(options: Options, shutdown: CancellationToken) -> Result<Self, Error> {
        let Options { dir, addr, max_message, keep } = options;
        let store = tokio::task::spawn_blocking(move || Store::open(&dir, keep))
            .await
            .map_err(|panic| Error::Stopped(io::Error::other(panic)))??;
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let context = Arc::new(Context { store, faults: Faults::default(), max_message });
        let connections = TaskTracker::new();
        connections.spawn(accept(listener, Arc::clone(&context), connections.clone(), shutdown));
        connections.close();
        tracing::info!(%addr, "mail sink listens");
        Ok(Self { addr, context, connections })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the server and all its connections have stopped.
    pub async fn stopped(&self) {
        self.connections.wait().await;
    }

    /// Misbehaves from now on towards mail for `recipient` (`*`: everybody). Rules add up; see
    /// [`Fault`].
    pub fn inject(&self, recipient: &str, fault: Fault) {
        self.context.faults.add(recipient, fault);
    }

    /// Forgets every fault.
    pub fn heal(&self) {
        self.context.faults.clear();
    }

    /// How many messages have ever been taken into this folder, including those that have made room
    /// for newer ones.
    pub fn count(&self) -> u64 {
        self.context.store.taken()
    }

    /// The kept messages, newest first.
    pub fn list(&self) -> Vec<Arc<Message>> {
        self.context.store.list()
    }

    pub fn get(&self, id: u64) -> Option<Arc<Message>> {
        self.context.store.get(id)
    }

    /// The whole file of a message: the lines that the server added, then the message as it was
    /// sent. `None` if there is no such message.
    pub async fn raw(&self, id: u64) -> io::Result<Option<Vec<u8>>> {
        self.context.store.read(id).await
    }

    /// Waits until `check`, given all kept messages (newest first), finds what it looks for.
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        mut check: impl FnMut(&[Arc<Message>]) -> Option<T>,
    ) -> Result<T, TimedOut> {
        // Subscribed before the first look, so that no arrival falls between a look and the wait.
        let mut arrivals = self.context.store.watch();
        let found = async {
            loop {
                if let Some(found) = check(&self.list()) {
                    return found;
                }
                if arrivals.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(limit, found).await.map_err(|_| TimedOut {
            limit,
            taken: self.count(),
            newest: self.list().into_iter().next(),
        })
    }

    /// Waits until `count` messages have been taken in all.
    pub async fn wait_for_count(&self, limit: Duration, count: u64) -> Result<(), TimedOut> {
        self.wait_for(limit, |_| (self.count() >= count).then_some(())).await
    }
}

async fn accept(listener: TcpListener, context: Arc<Context>, connections: TaskTracker, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let (context, shutdown) = (Arc::clone(&context), shutdown.clone());
                connections.spawn(async move {
                    let _slot = slot;
                    serve(stream, &context, &shutdown).await;
                });
            }
            Err(error) => {
                // Usually out of file handles: give others time to close theirs.
                tracing::warn!(%error, "cannot accept an SMTP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, context: &Context, shutdown: &CancellationToken) {
    // Replies are small and the client waits for them.
    let _ = stream.set_nodelay(true);
    let result = tokio::select! {
        result = connection::talk(stream, context) => result,
        // A message in flight is not taken: the client has no 250 and sends it again.
        () = shutdown.cancelled() => return,
    };
    if let Err(error) = result {
        tracing::debug!(%error, "SMTP connection ended");
    }
}

#[cfg(test)]
mod tests;
