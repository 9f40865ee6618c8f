//! Secrets that domains keep sealed (`shared::crypto::seal`), as far as they are alike.

pub mod store;
