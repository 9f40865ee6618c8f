use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::tls::{NAME, Tls, text};
use super::{free_port, own_dir, until_listening};

/// Debian's scripts, which any user can run.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// A RabbitMQ of the test's own, on its own port mapper; killed when dropped.
#[derive(Debug)]
pub struct OwnRabbit {
    epmd: Child,
    node: Option<Child>,
    port: u16,
    distribution: u16,
    mapper: u16,
    dir: PathBuf,
    tls: bool,
}

/// The virtual host of a node with TLS.
const VHOST: &str = "bear";

impl OwnRabbit {
    /// Starts one and waits until it answers, which takes some eight seconds.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(None).await
    }

    /// Starts one that speaks only TLS, with a virtual host of its own.
    pub async fn start_tls(tls: &Tls) -> anyhow::Result<Self> {
        Self::start_with(Some(tls)).await
    }

    async fn start_with(tls: Option<&Tls>) -> anyhow::Result<Self> {
        let (port, distribution, mapper) = (free_port()?, free_port()?, free_port()?);
        let dir = own_dir("rabbit", port)?;
        std::fs::write(dir.join("enabled_plugins"), "[].")?;
        if let Some(tls) = tls {
            let settings = [
                ("listeners.tcp", "none".to_owned()),
                ("listeners.ssl.1", format!("127.0.0.1:{port}")),
                ("ssl_options.certfile", text(&tls.certificate())),
                ("ssl_options.keyfile", text(&tls.key())),
                ("ssl_options.cacertfile", text(&tls.authority())),
                ("ssl_options.verify", "verify_none".to_owned()),
                ("default_vhost", VHOST.to_owned()),
            ];
            let lines: Vec<_> = settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            std::fs::write(dir.join("rabbitmq.conf"), lines.join("\n") + "\n")?;
        }
        let epmd = Command::new("epmd")
            .args(["-port", &mapper.to_string()])
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .kill_on_drop(true)
            .spawn()
            .context("start epmd")?;
        let mut rabbit = Self { epmd, node: None, port, distribution, mapper, dir, tls: tls.is_some() };
        rabbit.up().await?;
        Ok(rabbit)
    }

    #[must_use]
    pub fn url(&self) -> String {
        if self.tls {
            return format!("amqps://guest:guest@{NAME}:{}/{VHOST}", self.port);
        }
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Starts the node, which still has what it had written before it was killed.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let mut command = Command::new(format!("{SCRIPTS}/rabbitmq-server"));
        if !self.tls {
            // These two ask for a plain listener.
            command.env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1").env("RABBITMQ_NODE_PORT", self.port.to_string());
        }
        let node = command
            .envs([
                ("HOME", path("")),
                ("RABBITMQ_NODENAME", format!("own-{}@localhost", self.port)),
                ("RABBITMQ_DIST_PORT", self.distribution.to_string()),
                ("ERL_EPMD_PORT", self.mapper.to_string()),
                ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
                ("RABBITMQ_MNESIA_BASE", path("mnesia")),
                ("RABBITMQ_LOG_BASE", path("log")),
                ("RABBITMQ_PID_FILE", path("pid")),
                ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
                ("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config")),
                ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
                ("RABBITMQ_ENABLED_PLUGINS_FILE", path("enabled_plugins")),
            ])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // So that script and node die together.
            .process_group(0)
            .spawn()
            .context("start rabbitmq-server")?;
        self.node = Some(node);
        if self.tls {
            return until_listening(self.port).await;
        }
        for _ in 0..600 {
            if self.answers().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("RabbitMQ does not answer")
    }

    /// Checks whether the node is up: it opens its port last, and lets nobody in before.
    async fn answers(&self) -> anyhow::Result<()> {
        // Cheaper than a refused handshake.
        TcpStream::connect(("127.0.0.1", self.port)).await?;
        let connection = queue::transport::rabbit::connection::connect(&self.url().into(), "own").await?;
        connection.close(200, "seen".into()).await?;
        Ok(())
    }

    /// Runs a command of `rabbitmqctl` on the node.
    pub async fn ctl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let done = Command::new(format!("{SCRIPTS}/rabbitmqctl"))
            .args(arguments)
            .envs([
                ("HOME", self.dir.display().to_string()),
                ("RABBITMQ_NODENAME", format!("own-{}@localhost", self.port)),
                ("ERL_EPMD_PORT", self.mapper.to_string()),
                ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .output()
            .await
            .context("start rabbitmqctl")?;
        let said = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "rabbitmqctl {arguments:?}: {said}");
        Ok(())
    }

    /// Kills the node, and the script that started it, with `kill -9`.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        kill_group(&node)?;
        node.wait().await?;
        Ok(())
    }
}

impl Drop for OwnRabbit {
    fn drop(&mut self) {
        let _ = self.node.as_ref().map(kill_group);
        let _ = self.epmd.start_kill();
        // Nothing else is in it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn kill_group(node: &Child) -> anyhow::Result<()> {
    let pid = node.id().context("RabbitMQ has ended by itself")?;
    let killed = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{pid}")]).status()?;
    anyhow::ensure!(killed.success(), "kill -KILL -{pid}");
    Ok(())
}
