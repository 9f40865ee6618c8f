//! Who is asking: access tokens, the caller of a request, and passwords.

pub mod caller;
pub mod passwords;
pub mod tokens;

pub use caller::{Caller, Session};
