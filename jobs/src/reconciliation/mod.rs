//! Reconciliation with payment providers.

mod reconcile;

pub use reconcile::Reconcile;
