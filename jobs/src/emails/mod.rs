//! Mail.

mod send_email;

pub use send_email::{PostError, SendEmail, post, post_to};
