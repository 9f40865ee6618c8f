//! A pooler between the programs and PostgreSQL is refused at the start if it would break what they
//! rely on.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::process::Command;

use queue::transport::Transport;
use shared::db::session::{NoSession, check};
use shared::testing::TestDb;
use tests::servers::{OwnPgBouncer, free_port};
use tests::stack::TestStack;

const TRANSACTION: &str = "pool_mode = transaction";
const SESSION: &str = "pool_mode = session";
/// Allows the parameter that sqlx sends whenever it connects.
const ALLOWED: &str = "ignore_startup_parameters = extra_float_digits";
const DROPPED: &str = "ignore_startup_parameters = extra_float_digits,options";

async fn judged(db: &TestDb, settings: &[&str]) -> Result<(), NoSession> {
    let pooler = OwnPgBouncer::before(&db.url(), settings).await.unwrap();
    check(&pooler.url().into()).await
}

#[tokio::test]
async fn a_pooler_that_breaks_sessions_is_recognised() {
    let db = TestDb::new().await;
    assert_eq!(check(&db.url().into()).await, Ok(()));
    assert_eq!(judged(&db, &[TRANSACTION]).await, Err(NoSession::SettingsRefused));
    assert_eq!(judged(&db, &[TRANSACTION, ALLOWED]).await, Err(NoSession::SettingsRefused));
    assert_eq!(judged(&db, &[TRANSACTION, DROPPED]).await, Err(NoSession::SettingsDropped));
    // Even with one connection per client: the time limits that are set when connecting would not
    // apply.
    assert_eq!(judged(&db, &[SESSION, DROPPED]).await, Err(NoSession::SettingsDropped));
    db.close().await;
}

/// Some poolers pass the settings on, and can only be recognised by the server's connection. Here,
/// every such connection has the settings.
#[tokio::test]
async fn a_connection_that_changes_between_transactions_is_recognised() {
    let db = TestDb::new().await;
    let name = db.options().get_database().unwrap().to_owned();
    let set = format!(r#"ALTER DATABASE "{name}" SET tradeyard.session = 'given'"#);
    sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&db.pool).await.unwrap();
    assert_eq!(judged(&db, &[TRANSACTION, DROPPED]).await, Err(NoSession::Shared));
    assert_eq!(judged(&db, &[SESSION, DROPPED]).await, Ok(()));
    db.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_not_judged() {
    let nobody = format!("postgres://tradeyard@127.0.0.1:{}/none", free_port().unwrap());
    assert_eq!(check(&nobody.into()).await, Ok(()));
}

#[tokio::test]
async fn a_program_behind_pgbouncer_says_why_it_does_not_start() {
    let stack = TestStack::new(Transport::Local).await;
    let pooler = OwnPgBouncer::before(&stack.db.url(), &[TRANSACTION, DROPPED]).await.unwrap();
    for setting in ["DATABASE_URL", "EVENTS_DATABASE_URL"] {
        let mut started = Command::new(env!("CARGO_BIN_EXE_stack-part"));
        started.arg("scheduler").envs(&stack.env).env(setting, pooler.url());
        if setting == "DATABASE_URL" {
            started.env_remove("EVENTS_DATABASE_URL");
        }
        let ended = tokio::task::spawn_blocking(move || started.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!(" {setting}")) && said.contains("PgBouncer"), "{said}");
    }
    stack.close().await;
}
