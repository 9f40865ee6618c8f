use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

use super::tls::{NAME, Tls, text};
use super::{free_port, own_dir, until_listening};

/// A Redis of the test's own; killed when dropped.
#[derive(Debug)]
pub struct OwnRedis {
    child: Option<Child>,
    port: u16,
    dir: PathBuf,
    /// The options of the TLS listener that replaces the plain one.
    tls: Option<Vec<String>>,
}

impl OwnRedis {
    /// Starts one and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let dir = own_dir("redis", port)?;
        let mut redis = Self { child: None, port, dir, tls: None };
        redis.up().await?;
        Ok(redis)
    }

    /// Starts one that speaks only TLS.
    pub async fn start_tls(tls: &Tls) -> anyhow::Result<Self> {
        let port = free_port()?;
        let options = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", text(&tls.certificate())),
            ("--tls-key-file", text(&tls.key())),
            ("--tls-ca-cert-file", text(&tls.authority())),
            ("--tls-auth-clients", "no".to_owned()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let mut redis = Self { child: None, port, dir: own_dir("redis", port)?, tls: Some(options) };
        redis.up().await?;
        Ok(redis)
    }

    #[must_use]
    pub fn url(&self) -> String {
        if self.tls.is_some() {
            return format!("rediss://{NAME}:{}/", self.port);
        }
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Starts the server again on the same port, empty.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        let child = Command::new("redis-server")
            .args(["--port", &self.tls.as_ref().map_or(self.port, |_| 0).to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"])
            .args(self.tls.iter().flatten())
            .current_dir(&self.dir)
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start redis-server")?;
        self.child = Some(child);
        if self.tls.is_some() {
            return until_listening(self.port).await;
        }
        for _ in 0..200 {
            if self.command("PING").await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("redis-server does not answer")
    }

    /// Kills the server with `kill -9`.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Sends one command without arguments.
    pub async fn command(&self, name: &str) -> anyhow::Result<()> {
        let client = redis::Client::open(self.url())?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        redis::cmd(name).exec_async(&mut conn).await?;
        Ok(())
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        // Nothing else is in it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
