//! Mail to people: what each mail says, and the row that makes it one mail.
//!
//! Whoever has news for somebody inserts the mail in the transaction of the news (the `jobs` crate does it together with the
//! job that sends it). The unique (template, recipient, reference) makes a second insert a no-op, so that no event is ever
//! reported twice, however often its job runs.

pub mod model;
pub mod rules;
pub mod store;
