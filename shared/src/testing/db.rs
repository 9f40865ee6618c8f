//! A database per test, copied from a migrated template in some 50 ms.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

use crate::db::Limits;
use crate::db::grants::{self, Login};

/// The application role if the environment names none.
const ROLE: &str = "tradeyard_test";

/// A database of the test's own; dropped by [`TestDb::close`], or by the next run's clean-up.
#[derive(Debug)]
pub struct TestDb {
    /// The owner's connections: a test sets up and breaks what no program may touch.
    pub pool: PgPool,
    /// Connections of the application role, as programs have them.
    pub app: PgPool,
    options: PgConnectOptions,
    app_options: PgConnectOptions,
    name: String,
}

/// The URL of the test server for the owner of what tests create, which is a superuser:
/// `MIGRATE_DATABASE_URL`, or `DATABASE_URL` if one role is everything.
///
/// # Panics
/// If there is none: a test cannot go on without its server.
#[must_use]
#[expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test without its database ends here")]
pub fn owner_url() -> String {
    let url = std::env::var("MIGRATE_DATABASE_URL").or_else(|_| std::env::var("DATABASE_URL"));
    url.expect("MIGRATE_DATABASE_URL or DATABASE_URL names the test server; run ./dev test")
}

/// The role that programs log in as: that of `DATABASE_URL`, or another one with the owner's
/// password if that is the owner.
#[expect(clippy::disallowed_methods, reason = "the environment names the servers of the tests")]
fn login(owner: &PgConnectOptions, owner_url: &str) -> Result<Login, sqlx::Error> {
    if std::env::var_os("MIGRATE_DATABASE_URL").is_some()
        && let Ok(url) = std::env::var("DATABASE_URL")
    {
        let named = Login::of(&SecretString::from(url))?;
        if named.name != owner.get_username() {
            return Ok(named);
        }
    }
    Ok(Login::of(&SecretString::from(owner_url))?.named(ROLE))
}

/// The limits that hold in this session, as the server has them.
///
/// # Panics
/// When the database does not answer.
#[expect(clippy::expect_used, reason = "a test without its database ends here")]
pub async fn limits_of(conn: &mut PgConnection) -> Limits {
    let setting = "SELECT setting::bigint FROM pg_settings WHERE name = $1 AND unit = 'ms'";
    let mut limits = Vec::new();
    for name in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
        let millis: i64 =
            sqlx::query_scalar(setting).bind(name).fetch_one(&mut *conn).await.expect("the setting is there");
        limits.push(Duration::from_millis(millis.unsigned_abs()));
    }
    Limits { statement: limits[0], lock: limits[1], idle_in_transaction: limits[2] }
}

impl TestDb {
    /// Copies the template, which is made first if the migrations are new.
    ///
    /// # Panics
    /// If the environment names no server or it cannot be reached: a test cannot go on without it.
    pub async fn new() -> Self {
        Self::on(&owner_url()).await
    }

    /// Makes a database without any table, and without any right for programs.
    ///
    /// # Panics
    /// As [`TestDb::new`].
    pub async fn empty() -> Self {
        Self::made(&owner_url(), false).await
    }

    /// [`TestDb::new`] on another server, such as one of the test's own. `url` is a superuser's.
    ///
    /// # Panics
    /// If the server cannot be reached: a test cannot go on without it.
    pub async fn on(url: &str) -> Self {
        Self::made(url, true).await
    }

    #[expect(clippy::expect_used, reason = "a test without its database ends here")]
    async fn made(url: &str, migrated: bool) -> Self {
        let owner: PgConnectOptions = url.parse().expect("the URL of the test server is a PostgreSQL URL");
        let login = login(&owner, url).expect("the URL of the test server is a PostgreSQL URL");
        let mut conn = owner.connect().await.expect("the test server answers");
        let template = if migrated {
            ensure_template(&owner, &mut conn, &login).await.expect("the migrations apply")
        } else {
            "template0".to_owned()
        };
        let db = Self::copy(owner, &login, &mut conn, &template).await;
        conn.close().await.ok();
        db
    }

    #[expect(clippy::expect_used, reason = "a test without its database ends here")]
    async fn copy(owner: PgConnectOptions, login: &Login, conn: &mut PgConnection, template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mark = template.strip_prefix(TEMPLATE).unwrap_or("00000000");
        let name = format!("t_{mark}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let sql = format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await.expect("an old copy is dropped");
        // As files: pages that were copied through the buffers are looked for and written when the copy is dropped.
        let sql = format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY"#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await.expect("the template is copied");
        let options = owner.database(&name);
        let app_options = login.apply(options.clone());
        let [pool, app] = [&options, &app_options].map(|options| crate::db::pool_with(options.clone(), 20, "test"));
        Self { pool, app, options, app_options, name }
    }

    /// Another pool to the same database, as another process would have.
    #[must_use]
    pub fn another_pool(&self, connections: u32) -> PgPool {
        crate::db::pool_with(self.app_options.clone(), connections, "test")
    }

    /// How the owner connects to this database.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// How programs connect to this database.
    #[must_use]
    pub fn app_options(&self) -> &PgConnectOptions {
        &self.app_options
    }

    /// The database's URL for programs, as the application role.
    #[must_use]
    pub fn url(&self) -> String {
        self.app_options.to_url_lossy().to_string()
    }

    /// The database's URL for whoever migrates it.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// Drops the database.
    pub async fn close(self) {
        // A connection that a test still holds is ended below.
        let closed = async { tokio::join!(self.pool.close(), self.app.close()) };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), closed).await;
        if let Ok(mut conn) = self.options.clone().database("postgres").connect().await {
            let sql = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
            conn.execute(sqlx::AssertSqlSafe(sql)).await.ok();
        }
    }
}

/// The beginning of templates' names; a mark follows.
const TEMPLATE: &str = "tradeyard_template_";

/// Migrates the template and grants `login` its rights there. The template's name contains a hash
/// of what it is made from, so that a changed migration makes a new one.
async fn ensure_template(owner: &PgConnectOptions, conn: &mut PgConnection, login: &Login) -> anyhow::Result<String> {
    use sha2::{Digest, Sha256};
    let mut sum = Sha256::new();
    for migration in crate::db::MIGRATOR.iter() {
        sum.update(&migration.checksum);
    }
    sum.update(include_str!("../db/grants.rs"));
    sum.update(&login.name);
    let name = format!("{TEMPLATE}{}", hex::encode(&sum.finalize()[..4]));
    // One test makes it, the others wait for the lock; it can be copied only while nobody is
    // connected to it.
    conn.execute("SELECT pg_advisory_lock(7261350)").await?;
    let ready: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
            .bind(&name)
            .fetch_one(&mut *conn)
            .await?;
    if !ready {
        let sql = format!(r#"DROP DATABASE IF EXISTS "{name}""#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await?;
        conn.execute(sqlx::AssertSqlSafe(format!(r#"CREATE DATABASE "{name}""#))).await?;
        let mut fresh = owner.clone().database(&name).connect().await?;
        crate::db::MIGRATOR.run_direct(None, &mut fresh, false).await?;
        grants::give(&mut fresh, login).await?;
        fresh.close().await?;
        let sql = format!(r#"ALTER DATABASE "{name}" IS_TEMPLATE true"#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await?;
    }
    conn.execute("SELECT pg_advisory_unlock(7261350)").await?;
    Ok(name)
}
