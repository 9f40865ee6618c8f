//! What is wrong with a request, and what a violated database constraint means to whoever sent it.

/// A value that was refused, and the field of the request that it was in.
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

/// Everything that is wrong with a request, up to [`Faults::MOST`] faults; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(Vec<Invalid>);

impl Faults {
    /// The most faults that are reported; nobody reads more.
    pub const MOST: usize = 100;

    /// `None` if nothing is wrong.
    pub fn of(mut faults: Vec<Invalid>) -> Option<Self> {
        faults.truncate(Self::MOST);
        (!faults.is_empty()).then_some(Self(faults))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Invalid> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Invalid;
    type IntoIter = std::slice::Iter<'a, Invalid>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A name as a part of a JSON pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Rows of constraint name, field and message: what the constraints of a store mean.
pub type ConstraintMessages = [(&'static str, &'static str, &'static str)];

/// The name of the constraint that `error` reports as violated.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// What the violated constraint means, if it is one of `messages`.
pub fn constraint_message(error: &sqlx::Error, messages: &ConstraintMessages) -> Option<Invalid> {
    let name = violated(error)?;
    messages
        .iter()
        .find(|(constraint, _, _)| *constraint == name)
        .map(|(_, pointer, message)| Invalid::new(*pointer, *message))
}
