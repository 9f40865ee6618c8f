//! The engine's part of the schema.

use std::borrow::Cow;

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// The name of a migration of the engine begins with one of these words: `0001_ledger.sql`, `0110_workers_place.sql`.
const MIGRATIONS: &[&str] = &["ledger", "jobs", "queues", "workers", "schedules", "serving", "transport"];

/// The migrations of a database that holds nothing but the ledger. A database of the product gets the same tables from
/// [`shared::db::MIGRATOR`].
#[must_use]
pub fn migrator() -> Migrator {
    let all = shared::db::MIGRATOR.iter();
    let of_the_engine = all.filter(|one| MIGRATIONS.iter().any(|word| one.description.starts_with(word)));
    let mut migrator = Migrator::with_migrations(of_the_engine.cloned().collect());
    // Also right in a database of the product.
    migrator.set_ignore_missing(true);
    migrator.table_name = Cow::Borrowed(&*shared::db::MIGRATOR.table_name);
    migrator
}

/// Brings the ledger up to date. Safe to call from several processes at once: sqlx takes an advisory lock.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    shared::db::apply(&migrator(), pool).await
}

#[cfg(test)]
mod tests;
