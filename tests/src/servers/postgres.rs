use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use sqlx::{ConnectOptions, Connection};
use tokio::process::{Child, Command};

use super::tls::{NAME, Tls};
use super::{TestClock, free_port, own_dir};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// A PostgreSQL of the test's own; killed when dropped. It trusts everybody on the loopback
/// interface, and is durable.
#[derive(Debug)]
pub struct OwnPostgres {
    child: Option<Child>,
    bin: PathBuf,
    port: u16,
    dir: PathBuf,
    tls: bool,
    /// The environment of its processes.
    env: Vec<(&'static str, String)>,
}

impl OwnPostgres {
    /// Makes a cluster, starts it and waits until it answers.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(None, Vec::new()).await
    }

    /// Starts one with TLS.
    pub async fn start_tls(tls: &Tls) -> anyhow::Result<Self> {
        Self::start_with(Some(tls), Vec::new()).await
    }

    /// Starts one that uses this clock.
    pub async fn start_by(clock: &TestClock) -> anyhow::Result<Self> {
        Self::start_with(None, clock.env().into()).await
    }

    async fn start_with(tls: Option<&Tls>, env: Vec<(&'static str, String)>) -> anyhow::Result<Self> {
        let port = free_port()?;
        let dir = own_dir("postgres", port)?;
        let mut postgres = Self { child: None, bin: bin()?, port, dir, tls: tls.is_some(), env };
        if is_root() {
            std::os::unix::fs::chown(&postgres.dir, Some(postgres_id("uid")?), Some(postgres_id("gid")?))?;
        }
        let made = postgres
            .command("initdb")
            .args(["-U", "tradeyard", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
            .arg("-D")
            .arg(postgres.data())
            .output()
            .await
            .context("run initdb")?;
        anyhow::ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        if let Some(tls) = tls {
            postgres.take(&tls.certificate(), CERTIFICATE)?;
            postgres.take(&tls.key(), KEY)?;
        }
        postgres.up().await?;
        Ok(postgres)
    }

    /// Copies a file into its folder, readable only by its user: the server refuses a key that
    /// others may read.
    fn take(&self, from: &Path, name: &str) -> anyhow::Result<()> {
        let to = self.data().join(name);
        std::fs::copy(from, &to)?;
        std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        if is_root() {
            std::os::unix::fs::chown(&to, Some(postgres_id("uid")?), Some(postgres_id("gid")?))?;
        }
        Ok(())
    }

    /// The URL of its only database, which is empty at first.
    #[must_use]
    pub fn url(&self) -> String {
        if self.tls {
            return format!("postgres://tradeyard@{NAME}:{}/postgres?sslmode=verify-full", self.port);
        }
        format!("postgres://tradeyard@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server, which recovers from its log if it was killed.
    pub async fn up(&mut self) -> anyhow::Result<()> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        // As many connections as the other servers of tests: a whole installation fits.
        let port = format!("port={}", self.port);
        for setting in [&port, "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=400"] {
            command.args(["-c", setting]);
        }
        if self.tls {
            for (setting, value) in [("ssl", "on"), ("ssl_cert_file", CERTIFICATE), ("ssl_key_file", KEY)] {
                command.args(["-c", &format!("{setting}={value}")]);
            }
        }
        self.child = Some(command.spawn().context("start postgres")?);
        let options: sqlx::postgres::PgConnectOptions = self.url().parse()?;
        // Whether the certificate is right is for the test to check.
        let options = if self.tls { options.ssl_mode(sqlx::postgres::PgSslMode::Require) } else { options };
        for _ in 0..1200 {
            if let Ok(conn) = options.connect().await {
                conn.close().await?;
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("postgres does not answer")
    }

    /// Ends it at once, like a crash: SIGQUIT is its immediate shutdown, which leaves recovery to
    /// the next start.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.end("-QUIT").await
    }

    /// Ends every session and stops in order.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.end("-INT").await
    }

    async fn end(&mut self, signal: &str) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = child.id().context("postgres has ended by itself")?.to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await?;
        anyhow::ensure!(sent.success(), "kill {signal} {pid}");
        child.wait().await?;
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// One of its programs, run as a user that may run it: PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        // The environment is set after the change of user, because what the clock's library creates
        // at the start of a process belongs to that process's user.
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "env"]);
            command
        } else {
            Command::new("env")
        };
        command.args(self.env.iter().map(|(name, value)| format!("{name}={value}"))).arg(self.bin.join(program));
        command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        // Its children end when they notice that it is gone; nothing else is in the folder.
        let _ = self.child.as_mut().map(Child::start_kill);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The folder with the programs of the newest installed server.
fn bin() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed")?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    Ok(versions.pop().context("PostgreSQL's server is not installed")?.1)
}

pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// The number of the user `postgres`, or of its group.
fn postgres_id(which: &str) -> anyhow::Result<u32> {
    let users = std::fs::read_to_string(Path::new("/etc/passwd"))?;
    let line = users.lines().find(|line| line.starts_with("postgres:")).context("there is no user postgres")?;
    let field = if which == "uid" { 2 } else { 3 };
    Ok(line.split(':').nth(field).context("a user without numbers")?.parse()?)
}
