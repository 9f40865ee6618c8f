//! Connections to the databases.

use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use shared::config::{Config, ConfigError, Key, Mode, keys};
use shared::db::{Limits, role, session};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::failure::advised;

/// A server that does not answer within this time is treated as absent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the configuration and opens one connection.
pub(crate) async fn database() -> anyhow::Result<PgConnection> {
    open(&Config::load()?).await
}

/// Opens one connection to the configured database. Errors name the server, but never the password.
pub(crate) async fn open(config: &Config) -> anyhow::Result<PgConnection> {
    as_program(config, keys::DATABASE_URL, &config.database.url).await
}

/// Does the same for the database of the cargo events.
pub(crate) async fn events(config: &Config) -> anyhow::Result<PgConnection> {
    as_program(config, keys::EVENTS_DATABASE_URL, &config.events_database_url).await
}

/// Opens one connection as the owner of the tables, who migrates them. `key` names the setting that the URL is from.
pub(crate) async fn as_owner(key: Key, url: &SecretString) -> anyhow::Result<PgConnection> {
    session(key, url, options(url)?).await
}

/// Opens a connection and, in production, makes sure that its role is bound by the database's
/// rules.
async fn as_program(config: &Config, key: Key, url: &SecretString) -> anyhow::Result<PgConnection> {
    let mut conn = session(key, url, options(url)?).await?;
    if config.mode == Mode::Production {
        role::examine(&mut conn).await?.map_err(|unbound| ConfigError::of(key, unbound.to_string()))?;
    }
    Ok(conn)
}

/// Creates the database that a URL names, unless the server already has it.
pub(crate) async fn create_if_missing(url: &SecretString) -> anyhow::Result<()> {
    let wanted = options(url)?;
    let missing = match connect(wanted.clone()).await {
        Ok(conn) => return Ok(conn.close().await?),
        Err(error) => error,
    };
    let name = wanted.get_database().unwrap_or(wanted.get_username());
    let code = missing.chain().find_map(|cause| match cause.downcast_ref::<sqlx::Error>()? {
        sqlx::Error::Database(said) => said.code(),
        _ => None,
    });
    // Invalid catalogue name.
    if code.as_deref() != Some("3D000") {
        return Err(missing);
    }
    let mut conn = connect(wanted.clone().database("postgres")).await?;
    let name = name.replace('"', "\"\"");
    let create = sqlx::AssertSqlSafe(format!(r#"CREATE DATABASE "{name}""#));
    conn.execute(create).await.with_context(|| format!("create the database {name}"))?;
    Ok(conn.close().await?)
}

/// Opens a connection on which the server refuses every write.
pub(crate) async fn read_only(key: Key, url: &SecretString) -> anyhow::Result<PgConnection> {
    session(key, url, options(url)?.options([("default_transaction_read_only", "on")])).await
}

/// Opens a connection, and refuses a way to the database on which what is set for it would not hold.
async fn session(key: Key, url: &SecretString, options: PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connected = connect(options).await;
    let answered = match &connected {
        Ok(_) => true,
        Err(error) => error.chain().any(|cause| matches!(cause.downcast_ref(), Some(sqlx::Error::Database(_)))),
    };
    if answered {
        session::check(url).await.map_err(|unfit| ConfigError::of(key, unfit.to_string()))?;
    }
    connected
}

fn options(url: &SecretString) -> anyhow::Result<PgConnectOptions> {
    let options: PgConnectOptions = url.expose_secret().parse().map_err(|_| {
        advised("DATABASE_URL is not a PostgreSQL address", "it looks like postgres://user@host:5432/name")
    })?;
    Ok(Limits::WORKING.apply(options.application_name("tradeyard-cli")))
}

async fn connect(options: PgConnectOptions) -> anyhow::Result<PgConnection> {
    let place = format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or(""));
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(connected) => connected.with_context(|| format!("cannot reach the database at {place}")),
        Err(_) => Err(advised(
            format!("the database at {place} does not answer"),
            "is PostgreSQL running there, and is the way free? DATABASE_URL says where",
        )),
    }
}

#[cfg(test)]
mod tests;
