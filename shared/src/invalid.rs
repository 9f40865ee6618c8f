//! What a constraint of the database means to the person whose request broke it.

/// A value that was refused, and the field of the request where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct Invalid {
    /// JSON pointer into the request, `/quantity`.
    pub pointer: String,
    pub message: String,
}

impl Invalid {
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// Rows of constraint name, field, message: how a store tells its constraints.
pub type Meanings = [(&'static str, &'static str, &'static str)];

/// The name of the constraint that `error` reports as violated.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// What the violated constraint means, when it is one of `meanings`.
pub fn meaning(error: &sqlx::Error, meanings: &Meanings) -> Option<Invalid> {
    let name = violated(error)?;
    meanings
        .iter()
        .find(|(constraint, _, _)| *constraint == name)
        .map(|(_, pointer, message)| Invalid::new(*pointer, *message))
}
