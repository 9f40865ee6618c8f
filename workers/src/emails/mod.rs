//! Mail: the words, the two bodies, and the way to the SMTP server.
//!
//! An SMTP send cannot be exactly-once: if a process dies between the server's 250 and our commit,
//! the mail is sent again. Both copies then carry the same Message-ID, by which mail programs
//! recognise them as a single message.

mod account;
mod appointments;
mod approvals;
mod defaults;
mod escrow;
mod exports;
mod imports;
mod invoices;
mod letter;
mod listings;
mod offers;
mod orders;
mod payouts;
mod refusal;
mod render;
mod returns;
mod send_email;
mod server;
mod shipments;
mod smtp;
mod stock;
mod watches;
mod wording;

#[cfg(test)]
mod tests;

pub use letter::Link;
pub use refusal::{Reply, SendError};
pub use render::{Reader, RenderError, Rendered, Renderer};
pub use smtp::{Mailer, MailerError, Message, message_id};
