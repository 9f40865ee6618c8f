//! Payments: what is asked of payment providers.

pub mod gateway;
