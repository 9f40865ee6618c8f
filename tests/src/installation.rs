//! The whole product for one test, in this process: the API on a real port, the scheduler, every pool of workers, and the other ends
//! of S3 and SMTP. People use it over HTTP and WebSocket and read their mail ([`people`]).

pub mod people;
pub mod socket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use market::identity::store;
use queue::testing::assert_consistent;
use reqwest::Client;
use secrecy::SecretString;
use serde_json::Value;
use shared::config::{Config, Source};
use shared::crypto::password;
use shared::program::Signals;
use shared::testing::TestDb;
use sinks::smtp::Message;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use people::{PASSWORD, Person};

/// How long a condition may take: far longer than it should, so that only a hang fails a test.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How long the parts may take to sign off.
const SIGN_OFF: Duration = Duration::from_secs(20);
/// How many jobs of each queue a worker runs at once.
const CONCURRENCY: usize = 4;
/// Connections of the API, of the scheduler, and of each pool of workers.
const CONNECTIONS: u32 = 6;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A running installation. Parts stop when it is closed or dropped.
#[derive(Debug)]
pub struct TestInstallation {
    pub db: TestDb,
    pub config: Config,
    /// Where the API answers.
    pub base: String,
    /// What was mailed.
    pub mail: sinks::smtp::Sink,
    http: Client,
    mailbox: SocketAddr,
    stop: CancellationToken,
    parts: TaskTracker,
    _files: TempDir,
    _stop_when_dropped: DropGuard,
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test without its installation ends here"
)]
impl TestInstallation {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With more settings, by the names of the environment.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let (db, files, stop) = (TestDb::new().await, tempfile::tempdir().expect("a folder"), CancellationToken::new());
        let s3 = sinks::s3::Options {
            dir: files.path().join("s3"),
            addr: ANY_PORT,
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let s3 = sinks::s3::serve(s3, stop.clone()).await.expect("S3 is served");
        let mail = sinks::smtp::Options::new(files.path().join("mail"), ANY_PORT);
        let mail = sinks::smtp::Sink::start(mail, stop.clone()).await.expect("SMTP is served");
        let mailbox = sinks::mailbox::serve(mail.clone(), ANY_PORT, stop.clone()).await.expect("the mailbox is served");
        let server = api::serve::Server::bind(ANY_PORT).await.expect("a port");
        let base = format!("http://{}", server.addr);

        let servers = ["REDIS_URL", "AMQP_URL"].into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        let mut env: BTreeMap<&str, String> = servers.collect();
        env.extend([
            ("DATABASE_URL", db.url()),
            ("NAMESPACE", format!("t{}", uuid::Uuid::now_v7().simple())),
            ("LOG", "warn".to_owned()),
            ("JWT_SECRET", "a secret for tests, not for anything else".to_owned()),
            ("PASSWORD_COST", "4".to_owned()),
            ("PUBLIC_URL", base.clone()),
            ("S3_ENDPOINT", s3.endpoint()),
            ("S3_ACCESS_KEY_ID", "key".to_owned()),
            ("S3_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("SMTP_URL", format!("smtp://{}", mail.addr())),
            ("DATABASE_CONNECTIONS", CONNECTIONS.to_string()),
        ]);
        env.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let env: BTreeMap<String, String> = env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let config = Config::from_source(Source::new("", env)).expect("the settings are right");
        shared::telemetry::init_logging(&config.log);

        let installation = Self {
            db,
            config,
            base,
            mail,
            http: Client::new(),
            mailbox: mailbox.addr(),
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
            parts: TaskTracker::new(),
            _files: files,
        };
        installation.start(server);
        installation
    }

    fn start(&self, server: api::serve::Server) {
        let (config, stop) = (&self.config, &self.stop);
        let state = api::start(config.clone(), stop.clone()).expect("the API starts");
        self.parts.spawn(server.run(api::app::router(&state), stop.clone()));
        self.parts.spawn(scheduler::connect(config).expect("the scheduler starts").run(stop.clone()));
        for &pool in workers::pools::NAMES {
            let (config, signals) = (config.clone(), Signals { stop: stop.clone(), ..Signals::default() });
            self.parts.spawn(async move {
                let ended = workers::runtime::run(pool, &config, CONCURRENCY, SIGN_OFF, signals).await;
                ended.expect("the workers run");
            });
        }
    }

    /// An administrator, made as the command line makes one.
    pub async fn admin(&self) -> Person {
        let (email, name) = ("root@example.com".parse().expect("an address"), "Root".parse().expect("a name"));
        let password_hash = password::hash(PASSWORD, 4).expect("a hash");
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let user = store::NewUser { email: &email, name: &name, password_hash: &password_hash };
        store::bootstrap_admin(&mut tx, user).await.expect("an administrator");
        tx.commit().await.expect("committed");
        self.login(email.as_str()).await
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

    /// Waits until `sql`, which counts, says `wanted`.
    pub async fn until(&self, sql: &str, wanted: i64) {
        let started = Instant::now();
        loop {
            let count = self.count(sql).await;
            if count == wanted {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{sql}: {count}, not {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&self.db.pool).await;
        count.expect("the database answers")
    }

    /// Waits until no job but those of later is open.
    pub async fn until_quiet(&self) {
        self.until("SELECT count(*) FROM jobs WHERE state IN ('available', 'queued', 'running')", 0).await;
    }

    /// Stops every part, asserts that the ledger does not contradict itself, and drops the database. Jobs for later may be open.
    pub async fn close(self) {
        self.until_quiet().await;
        self.stop.cancel();
        self.parts.close();
        tokio::time::timeout(SIGN_OFF, self.parts.wait()).await.expect("every part signs off");
        assert_consistent(&self.db.pool).await;
        self.db.close().await;
    }
}
