use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use tokio::process::{Child, Command};

use super::postgres::is_root;
use super::{free_port, own_dir, until_listening};

/// A `PgBouncer` of the test's own, in front of an existing PostgreSQL; killed when dropped.
#[derive(Debug)]
pub struct OwnPgBouncer {
    _child: Child,
    dir: PathBuf,
    url: String,
}

impl OwnPgBouncer {
    /// Starts one in front of the database that `url` names. `settings` are lines of its configuration.
    pub async fn before(url: &str, settings: &[&str]) -> anyhow::Result<Self> {
        let mut url = url::Url::parse(url)?;
        let port = free_port()?;
        let dir = own_dir("pgbouncer", port)?;
        let database = format!(
            "* = host={} port={} user={} password={}",
            url.host_str().context("the URL names a host")?,
            url.port().unwrap_or(5432),
            url.username(),
            url.password().unwrap_or_default(),
        );
        let mut lines = vec!["[databases]", &database, "[pgbouncer]", "listen_addr = 127.0.0.1", "auth_type = any"];
        let listen = format!("listen_port = {port}");
        lines.extend([listen.as_str(), "unix_socket_dir =", "server_tls_sslmode = disable"]);
        lines.extend(settings);
        let file = dir.join("pgbouncer.ini");
        std::fs::write(&file, lines.join("\n") + "\n")?;
        let mut command = Command::new("/usr/sbin/pgbouncer");
        if is_root() {
            // It refuses to run as root.
            command.args(["-u", "postgres"]);
        }
        let child = command
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start pgbouncer")?;
        until_listening(port).await?;
        let unusable = |()| anyhow::anyhow!("the URL takes no host or port");
        url.set_port(Some(port)).map_err(unusable)?;
        url.set_host(Some("127.0.0.1"))?;
        Ok(Self { _child: child, dir, url: url.to_string() })
    }

    /// The URL of the database through the pooler.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for OwnPgBouncer {
    fn drop(&mut self) {
        // Nothing else is in it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
