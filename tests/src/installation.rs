//! The whole product for one test, in this process: the API on a real port, the scheduler, every pool of workers, and the other ends
//! of S3, SMTP and payments. People use it over HTTP and WebSocket and read their mail ([`people`]).

pub mod gate;
pub mod people;
pub mod sales;
pub mod socket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::serve::Server;
use queue::testing::assert_consistent;
use reqwest::Client;
use secrecy::SecretString;
use serde_json::Value;
use shared::config::{Config, Source};
use shared::program::Signals;
use shared::testing::{Proxy, TestDb};
use sinks::simulator::{self, Simulator};
use sinks::smtp::Message;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::parts::Part;
use crate::until::{PATIENCE, until_sql};

/// How long the parts may take to sign off.
const SIGN_OFF: Duration = Duration::from_secs(20);
/// How many jobs of each queue a worker runs at once.
const CONCURRENCY: usize = 4;
/// Connections of the API, of the scheduler, and of each pool of workers.
const CONNECTIONS: u32 = 6;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A running installation. Its parts stop when it is closed or dropped.
#[derive(Debug)]
pub struct TestInstallation {
    pub db: TestDb,
    /// Where the API answers.
    pub base: String,
    /// What was mailed.
    pub mail: sinks::smtp::Sink,
    /// Who moves the money.
    pub payments: Simulator,
    /// Where the store answers.
    pub store: SocketAddr,
    /// The folder of the objects.
    pub objects: PathBuf,
    http: Client,
    mailbox: SocketAddr,
    config: Config,
    env: BTreeMap<String, String>,
    parts: JoinSet<anyhow::Result<()>>,
    asked_to_stop: CancellationToken,
    stop: DropGuard,
    _files: TempDir,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test without its installation ends here"
)]
impl TestInstallation {
    pub async fn new() -> Self {
        Self::started(TestDb::new().await, &[], &[]).await
    }

    /// Starts everything but these pools of workers, which the test starts itself.
    pub async fn without(pools: &[&str]) -> Self {
        Self::started(TestDb::new().await, pools, &[]).await
    }

    /// With more settings, by the names of the environment.
    pub async fn with(settings: &[(&'static str, String)]) -> Self {
        Self::started(TestDb::new().await, &[], settings).await
    }

    /// On this database.
    pub async fn on(db: TestDb) -> Self {
        Self::started(db, &[], &[]).await
    }

    /// With a proxy before the database of the cargo events, through which nothing else goes.
    pub async fn with_events_behind_a_proxy() -> (Self, Proxy) {
        let db = TestDb::new().await;
        let (proxy, url) = Proxy::before(&db.url()).await.expect("a proxy");
        (Self::started(db, &[], &[("EVENTS_DATABASE_URL", url)]).await, proxy)
    }

    async fn started(db: TestDb, pools: &[&str], settings: &[(&'static str, String)]) -> Self {
        let (files, stop) = (tempfile::tempdir().expect("a folder"), CancellationToken::new());
        let objects = files.path().join("s3");
        let s3 = sinks::s3::Options {
            dir: objects.clone(),
            addr: ANY_PORT,
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let s3 = sinks::s3::serve(s3, stop.clone()).await.expect("S3 is served");
        let mail = sinks::smtp::Options::new(files.path().join("mail"), ANY_PORT);
        let mail = sinks::smtp::Sink::start(mail, stop.clone()).await.expect("SMTP is served");
        let mailbox = sinks::mailbox::serve(mail.clone(), ANY_PORT, stop.clone()).await.expect("the mailbox is served");
        let server = Server::bind(ANY_PORT).await.expect("a port");
        let base = format!("http://{}", server.addr);

        let payments = simulator::Options {
            addr: ANY_PORT,
            key: SecretString::from("key"),
            webhook_key: SecretString::from("webhooks"),
            webhook_url: Some(format!("{base}/v1/webhooks/simulator")),
        };
        let payments = Simulator::start(payments, stop.clone()).await.expect("payments are served");

        let servers = ["REDIS_URL", "AMQP_URL"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        let mut env: BTreeMap<&str, String> = servers.collect();
        env.extend([
            ("DATABASE_URL", db.url()),
            ("NAMESPACE", format!("t{}", uuid::Uuid::now_v7().simple())),
            ("LOG", "warn".to_owned()),
            ("JWT_SECRET", "a secret for tests, not for anything else".to_owned()),
            ("MASTER_KEY", shared::testing::MASTER_KEY.to_owned()),
            ("CHAT_KEY", shared::testing::MASTER_KEY.to_owned()),
            ("PASSWORD_COST", "4".to_owned()),
            ("PUBLIC_URL", base.clone()),
            ("S3_ENDPOINT", s3.endpoint()),
            ("S3_ACCESS_KEY_ID", "key".to_owned()),
            ("S3_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("SMTP_URL", format!("smtp://{}", mail.addr())),
            ("PAYMENTS_URL", format!("http://{}", payments.addr())),
            ("PAYMENTS_KEY", "key".to_owned()),
            ("PAYMENTS_WEBHOOK_KEY", "webhooks".to_owned()),
            ("DATABASE_CONNECTIONS", CONNECTIONS.to_string()),
            // Receivers of the test are on this machine.
            ("WEBHOOK_PRIVATE_TARGETS", "true".to_owned()),
        ]);
        env.extend(settings.iter().cloned());
        let env: BTreeMap<String, String> = env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let config = Config::from_source(Source::new("", env.clone())).expect("the settings are right");
        shared::telemetry::init_logging(&config.log);

        let parts = start(&config, server, &stop).expect("every part starts");
        let mut market = Self {
            db,
            base,
            mail,
            payments,
            store: s3.addr(),
            objects: objects.join("tradeyard"),
            http: Client::new(),
            mailbox: mailbox.addr(),
            config,
            env,
            parts,
            asked_to_stop: stop.clone(),
            stop: stop.drop_guard(),
            _files: files,
        };
        for &pool in workers::pools::NAMES.iter().filter(|pool| !pools.contains(*pool)) {
            market.run(pool);
        }
        market
    }

    /// Starts a pool of workers in this process.
    pub fn run(&mut self, pool: &'static str) {
        let config = self.config.clone();
        let signals = Signals { stop: self.asked_to_stop.clone(), ..Signals::default() };
        self.parts.spawn(async move { workers::runtime::run(pool, &config, CONCURRENCY, SIGN_OFF, signals).await });
    }

    /// Starts a pool of workers as a process of its own, which reaches the store at this address. `program` is what a test knows as
    /// `env!("CARGO_BIN_EXE_stack-part")`.
    #[must_use]
    pub fn worker(&self, program: &str, pool: &str, store: &str) -> Part {
        Part::start_on(program, &self.env, &["pool", pool], &[("S3_ENDPOINT", store.to_owned())])
    }

    /// Changes settings of the parts that start from now on, by the names of the environment.
    pub fn set(&mut self, settings: &[(&str, String)]) {
        self.env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.config = Config::from_source(Source::new("", self.env.clone())).expect("the settings are right");
    }

    /// Starts another API of the same installation; where it answers.
    pub async fn another_api(&mut self) -> String {
        let server = Server::bind(ANY_PORT).await.expect("a port");
        let base = format!("http://{}", server.addr);
        start_api(&self.config, server, &self.asked_to_stop, &mut self.parts).expect("another API starts");
        base
    }

    /// Starts another scheduler of the same installation.
    pub fn another_scheduler(&mut self) {
        let scheduler = scheduler::connect(&self.config).expect("another scheduler starts");
        self.parts.spawn(scheduler.run(self.asked_to_stop.clone()));
    }

    /// The text of the newest mail to this address with this in its subject, as soon as there is one.
    pub async fn mail_to(&self, address: &str, subject: &str) -> String {
        let found = |messages: &[Arc<Message>]| {
            messages.iter().find(|one| one.is_to(address) && one.subject.contains(subject)).map(|one| one.id)
        };
        let id = self.mail.wait_for(PATIENCE, found).await.expect("a mail");
        let path = format!("http://{}/messages/{id}/message.json", self.mailbox);
        let message: Value = self.http.get(path).send().await.expect("the mailbox").json().await.expect("a message");
        message["text"].as_str().expect("a text").to_owned()
    }

    /// Waits until no job is due or runs; those for later may be open.
    pub async fn until_quiet(&self) {
        let open = "SELECT count(*) FROM jobs WHERE state IN ('available', 'queued', 'running')";
        until_sql(&self.db.pool, open, 0).await;
    }

    /// Stops every part when no job is due, asserts that none has failed and that the ledger does not contradict itself, and drops
    /// the database.
    pub async fn close(mut self) {
        self.until_quiet().await;
        self.stop.disarm().cancel();
        let ended = async {
            while let Some(ended) = self.parts.join_next().await {
                ended.expect("no part panics").expect("every part ends well");
            }
        };
        tokio::time::timeout(SIGN_OFF, ended).await.expect("every part signs off");
        assert_consistent(&self.db.pool).await;
        self.db.close().await;
    }
}

/// Starts the API and the scheduler.
fn start(config: &Config, server: Server, stop: &CancellationToken) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let mut parts = JoinSet::new();
    start_api(config, server, stop, &mut parts)?;
    parts.spawn(scheduler::connect(config)?.run(stop.clone()));
    Ok(parts)
}

fn start_api(
    config: &Config,
    server: Server,
    stop: &CancellationToken,
    parts: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let router = api::app::router(&api::start(config.clone(), stop.clone())?)?;
    let api = server.run(router, stop.clone());
    parts.spawn(async {
        api.await;
        Ok(())
    });
    Ok(())
}
