//! The other end of S3, SMTP, payments, exchange rates and webhooks for development and tests: real protocols, served
//! by the program itself, so that the product's own clients run unchanged and nothing has to be installed.
//!
//! - [`s3`]: an S3 server over a folder, with signatures checked.
//! - [`smtp`]: an SMTP server that keeps every message and can be made to misbehave.
//! - [`mailbox`]: what arrived, as a small page and as JSON.
//! - [`mollie`]: a server of the shape of Mollie's API.
//! - [`rates`]: exchange rates, in the format of the European Central Bank.
//! - [`simulator`]: a payment provider that can be made to misbehave.
//! - [`stripe`]: what localstripe lacks, in front of it.
//! - [`payments`]: what the servers of payment providers share.
//! - [`webhooks`]: a receiver of webhooks that can be made to misbehave.
//!
//! Not for production: messages and objects are not synced to disk, and anybody who can reach the
//! mailbox page can read every message.

mod folder;
pub mod mailbox;
pub mod mollie;
pub mod payments;
pub mod rates;
pub mod s3;
mod serving;
pub mod simulator;
pub mod smtp;
pub mod stripe;
pub mod webhooks;
