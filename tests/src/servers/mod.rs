//! Servers that a test may break: it starts them itself on free ports, and they end with it.

mod clock;
mod pgbouncer;
mod postgres;
mod rabbit;
mod redis;
mod tls;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

pub use clock::TestClock;
pub use pgbouncer::OwnPgBouncer;
pub use postgres::OwnPostgres;
pub use rabbit::OwnRabbit;
pub use redis::OwnRedis;
pub use tls::{NAME, Tls};

/// A port that nobody is using at the moment.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A folder for the server on this port.
fn own_dir(server: &str, port: u16) -> anyhow::Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("tradeyard-{server}-{port}-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Waits until somebody listens on the port. That is all that can be seen of a TLS server from
/// outside.
async fn until_listening(port: u16) -> anyhow::Result<()> {
    for _ in 0..1200 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("nobody listens on port {port}")
}
