//! People and their organisations.

mod erase_person;
pub mod mail;

pub use erase_person::{AskError, ErasePerson, ask_erasure};
