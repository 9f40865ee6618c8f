//! Servers that a test may break, started by itself on free ports, and gone with it.

mod postgres;
mod rabbit;
mod redis;

use std::net::TcpListener;
use std::path::PathBuf;

pub use postgres::OwnPostgres;
pub use rabbit::OwnRabbit;
pub use redis::OwnRedis;

/// A port that nobody uses now.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A folder for the server on this port.
fn own_dir(server: &str, port: u16) -> anyhow::Result<PathBuf> {
    let dir = std::env::temp_dir().join(format!("tradeyard-{server}-{port}-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}
