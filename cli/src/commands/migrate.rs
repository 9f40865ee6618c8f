//! `tradeyard migrate`

use std::collections::BTreeSet;

use anyhow::Context;
use serde::Serialize;
use shared::db::MIGRATOR;
use sqlx::PgConnection;

use crate::connect;
use crate::output::Output;

#[derive(Serialize)]
struct Migrated {
    applied: Vec<String>,
    version: i64,
}

/// Applies what is missing. Safe to run from several places at once.
pub(crate) async fn run(output: &Output) -> anyhow::Result<()> {
    let mut conn = connect::database().await?;
    let before = applied(&mut conn).await?;
    MIGRATOR
        .run_direct(None, &mut conn, false)
        .await
        .context("the migrations failed; the database is as it was before")?;
    let applied = MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration() && !before.contains(&migration.version))
        .map(|migration| format!("{:04} {}", migration.version, migration.description))
        .collect();
    let version = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or_default();
    output.show(&Migrated { applied, version }, |done| {
        if done.applied.is_empty() {
            return format!("The schema is up to date (version {}).", done.version);
        }
        format!("Applied {} migration(s):\n  {}", done.applied.len(), done.applied.join("\n  "))
    })
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
