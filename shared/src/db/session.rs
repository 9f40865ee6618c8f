//! Checks whether connections to the database are sessions: what is set on one stays set, and
//! nobody else uses it in between.
//!
//! A pooler that hands a server connection to another client after each transaction (`PgBouncer` in
//! transaction mode) breaks what this program relies on: the settings it gives when connecting
//! (time limits, the planner's), prepared statements, and the migrations' advisory lock. The
//! failures come late and look like something else, so such a connection is refused at the start.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor, Row};

/// How long the whole check may take; a database that is slower, or away, is not judged.
const PATIENCE: Duration = Duration::from_secs(5);
/// A setting that means nothing to PostgreSQL.
const MARK: &str = "tradeyard.session";
/// `PgBouncer`'s answer to a connection with settings that it does not pass on: protocol violation.
const SETTING_REFUSED: &str = "08P01";

/// Why the connection to the database cannot be used. The texts follow the name of the setting with
/// its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSession {
    #[error(
        "something between this program and PostgreSQL refuses settings at connect, as PgBouncer does; connect to PostgreSQL \
         directly (this program keeps few connections, and its own pools)"
    )]
    SettingsRefused,
    #[error(
        "something between this program and PostgreSQL drops the settings given at connect, as PgBouncer does with \
         ignore_startup_parameters; time limits would not hold. Connect to PostgreSQL directly"
    )]
    SettingsDropped,
    #[error(
        "something between this program and PostgreSQL changes the server's connection between transactions, as PgBouncer does with \
         pool_mode = transaction; prepared statements and locks would fail. Connect to PostgreSQL directly"
    )]
    Shared,
}

/// Checks that connections are sessions. Returns `Ok` even if the database cannot be reached at the
/// moment: programs wait for it.
pub async fn check(url: &SecretString) -> Result<(), NoSession> {
    match tokio::time::timeout(PATIENCE, examine(url)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the way to the database could not be checked");
            Ok(())
        }
        Err(_) => {
            tracing::debug!("the way to the database could not be checked in time");
            Ok(())
        }
    }
}

async fn examine(url: &SecretString) -> Result<Result<(), NoSession>, sqlx::Error> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let options = options.application_name("session check").options([(MARK, "given")]);
    let mut first = match options.connect().await {
        Err(sqlx::Error::Database(said)) if said.code().as_deref() == Some(SETTING_REFUSED) => {
            return Ok(Err(NoSession::SettingsRefused));
        }
        connected => connected?,
    };
    let mut second = options.connect().await?;
    let found = if marked(&mut first).await?.as_deref() == Some("given") {
        keeps(&mut first, &mut second).await?
    } else {
        Err(NoSession::SettingsDropped)
    };
    first.close().await?;
    second.close().await?;
    Ok(found)
}

/// Whether `first` keeps a setting while `second` is in a transaction: if they shared server
/// connections, the one that it was set on would be taken by then.
async fn keeps(first: &mut PgConnection, second: &mut PgConnection) -> Result<Result<(), NoSession>, sqlx::Error> {
    first.execute(sqlx::raw_sql("SET tradeyard.session = 'kept'")).await?;
    second.execute(sqlx::raw_sql("BEGIN")).await?;
    let kept = marked(first).await?;
    second.execute(sqlx::raw_sql("ROLLBACK")).await?;
    Ok(if kept.as_deref() == Some("kept") { Ok(()) } else { Err(NoSession::Shared) })
}

/// The mark as this connection sees it. It is read in one message: a prepared statement may be on
/// another server connection by the time it is used.
async fn marked(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let row = conn.fetch_one(sqlx::raw_sql("SELECT current_setting('tradeyard.session', true)")).await?;
    row.try_get(0)
}
