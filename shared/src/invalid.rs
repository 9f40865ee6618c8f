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

/// Everything that is wrong with a request, at most [`Faults::MOST`] of it; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults(Vec<Invalid>);

impl Faults {
    /// Who reads more than this?
    pub const MOST: usize = 100;

    /// `None` when nothing is wrong.
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

/// Rows of constraint name, field, message: how a store names its constraints.
pub type ConstraintMessages = [(&'static str, &'static str, &'static str)];

/// The name of the constraint that `error` reports as violated.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// What the violated constraint means, when it is one of `messages`.
pub fn constraint_message(error: &sqlx::Error, messages: &ConstraintMessages) -> Option<Invalid> {
    let name = violated(error)?;
    messages
        .iter()
        .find(|(constraint, _, _)| *constraint == name)
        .map(|(_, pointer, message)| Invalid::new(*pointer, *message))
}
