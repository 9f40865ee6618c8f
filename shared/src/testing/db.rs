//! A database per test, copied from a migrated template in some 50 ms.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

/// A database of the test's own; dropped with [`TestDb::close`], or by the next run's clean-up.
#[derive(Debug)]
pub struct TestDb {
    pub pool: PgPool,
    options: PgConnectOptions,
    name: String,
}

impl TestDb {
    /// Copies the template, making it first when the migrations are new.
    ///
    /// # Panics
    /// When `DATABASE_URL` is missing or the server cannot be reached: a test cannot go on without it.
    #[expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test without its database ends here")]
    pub async fn new() -> Self {
        Self::on(&std::env::var("DATABASE_URL").expect("DATABASE_URL names the test server; run ./dev test")).await
    }

    /// A database without any table.
    ///
    /// # Panics
    /// As [`TestDb::new`].
    #[expect(clippy::expect_used, clippy::disallowed_methods, reason = "a test without its database ends here")]
    pub async fn empty() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the test server; run ./dev test");
        let admin: PgConnectOptions = url.parse().expect("DATABASE_URL is a PostgreSQL URL");
        let mut conn = admin.connect().await.expect("the test server answers");
        let db = Self::copy(admin, &mut conn, "template0", "00000000").await;
        conn.close().await.ok();
        db
    }

    /// The same on another server, such as one of the test's own.
    ///
    /// # Panics
    /// When the server cannot be reached: a test cannot go on without it.
    #[expect(clippy::expect_used, reason = "a test without its database ends here")]
    pub async fn on(url: &str) -> Self {
        let admin: PgConnectOptions = url.parse().expect("DATABASE_URL is a PostgreSQL URL");
        let mut conn = admin.connect().await.expect("the test server answers");
        let template = ensure_template(&admin, &mut conn).await.expect("the migrations apply");
        let db = Self::copy(admin, &mut conn, &template, &template[template.len() - 8..]).await;
        conn.close().await.ok();
        db
    }

    #[expect(clippy::expect_used, reason = "a test without its database ends here")]
    async fn copy(admin: PgConnectOptions, conn: &mut PgConnection, template: &str, mark: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{mark}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let sql = format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await.expect("an old copy is dropped");
        let sql = format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await.expect("the template is copied");
        let options = admin.database(&name);
        Self { pool: crate::db::pool_with(options.clone(), 20, "test"), options, name }
    }

    /// Another pool to the same database, as another process would have.
    #[must_use]
    pub fn another_pool(&self, connections: u32) -> PgPool {
        crate::db::pool_with(self.options.clone(), connections, "test")
    }

    /// How to connect to this database.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The database's URL, for a process that the test starts.
    #[must_use]
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// Drops the database.
    pub async fn close(self) {
        // A connection that a test still holds is ended below.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.pool.close()).await;
        if let Ok(mut conn) = self.options.clone().database("postgres").connect().await {
            let sql = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
            conn.execute(sqlx::AssertSqlSafe(sql)).await.ok();
        }
    }
}

/// The template's name carries the migrations' checksums, so that a changed migration makes a new one.
async fn ensure_template(admin: &PgConnectOptions, conn: &mut PgConnection) -> anyhow::Result<String> {
    use sha2::{Digest, Sha256};
    let mut sum = Sha256::new();
    for migration in crate::db::MIGRATOR.iter() {
        sum.update(&migration.checksum);
    }
    let name = format!("tradeyard_template_{}", hex::encode(&sum.finalize()[..4]));
    // One test makes it, the others wait for the lock; copying needs that nobody is connected to it.
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
        let mut fresh = admin.clone().database(&name).connect().await?;
        crate::db::MIGRATOR.run_direct(None, &mut fresh, false).await?;
        fresh.close().await?;
        let sql = format!(r#"ALTER DATABASE "{name}" IS_TEMPLATE true"#);
        conn.execute(sqlx::AssertSqlSafe(sql)).await?;
    }
    conn.execute("SELECT pg_advisory_unlock(7261350)").await?;
    Ok(name)
}
