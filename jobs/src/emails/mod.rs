//! Mail.

mod send_email;

pub use send_email::{MailError, PostError, SendEmail, post, post_to, post_to_traders, store_for_traders};
