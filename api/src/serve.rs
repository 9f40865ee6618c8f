//! The HTTP server: accepts, serves, and lets requests in hand end when the process does.

mod connection;

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use shared::config::{ConnectionLimits, Network};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use connection::Connections;

/// How long a client may take to send a request's head, and how long a connection may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in hand may take after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(25);

/// A listening server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    pub addr: SocketAddr,
    limits: ConnectionLimits,
    proxies: Vec<Network>,
}

impl Server {
    pub async fn bind(addr: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(addr).await.with_context(|| format!("listen on {addr}"))?;
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, limits: ConnectionLimits::DEFAULT, proxies: Vec::new() })
    }

    /// With other limits, and proxies whose connections are counted only in the total.
    #[must_use]
    pub fn within(self, limits: ConnectionLimits, proxies: &[Network]) -> Self {
        Self { limits, proxies: proxies.to_vec(), ..self }
    }

    /// Serves until `shutdown`, then waits for the requests in hand.
    pub async fn run(self, router: Router, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        let open = Connections::new(self.limits, self.proxies);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(64);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come back instead of spinning.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Answers are small and whole: waiting for more bytes only adds latency. A socket that refuses is served anyway.
            let _ = stream.set_nodelay(true);
            let stream = match open.admit(stream, peer.ip()) {
                Ok(stream) => stream,
                // Closed rather than left waiting: a client that hears so tries another process, or later.
                Err(full) => {
                    metrics::counter!("tradeyard_http_connections_refused_total", "limit" => full.name()).increment(1);
                    continue;
                }
            };
            let router = router.clone();
            let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().oneshot(request.map(Body::new))
            });
            let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
            let shutdown = shutdown.clone();
            connections.spawn(async move {
                let mut connection = pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = shutdown.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                // Clients hang up all the time; that is not our failure.
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
            });
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(GRACE, connections.wait()).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
    }
}

#[cfg(test)]
mod tests;
