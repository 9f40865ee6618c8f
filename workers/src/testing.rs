//! The test kit for handlers: a database and the other servers of the test's own, and a
//! worker that runs what is due.
#![expect(clippy::unwrap_used, reason = "a test without its servers ends here")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use market::ids::ListingId;
use market::webhooks::rules::reach::Reach;
use queue::Ledger;
use queue::testing::{TestQueue, assert_settled};
use queue::together::Together;
use queue::worker::Handlers;
use secrecy::SecretString;
use shared::blobs::Blobs;
use shared::clock::Clock;
use shared::config::{S3, Smtp};
use shared::crypto::seal::Keyring;
use shared::ids::{OrgId, UserId};
use shared::testing::{MASTER_KEY, TestDb};
use sinks::rates::Rates;
use sinks::simulator::{self, Simulator};
use sinks::smtp::Sink;
use sqlx::{PgPool, Postgres, Transaction};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::Services;
use crate::emails::{Mailer, Renderer};
use crate::images::ImageSlots;
use crate::money::RatesFile;
use crate::papers::PaperFonts;
use crate::payments::gateway::{Gateway, SimulatorGateway};
use crate::webhooks::Outgoing;

#[cfg(test)]
pub(crate) mod provider;

/// How long the payment provider is waited for: less than a test waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// The workers of every pool, in the test's process, with the servers that they talk to.
#[derive(Debug)]
pub struct TestWorkers {
    pub db: TestDb,
    pub ledger: Ledger,
    pub blobs: Blobs,
    pub smtp: Sink,
    pub rates: Rates,
    pub provider: Simulator,
    pub queue: TestQueue<Services>,
    /// The folder of the S3 server; its bucket is `test`.
    pub objects: PathBuf,
    _dirs: [TempDir; 2],
    _stop: DropGuard,
}

impl TestWorkers {
    pub async fn new(handlers: Handlers<Services>) -> Self {
        Self::with_clock(handlers, Clock::SYSTEM).await
    }

    /// Starts the kit with a worker that uses this clock.
    pub async fn with_clock(handlers: Handlers<Services>, clock: Clock) -> Self {
        Self::start(handlers, clock, None, None, PaperFonts::default()).await
    }

    /// Starts the kit with workers that pay through this gateway instead of the one to the simulator.
    pub async fn paying_through(handlers: Handlers<Services>, gateway: Arc<dyn Gateway>) -> Self {
        Self::start(handlers, Clock::SYSTEM, Some(gateway), None, PaperFonts::default()).await
    }

    /// Starts the kit with workers that read reports from this database.
    pub async fn reading_from(handlers: Handlers<Services>, replica: PgPool) -> Self {
        Self::start(handlers, Clock::SYSTEM, None, Some(replica), PaperFonts::default()).await
    }

    /// Starts the kit with workers that print with these fonts.
    pub async fn printing_with(handlers: Handlers<Services>, fonts: PaperFonts) -> Self {
        Self::start(handlers, Clock::SYSTEM, None, None, fonts).await
    }

    async fn start(
        handlers: Handlers<Services>,
        clock: Clock,
        gateway: Option<Arc<dyn Gateway>>,
        replica: Option<PgPool>,
        fonts: PaperFonts,
    ) -> Self {
        let db = TestDb::new().await;
        let stop = CancellationToken::new();
        let (objects, mails) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let s3 = sinks::s3::serve(
            sinks::s3::Options {
                dir: objects.path().to_owned(),
                addr: any,
                access_key: "key".to_owned(),
                secret_key: SecretString::from("secret"),
                buckets: vec!["test".to_owned()],
            },
            stop.clone(),
        )
        .await
        .unwrap();
        let smtp = Sink::start(sinks::smtp::Options::new(mails.path(), any), stop.clone()).await.unwrap();
        let rates = Rates::start(any, stop.clone()).await.unwrap();
        let options = simulator::Options {
            addr: any,
            key: SecretString::from("key"),
            webhook_key: SecretString::from("webhooks"),
            webhook_url: None,
        };
        let provider = Simulator::start(options, stop.clone()).await.unwrap();
        let url = Url::parse(&format!("http://{}", provider.addr())).unwrap();
        let simulator = SimulatorGateway::with_patience(url.clone(), SecretString::from("key"), url, PATIENCE).unwrap();
        let blobs = Blobs::new(&S3 {
            endpoint: s3.endpoint(),
            public_endpoint: s3.endpoint(),
            region: "us-east-1".to_owned(),
            bucket: "test".to_owned(),
            access_key_id: SecretString::from("key"),
            secret_access_key: SecretString::from("secret"),
        })
        .unwrap();
        let mailer = Mailer::new(
            &Smtp {
                url: SecretString::from(format!("smtp://{}", smtp.addr())),
                from: "Tradeyard <no-reply@tradeyard.example>".to_owned(),
                stream: Some("outbound".to_owned()),
                broadcast_stream: Some("broadcast".to_owned()),
                webhook_key: SecretString::default(),
            },
            2,
        )
        .unwrap();
        let keyring = Keyring::read(&shared::testing::MASTER_KEY.to_owned().into()).unwrap();
        let services = Services {
            events: db.app.clone(),
            replica,
            blobs: blobs.clone(),
            image_slots: ImageSlots::new(1),
            mailer: Some(mailer),
            renderer: Renderer::new("https://tradeyard.example"),
            fonts,
            gateway: Some(gateway.unwrap_or_else(|| Arc::new(simulator))),
            rates: Some(RatesFile::new(&rates.url()).unwrap()),
            webhooks: Outgoing::for_tests(MASTER_KEY, Reach::Anywhere, PATIENCE).unwrap(),
            keyring: Some(Arc::new(keyring)),
            closings: Together::default(),
        };
        let queue = TestQueue::with_clock(&db.app, handlers, services, clock).await;
        let ledger = Ledger::new(db.app.clone());
        let folder = objects.path().to_owned();
        Self {
            db,
            ledger,
            blobs,
            smtp,
            rates,
            provider,
            queue,
            objects: folder,
            _dirs: [objects, mails],
            _stop: stop.drop_guard(),
        }
    }

    /// Asserts that no job is left open and that the ledger does not contradict itself, then drops the database.
    pub async fn close(self) {
        assert_settled(&self.db.pool).await;
        self.leave().await;
    }

    /// Drops the database, for a test that leaves jobs open on purpose.
    pub async fn leave(self) {
        self.db.close().await;
    }

    /// Ends the session of the next three statements that do this (such as `UPDATE ON emails`) under this condition, as a database that
    /// restarts does, before they are committed.
    pub async fn restart_database_when(&self, statement: &str, condition: &str) {
        let trigger = format!(
            "CREATE TRIGGER restart BEFORE {statement} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION restart()"
        );
        for statement in [
            "CREATE SEQUENCE restarts",
            "CREATE FUNCTION restart() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 -- A sequence is not rolled back.
                 IF nextval('restarts') <= 3 THEN
                     PERFORM pg_terminate_backend(pg_backend_pid());
                     PERFORM pg_sleep(60);
                 END IF;
                 RETURN coalesce(new, old);
             END $$",
            &trigger,
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&self.db.pool).await.unwrap();
        }
    }

    /// How often [`TestWorkers::restart_database_when`] has ended a session; once more than that the statement has gone through.
    pub async fn restarts(&self) -> i64 {
        let sql = "SELECT last_value - 1 FROM restarts";
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap()
    }

    /// Lets no statement read a table, until the transaction ends.
    pub async fn hold_up(&self, table: &str) -> Transaction<'static, Postgres> {
        let mut tx = self.db.pool.begin().await.unwrap();
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut *tx).await.unwrap();
        tx
    }

    /// Waits until a statement waits for a table.
    pub async fn held_up(&self, table: &str) {
        let waits = "SELECT EXISTS (
                         SELECT
                         FROM pg_locks
                         WHERE NOT granted
                           AND relation = $1::text::regclass
                           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                     )";
        while !sqlx::query_scalar::<_, bool>(waits).bind(table).fetch_one(&self.db.pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the mail server has taken `count` mails in all.
    pub async fn mails(&self, count: u64) {
        self.smtp.wait_for_count(Duration::from_secs(20), count).await.unwrap();
    }

    pub async fn user(&self, email: &str) -> UserId {
        let id = UserId::generate();
        sqlx::query(
            "INSERT INTO users (id, email, email_verified_at, name, password_hash, time_zone)
             VALUES ($1, $2, now(), 'Ada', 'x', 'Europe/Berlin')",
        )
        .bind(id)
        .bind(email)
        .execute(&self.db.pool)
        .await
        .unwrap();
        id
    }

    /// An approved seller and buyer with an owner, created before anything that a test looks at.
    pub async fn org(&self, owner: UserId, zone: &str) -> OrgId {
        let id = OrgId::generate();
        let mut tx = self.db.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO orgs (id, legal_name, kinds, time_zone, status, created_by, created_at)
             VALUES ($1, '=Hof Müller', '{seller,buyer}', $2, 'approved', $3, '2000-01-01')",
        )
        .bind(id)
        .bind(zone)
        .bind(owner)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query("INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, 'owner')")
            .bind(id)
            .bind(owner)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A draft listing of a tractor.
    pub async fn listing(&self, org: OrgId, user: UserId) -> ListingId {
        let (item, listing) = (uuid::Uuid::now_v7(), ListingId::generate());
        sqlx::query(
            "WITH item AS (
                 INSERT INTO items (id, org_id, category_id, sku, title, unit)
                 SELECT $1, $3, id, $1::text, '=Tractor', 'piece' FROM categories WHERE path = 'machinery'
                 RETURNING id
             )
             INSERT INTO listings (id, seller_org_id, item_id, created_by, title, sale_mode, currency, price_minor)
             SELECT $2, $3, id, $4, '=Tractor', 'fixed', 'EUR', 1000 FROM item",
        )
        .bind(item)
        .bind(listing)
        .bind(org)
        .bind(user)
        .execute(&self.db.pool)
        .await
        .unwrap();
        listing
    }
}
