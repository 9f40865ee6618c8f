//! `tradeyard migrate`

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use shared::config::{Config, ConfigError, Key, keys};
use shared::db::MIGRATOR;
use shared::db::grants::{self, GrantError, Login};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::connect;
use crate::failure::advised;
use crate::output::Output;

#[derive(Debug, Serialize)]
pub(crate) struct Migrated {
    #[serde(flatten)]
    main: Schema,
    /// The database of the cargo events, if it is a separate one.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Schema>,
}

#[derive(Debug, Serialize)]
struct Schema {
    applied: Vec<String>,
    version: i64,
    /// The programs' role, which now has its rights; `None` if it is the owner itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    output.show(&bring_up_to_date(&Config::load()?).await?, Migrated::text)
}

/// Applies missing migrations to the main database and to that of the cargo events, if it is a
/// separate one, and gives the programs' role its rights. Safe to run from several places at once.
pub(crate) async fn bring_up_to_date(config: &Config) -> anyhow::Result<Migrated> {
    let database = &config.database;
    let one_role = database.migrate_url.expose_secret() == database.url.expose_secret();
    let key = if one_role { keys::DATABASE_URL } else { keys::MIGRATE_DATABASE_URL };
    let main = migrate(&MIGRATOR, key, &database.migrate_url, &database.url);
    let main = main.await.context("the database")?;
    let same = config.events_database_url.expose_secret() == database.url.expose_secret();
    let events = if same {
        None
    } else {
        let (owner, programs) = (&config.migrate_events_url, &config.events_database_url);
        let (log, key) = (market::cargo::migrator(), keys::MIGRATE_EVENTS_DATABASE_URL);
        Some(migrate(&log, key, owner, programs).await.context("the events database")?)
    };
    Ok(Migrated { main, events })
}

/// Migrates as `owner`, the URL in the setting `key`, and gives the role in the URL `programs` its
/// rights.
async fn migrate(
    migrator: &Migrator,
    key: Key,
    owner: &SecretString,
    programs: &SecretString,
) -> anyhow::Result<Schema> {
    let (as_owner, as_program) = (options(owner)?, options(programs)?);
    if as_owner.get_database() != as_program.get_database() {
        return Err(ConfigError::of(key, "names another database than the programs use").into());
    }
    // The lock that keeps two of these apart belongs to a session.
    let mut conn = connect::as_owner(key, owner).await?;
    let mut schema = apply(migrator, &mut conn).await?;
    let role = Login::of(programs)?;
    if grants::give(&mut conn, &role).await.map_err(explained)? {
        schema.role = Some(role.name);
    }
    conn.close().await?;
    Ok(schema)
}

fn options(url: &SecretString) -> Result<PgConnectOptions, sqlx::Error> {
    PgConnectOptions::from_str(url.expose_secret())
}

/// The error with what a person can do about it.
fn explained(error: GrantError) -> anyhow::Error {
    match &error {
        GrantError::NoRole(role, _) => {
            let advice = format!("as somebody who may, in psql: CREATE ROLE \"{role}\" LOGIN PASSWORD '…'");
            advised(error.to_string(), advice)
        }
        GrantError::Statement { .. } | GrantError::Sql(_) => {
            anyhow::Error::new(error).context("give the programs' role its rights")
        }
    }
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
    Ok(Schema { applied, version, role: None })
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
        let role = self.role.as_ref().map(|role| format!(" {role} has its rights.")).unwrap_or_default();
        if self.applied.is_empty() {
            return format!("{name} is up to date (version {}).{role}", self.version);
        }
        let applied = self.applied.join("\n  ");
        format!("{name}: applied {} migration(s).{role}\n  {applied}", self.applied.len())
    }
}
