//! Whether a search can be answered, and what it means.

pub mod cursor;
pub mod filter;
pub mod geo;

/// A parameter that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct BadParameter {
    pub parameter: &'static str,
    pub message: String,
}

impl BadParameter {
    pub fn new(parameter: &'static str, message: impl Into<String>) -> Self {
        Self { parameter, message: message.into() }
    }
}
