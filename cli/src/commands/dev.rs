//! `tradeyard dev`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{Config, Mode};
use shared::program::{self, Signals};
use tokio::task::JoinSet;

use super::migrate;
use crate::output::print;
use crate::{connect, secrets};

/// Everything together stays below PostgreSQL's default of 100 connections, of which three are kept for superusers.
const SERVER_CONNECTIONS: usize = 97;
/// Four times this for the API (its own, the common reads', the ledger's and the events'), and two of the fast path.
const API_CONNECTIONS: u32 = 4;
/// Three times this for the scheduler (the queues' without a broker, the dispatcher's and the schedules'), and two more.
const SCHEDULER_CONNECTIONS: u32 = 3;
/// Three times this for each pool of workers (the handlers', the queues' without a broker and the engine's), and three: two of the fast
/// path, and one that looks which brokers carry its queues.
const POOL_CONNECTIONS: u32 = 2;
/// Five for each of the two pools that look into the events, and one that archives them.
const EVENTS_CONNECTIONS: usize = 11;
/// Of the whole process.
const HEALTH_CONNECTIONS: usize = 1;

const _: () = {
    let api = 4 * API_CONNECTIONS as usize + 2;
    let scheduler = 3 * SCHEDULER_CONNECTIONS as usize + 2;
    let pools = (3 * POOL_CONNECTIONS as usize + 3) * workers::pools::NAMES.len();
    assert!(api + scheduler + pools + EVENTS_CONNECTIONS + HEALTH_CONNECTIONS <= SERVER_CONNECTIONS);
};

/// The whole product in one process: API, every worker pool, a scheduler, and the sinks of files, mail and payments.
///
/// With only `DATABASE_URL` set, PostgreSQL alone carries the jobs. A database that is missing is made.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// How many jobs of each queue run at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=2000))]
    concurrency: u16,
    /// The folder of uploaded objects, sent mail, and the secrets that were generated because none are set.
    #[arg(long, default_value = secrets::DIR, value_name = "FOLDER")]
    dir: PathBuf,
    /// Where the S3 server listens.
    #[arg(long, default_value = "127.0.0.1:7310", value_name = "ADDR")]
    s3_addr: SocketAddr,
    /// Where the SMTP server listens.
    #[arg(long, default_value = "127.0.0.1:7325", value_name = "ADDR")]
    smtp_addr: SocketAddr,
    /// Where the page with the received mail listens.
    #[arg(long, default_value = "127.0.0.1:7326", value_name = "ADDR")]
    mailbox_addr: SocketAddr,
    /// Where the payment simulator listens, if it is the provider of payments.
    #[arg(long, default_value = "127.0.0.1:7327", value_name = "ADDR")]
    payments_addr: SocketAddr,
}

impl Dev {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut config = Config::load()?;
        anyhow::ensure!(config.mode == Mode::Development, "`tradeyard dev` is for development; MODE says production");
        shared::telemetry::init_logging(&config.log);
        shared::telemetry::metrics();
        secrets::make(&mut config, &self.dir)?;
        config.s3.endpoint = format!("http://{}", self.s3_addr);
        config.s3.public_endpoint = config.s3.endpoint.clone();
        config.smtp.url = SecretString::from(format!("smtp://{}", self.smtp_addr));
        let signals = Signals::listen().context("listen for signals")?;
        for url in [&config.database.migrate_url, &config.migrate_events_url] {
            connect::create_if_missing(url).await?;
        }
        migrate::bring_up_to_date(&config).await?;
        let health = program::serve_health(&config, &signals).await?;

        let s3 = sinks::s3::Options {
            dir: self.dir.join("s3"),
            addr: self.s3_addr,
            access_key: config.s3.access_key_id.expose_secret().to_owned(),
            secret_key: config.s3.secret_access_key.clone(),
            buckets: vec![config.s3.bucket.clone()],
        };
        let s3 = sinks::s3::serve(s3, signals.kill.clone()).await?;
        let smtp = sinks::smtp::Options::new(self.dir.join("mail"), self.smtp_addr);
        let smtp = sinks::smtp::Sink::start(smtp, signals.kill.clone()).await?;
        let mailbox = sinks::mailbox::serve(smtp, self.mailbox_addr, signals.kill.clone()).await?;
        let payments = super::sinks::simulator(&config, self.payments_addr, &signals.kill).await?;
        if let Some(payments) = &payments {
            config.payments.url = format!("http://{}", payments.addr());
        }

        let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
        config.database.connections = config.database.connections.min(API_CONNECTIONS);
        parts.spawn(api::serve(config.clone(), signals.clone()));
        config.database.connections = config.database.connections.min(SCHEDULER_CONNECTIONS);
        parts.spawn(scheduler::connect(&config)?.with_health(signals.health.clone()).run(signals.stop.clone()));
        config.database.connections = config.database.connections.min(POOL_CONNECTIONS);
        for &pool in workers::pools::NAMES {
            let (config, signals, concurrency) = (config.clone(), signals.clone(), usize::from(self.concurrency));
            parts.spawn(async move {
                workers::runtime::run(pool, &config, concurrency, Duration::from_secs(10), signals).await
            });
        }
        print(&format!(
            "API      {}\ndocs     {}/docs\nmailbox  http://{}\nS3       {}\nhealth   http://{health}/readyz, and /metrics\n\
             Ctrl-C stops everything.",
            config.http.public_url,
            config.http.public_url,
            mailbox.addr(),
            s3.endpoint(),
        ))?;
        while let Some(ended) = parts.join_next().await {
            // If one part cannot run, the others are useless: say so and stop.
            if let Err(error) = ended.context("a part panicked").and_then(|ended| ended) {
                signals.stop.cancel();
                return Err(error);
            }
        }
        signals.kill.cancel();
        Ok(())
    }
}
