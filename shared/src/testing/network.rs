//! The addresses of the test servers, and a proxy that simulates a bad network.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The URL of a server that the test run has started.
///
/// # Panics
/// If the variable is missing: a test cannot go on without its server.
#[must_use]
#[expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test without its server ends here")]
pub fn server(variable: &str) -> String {
    std::env::var(variable).expect("DATABASE_URL, REDIS_URL and AMQP_URL name the test servers; run ./dev test")
}

/// The address of another database of the Redis at `url`.
#[must_use]
pub fn redis_database(url: &str, number: u8) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("redis", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{scheme}://{authority}/{number}")
}

/// What the network does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFault {
    /// No fault: everything passes.
    None,
    /// New connections are closed at once; existing ones go on until [`Proxy::cut`].
    Refuse,
    /// Every byte arrives this much later, in each direction.
    Delay(Duration),
    /// Connections stay open and nothing passes: half open. What was sent arrives when the fault changes.
    Silence,
    /// Requests pass, answers are lost.
    DropAnswers,
}

/// A TCP proxy in front of a real server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<NetworkFault>,
    cuts: watch::Sender<u32>,
    strandings: watch::Sender<u32>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free local port and passes everything on to `target`, `host:port`.
    pub async fn to(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let target: Arc<str> = target.into();
        let (fault, seen) = watch::channel(NetworkFault::None);
        let (cuts, cut) = watch::channel(0);
        let (strandings, strand) = watch::channel(0);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() == NetworkFault::Refuse {
                    // Without the lingering close, so that the client sees a reset.
                    let _ = client.set_zero_linger();
                    continue;
                }
                tokio::spawn(pass(client, Arc::clone(&target), seen.clone(), cut.clone(), strand.clone()));
            }
        });
        Ok(Self { address, fault, cuts, strandings, listening })
    }

    /// Listens in front of the server that `url` names; returns the proxy and the URL through it.
    pub async fn before(url: &str) -> io::Result<(Self, String)> {
        let authority = url.split("://").nth(1).unwrap_or(url).split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let proxy = Self::to(host).await?;
        let through = url.replacen(host, &proxy.address.to_string(), 1);
        Ok((proxy, through))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the fault, also for existing connections.
    pub fn set(&self, fault: NetworkFault) {
        self.fault.send_replace(fault);
    }

    /// Makes the host behind the existing connections vanish: they stay open, but nothing passes
    /// any more until they are closed. New ones reach its successor.
    pub fn strand(&self) {
        self.strandings.send_modify(|strandings| *strandings += 1);
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

async fn pass(
    client: TcpStream,
    target: Arc<str>,
    fault: watch::Receiver<NetworkFault>,
    mut cut: watch::Receiver<u32>,
    mut strand: watch::Receiver<u32>,
) {
    cut.mark_unchanged();
    strand.mark_unchanged();
    let Ok(server) = TcpStream::connect(&*target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let flows = async {
        tokio::select! {
            () = flow(client_in, server_out, fault.clone(), false) => {}
            () = flow(server_in, client_out, fault, true) => {}
        }
    };
    let mut flows = std::pin::pin!(flows);
    tokio::select! {
        _ = cut.changed() => return,
        () = &mut flows => return,
        _ = strand.changed() => {}
    }
    // The sockets live as long as `flows`, which nobody drives any more.
    let _ = cut.changed().await;
}

/// Passes bytes one way until either end closes.
async fn flow(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, fault: watch::Receiver<NetworkFault>, answers: bool) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let mut later = fault.clone();
    let read = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let now = *fault.borrow();
            if now == NetworkFault::DropAnswers && answers {
                continue;
            }
            let delay = if let NetworkFault::Delay(delay) = now { delay } else { Duration::ZERO };
            if sender.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
        // Lets what is under way arrive.
        drop(sender);
        std::future::pending::<()>().await;
    };
    let write = async {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if later.wait_for(|fault| *fault != NetworkFault::Silence).await.is_err()
                || to.write_all(&bytes).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
}

#[cfg(test)]
mod tests;
