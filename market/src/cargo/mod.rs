//! The event log of shipments: what carriers and trackers report, kept append-only and each event once.
//!
//! Events do not pass through the job ledger: they come in floods, and none of them needs to be
//! retried or cancelled on its own. They are published with confirms, consumed in batches and
//! stored by [`store::store_events`], which keeps where each shipment stands in the same transaction.

pub mod flood;
mod model;
mod rules;
pub mod store;
#[cfg(test)]
mod testing;

pub use model::{CargoEvent, EventMessage, EventType, OwnedEvent, Position, ShipmentStatus, StoredEvent};
pub use rules::validate::{Bounds, Fault, MAX_PAYLOAD_BYTES, cleaned_payload};
pub use rules::{Standing, standing};

use std::borrow::Cow;

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// The beginning of the names of the migrations that create this module's tables: `0080_cargo.sql`.
const MIGRATIONS: &str = "cargo";

/// The migrations of a database that holds nothing but cargo events. The main database gets the same tables from
/// [`shared::db::MIGRATOR`], so this is for an `EVENTS_DATABASE_URL` that names another one.
#[must_use]
pub fn migrator() -> Migrator {
    let all = shared::db::MIGRATOR.iter();
    let mut migrator =
        Migrator::with_migrations(all.filter(|one| one.description.starts_with(MIGRATIONS)).cloned().collect());
    // Also right when both URLs turn out to name the same database.
    migrator.set_ignore_missing(true);
    migrator.table_name = Cow::Borrowed(&*shared::db::MIGRATOR.table_name);
    migrator
}

/// Brings a database of cargo events up to date.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    shared::db::apply(&migrator(), pool).await
}
