//! The event log of shipments: what carriers and trackers report, kept append-only and each event once.
//!
//! Events do not pass through the job ledger: they come in floods, and none of them needs to be retried or cancelled on its
//! own. The way is publish with confirms, consume in batches, [`store::store_events`].

mod model;
mod rules;
pub mod store;
mod validate;

pub use model::{CargoEvent, EventMessage, EventType, OwnedEvent, Position, ShipmentStatus, StoredEvent};
pub use rules::{Standing, standing};
pub use validate::{Bounds, Fault, MAX_PAYLOAD_BYTES};

use std::borrow::Cow;

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// The numbers of the migrations that make this module's tables.
const MIGRATIONS: std::ops::Range<i64> = 80..90;

/// Brings a database that holds nothing but cargo events up to date. The main database gets the same tables from
/// [`crate::db::migrate`], so this is for an `EVENTS_DATABASE_URL` that names another one.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let all = crate::db::MIGRATOR.iter();
    let migrations: Vec<_> = all.filter(|migration| MIGRATIONS.contains(&migration.version)).cloned().collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // Also right when both names turn out to mean the same database.
    migrator.set_ignore_missing(true);
    migrator.table_name = Cow::Borrowed(&*crate::db::MIGRATOR.table_name);
    migrator.run(pool).await
}
