//! Mail: the words, the two bodies, and the way to the SMTP server.
//!
//! An SMTP send cannot be exactly-once: a process that dies between the server's 250 and our commit sends again. Both copies
//! then carry one Message-ID, by which mail programs show a single message.

mod account;
mod letter;
mod refusal;
mod render;
mod send_email;
mod server;
mod smtp;
mod wording;

#[cfg(test)]
mod tests;

pub use letter::Link;
pub use refusal::{Reply, SendError};
pub use render::{Reader, RenderError, Rendered, Renderer};
pub use smtp::{Mailer, MailerError, Message, message_id};
