//! `tradeyard migrate`

use std::collections::BTreeSet;

use anyhow::Context;
use secrecy::ExposeSecret;
use serde::Serialize;
use shared::config::{Config, ConfigError, keys};
use shared::db::{MIGRATOR, session};
use sqlx::PgConnection;
use sqlx::migrate::Migrator;

use crate::connect;
use crate::output::Output;

#[derive(Debug, Serialize)]
pub(crate) struct Migrated {
    #[serde(flatten)]
    main: Schema,
    /// The database of the cargo events, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Schema>,
}

#[derive(Debug, Serialize)]
struct Schema {
    applied: Vec<String>,
    version: i64,
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    output.show(&bring_up_to_date(&Config::load()?).await?, Migrated::text)
}

/// Applies what is missing, to the main database and to that of the cargo events when it is another one. Safe to run from
/// several places at once.
pub(crate) async fn bring_up_to_date(config: &Config) -> anyhow::Result<Migrated> {
    // The lock that keeps two of these apart belongs to a session.
    session::check(&config.database.url)
        .await
        .map_err(|unfit| ConfigError::of(keys::DATABASE_URL, unfit.to_string()))?;
    let main = apply(&MIGRATOR, &mut connect::open(config).await?).await.context("the database")?;
    let same = config.events_database_url.expose_secret() == config.database.url.expose_secret();
    let events = if same {
        None
    } else {
        let mut conn = connect::events(config).await?;
        Some(apply(&market::cargo::migrator(), &mut conn).await.context("the events database")?)
    };
    Ok(Migrated { main, events })
}

async fn apply(migrator: &Migrator, conn: &mut PgConnection) -> anyhow::Result<Schema> {
    // A migration may take as long as it needs.
    shared::db::without_limits(conn).await?;
    let before = applied(conn).await?;
    migrator
        .run_direct(None, conn, false)
        .await
        .context("a migration failed; it left nothing behind, and those before it stay applied")?;
    let applied = migrator
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration() && !before.contains(&migration.version))
        .map(|migration| format!("{:04} {}", migration.version, migration.description))
        .collect();
    let version = migrator.iter().map(|migration| migration.version).max().unwrap_or_default();
    Ok(Schema { applied, version })
}

async fn applied(conn: &mut PgConnection) -> anyhow::Result<BTreeSet<i64>> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *conn).await?;
    if !exists {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(conn).await?;
    Ok(versions.into_iter().collect())
}

impl Migrated {
    fn text(&self) -> String {
        let main = self.main.text("The database");
        match &self.events {
            Some(events) => format!("{main}\n{}", events.text("The events database")),
            None => main,
        }
    }
}

impl Schema {
    fn text(&self, name: &str) -> String {
        if self.applied.is_empty() {
            return format!("{name} is up to date (version {}).", self.version);
        }
        format!("{name}: applied {} migration(s):\n  {}", self.applied.len(), self.applied.join("\n  "))
    }
}
