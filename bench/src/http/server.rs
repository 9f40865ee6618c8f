//! The servers that are measured: the API, and two peers that answer some of its requests in the same way.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use shared::config::Config;

use super::client::Connection;
use crate::processes::Part;

/// The peers are programs of one thread: each gets as many processes as the machine has cores for the API's threads.
const PROCESSES: usize = 2;
/// What would bound a measurement: all clients are one network.
const LIMITS: [&str; 7] = [
    "RATE_LIMIT_ANONYMOUS",
    "RATE_LIMIT_USER",
    "RATE_LIMIT_STANDARD",
    "RATE_LIMIT_PRO",
    "RATE_LIMIT_PARTNER",
    "CONNECTIONS",
    "CONNECTIONS_PER_NETWORK",
];
/// No limit that a measurement could reach.
const UNLIMITED: &str = "1000000000";

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Api,
    FastApi,
    Express,
}

/// A server's processes, and their addresses.
#[derive(Debug)]
pub(crate) struct Running {
    parts: Vec<Part>,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Running {
    /// The memory that its processes hold at present, in MB.
    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        self.parts.iter().map(Part::resident_mb).sum()
    }

    pub(crate) async fn stop(self) {
        for part in self.parts {
            part.stop().await;
        }
    }
}

impl Server {
    /// The API, and the peers whose packages are in `tools`.
    pub(crate) fn all(tools: Option<&Path>) -> Vec<Self> {
        let there = |peer: &Self| tools.is_some_and(|tools| peer.packages(tools).exists());
        [Self::Api].into_iter().chain([Self::FastApi, Self::Express].into_iter().filter(there)).collect()
    }

    /// How its figures begin; the API's have no name before them.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Api => "",
            Self::FastApi => "fastapi_",
            Self::Express => "express_",
        }
    }

    /// What a peer needs, in the folder of tools.
    fn packages(self, tools: &Path) -> PathBuf {
        match self {
            Self::Api => tools.to_owned(),
            Self::FastApi => tools.join("fastapi/bin/python"),
            Self::Express => tools.join("express/node_modules"),
        }
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn start(self, config: &Config, tools: Option<&Path>) -> anyhow::Result<Running> {
        let count = if self == Self::Api { 1 } else { PROCESSES };
        let mut running = Running { parts: Vec::new(), addresses: Vec::new() };
        for _ in 0..count {
            let addr = free_address()?;
            running.parts.push(self.process(config, tools, addr)?);
            running.addresses.push(addr);
        }
        for addr in &running.addresses {
            until_listening(*addr).await.with_context(|| format!("{self:?} does not answer"))?;
        }
        Ok(running)
    }

    fn process(self, config: &Config, tools: Option<&Path>, addr: SocketAddr) -> anyhow::Result<Part> {
        if self == Self::Api {
            return api(addr, &[]);
        }
        let tools = tools.context("the peers' packages are not installed")?;
        let packages = self.packages(tools);
        let settings = [
            ("DATABASE_URL", config.database.url.expose_secret()),
            ("JWT_SECRET", config.jwt_secret()?.expose_secret()),
            ("PUBLIC_URL", config.http.public_url.as_str()),
            ("NODE_ENV", "production"),
            ("NODE_PATH", packages.to_str().context("the folder of tools is not text")?),
            // Nothing is written beside the sources.
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ];
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let (program, source) = match self {
            Self::Express => (Path::new("node"), sources.join("express/app.js")),
            _ => (packages.as_path(), sources.join("fastapi/app.py")),
        };
        Part::command(program, &[source.as_os_str(), addr.port().to_string().as_ref()], &settings)
    }
}

/// Starts the API with more settings, by the names of the environment, and waits until it answers.
pub(crate) async fn start_api(settings: &[(&str, &str)]) -> anyhow::Result<Running> {
    let addr = free_address()?;
    let running = Running { parts: vec![api(addr, settings)?], addresses: vec![addr] };
    until_listening(addr).await.context("the API does not answer")?;
    Ok(running)
}

fn api(addr: SocketAddr, more: &[(&str, &str)]) -> anyhow::Result<Part> {
    let addr = addr.to_string();
    let mut settings = vec![("HTTP_ADDR", addr.as_str())];
    settings.extend(LIMITS.map(|key| (key, UNLIMITED)));
    settings.extend(more);
    Part::program_with("api", &settings)
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr()?)
}

async fn until_listening(addr: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..300 {
        if Connection::open(addr).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("nobody listens on {addr}")
}

#[cfg(test)]
mod tests;
