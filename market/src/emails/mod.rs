//! Mail to people: what each mail says, and the row that makes it one mail.
//!
//! Code that has news for somebody inserts the mail in the same transaction as the news (the `jobs`
//! crate does so together with the job that sends it). The unique (template, recipient, reference)
//! makes a second insert a no-op, so no event is ever reported twice, however often its job runs.

pub mod model;
pub mod rules;
pub mod store;
