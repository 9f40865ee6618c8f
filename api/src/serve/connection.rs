//! Connections, counted: so many in total and of one network, and each ends when its client stops reading.
//!
//! What counts is the connection's other end: who a proxy speaks for is known only from a request. A trusted proxy, which speaks
//! for many, is counted in the total alone.
//!
//! How to get this wrong: give the place back when hyper is done with the connection. A WebSocket lives on without hyper, so the
//! place belongs to the stream itself.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use market::identity::store::network;
use shared::config::{ConnectionLimits, Network};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

/// Which limit a connection exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Network,
}

impl Full {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Network => "network",
        }
    }
}

/// The open connections of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: ConnectionLimits,
    proxies: Vec<Network>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_network: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new(limits: ConnectionLimits, proxies: Vec<Network>) -> Self {
        Self(Arc::new(Inner { limits, proxies, open: Mutex::default() }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection and watches over its writes, unless there are too many.
    pub(super) fn admit(&self, stream: TcpStream, peer: IpAddr) -> Result<Connection, Full> {
        let place = self.take(peer)?;
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.0.limits.write));
        Ok(Connection { stream: Box::pin(stream), _place: place })
    }

    fn take(&self, peer: IpAddr) -> Result<Place, Full> {
        let limits = self.0.limits;
        let network = (!self.0.proxies.iter().any(|proxy| proxy.contains(peer))).then(|| network(peer));
        let mut open = self.open();
        if open.total >= limits.total {
            return Err(Full::Total);
        }
        if let Some(network) = network {
            let count = open.by_network.entry(network).or_default();
            if *count >= limits.per_network {
                return Err(Full::Network);
            }
            *count += 1;
        }
        open.total += 1;
        drop(open);
        metrics::gauge!("tradeyard_http_connections").increment(1);
        Ok(Place { connections: self.clone(), network })
    }
}

/// A counted connection; dropping it takes the count back.
#[derive(Debug)]
struct Place {
    connections: Connections,
    /// `None` for a trusted proxy.
    network: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.total -= 1;
        if let Some(network) = self.network
            && let Some(count) = open.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                open.by_network.remove(&network);
            }
        }
        drop(open);
        metrics::gauge!("tradeyard_http_connections").decrement(1);
    }
}

/// A client's connection. A write that makes no progress for too long fails with [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub(super) struct Connection {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    _place: Place,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
