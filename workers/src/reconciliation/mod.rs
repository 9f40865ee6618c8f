//! Reconciliation with payment providers.

mod reconcile;
#[cfg(test)]
mod tests;
