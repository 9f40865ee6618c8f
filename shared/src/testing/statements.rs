//! How many SQL statements something takes.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// Counts the statements that the current thread sends, as the driver reports them.
#[derive(Clone, Debug)]
pub struct Statements {
    count: Arc<AtomicUsize>,
    containing: &'static [&'static str],
}

impl Statements {
    /// Counts every statement.
    #[must_use]
    pub fn all() -> Self {
        Self::containing(&[""])
    }

    /// Counts the statements that contain one of `parts`.
    #[must_use]
    pub fn containing(parts: &'static [&'static str]) -> Self {
        Self { count: Arc::default(), containing: parts }
    }

    /// Counts until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut found = Found { containing: self.containing, yes: false };
        event.record(&mut found);
        self.count.fetch_add(usize::from(found.yes), Ordering::Relaxed);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Found {
    containing: &'static [&'static str],
    yes: bool,
}

impl Visit for Found {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.yes |= self.containing.iter().any(|part| text.contains(part));
    }
}
