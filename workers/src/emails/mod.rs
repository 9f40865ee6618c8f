//! Mail: the words in each language, the two bodies, and the way to the SMTP server.
//!
//! A mail is a struct in `market::emails::model`, a function that makes a [`letter`] of it, and its words ([`words`]).
//!
//! An SMTP send cannot be exactly-once: if a process dies between the server's 250 and our commit,
//! the mail is sent again. Both copies then carry the same Message-ID, by which mail programs
//! recognise them as a single message.

mod account;
mod appointments;
mod approvals;
mod auctions;
mod chat;
mod defaults;
mod documents;
mod escrow;
mod exports;
mod formats;
mod imports;
mod invoices;
mod letter;
mod listings;
mod offers;
mod orders;
mod payouts;
mod plans;
mod refusal;
mod render;
mod reports;
mod returns;
mod reviews;
mod sale_events;
mod second_factor;
mod send_email;
mod server;
mod shipments;
mod smtp;
mod stock;
mod watches;
mod webhooks;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use formats::{amount_in, days_in};

pub use formats::UnknownLocale;
pub use letter::Link;
pub use refusal::{Reply, SendError};
pub use render::{Reader, RenderError, Rendered, Renderer};
pub use smtp::{Mailer, MailerError, Message, message_id};
pub use words::Language;
