//! Shows how far the demo is: a bar on a terminal, plain lines elsewhere. Writes to the standard
//! error output, which keeps `--json` clean.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The time between two plain lines of one step.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One step of the demo.
#[derive(Clone, Debug)]
pub(crate) struct Step(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    total: u64,
    done: AtomicU64,
    began: Instant,
    /// Milliseconds after `began` at which the last plain line was written.
    printed: AtomicU64,
    bar: Option<ProgressBar>,
}

impl Step {
    /// Begins a step of `total` parts; 0 means unknown.
    pub(crate) fn begin(name: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = if total == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(total) };
            let style =
                if total == 0 { "{spinner} {msg} {elapsed}" } else { "  {msg} {wide_bar} {pos}/{len} {elapsed}" };
            bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(name);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let step =
            Inner { name, total, done: AtomicU64::new(0), began: Instant::now(), printed: AtomicU64::new(0), bar };
        Self(Arc::new(step))
    }

    /// Notes that one more part is done.
    pub(crate) fn inc(&self) {
        self.set(1, true);
    }

    /// Notes how many parts are done.
    pub(crate) fn at(&self, done: u64) {
        self.set(done, false);
    }

    fn set(&self, done: u64, add: bool) {
        let inner = &self.0;
        let done = if add {
            inner.done.fetch_add(done, Ordering::Relaxed) + done
        } else {
            inner.done.swap(done, Ordering::Relaxed).max(done)
        };
        if let Some(bar) = &inner.bar {
            bar.set_position(done);
            return;
        }
        let now = u64::try_from(inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let printed = inner.printed.load(Ordering::Relaxed);
        let due = u128::from(now.saturating_sub(printed)) >= LINE_EVERY.as_millis();
        // If several threads are here at once, only one writes the line.
        if due && inner.printed.compare_exchange(printed, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let of = if inner.total == 0 { "…".to_owned() } else { format!(": {done} of {}", inner.total) };
            line(&format!("{}{of}", inner.name));
        }
    }

    /// Ends the step.
    pub(crate) fn end(self) {
        let took = self.0.began.elapsed().as_secs_f64();
        let done = self.0.done.load(Ordering::Relaxed);
        let count = if self.0.total == 0 { String::new() } else { format!(" ({done})") };
        if let Some(bar) = &self.0.bar {
            bar.finish_and_clear();
        }
        line(&format!("{}{count}: {took:.1} s", self.0.name));
    }
}

/// Prints a plain line beside the bars.
pub(crate) fn line(text: &str) {
    // Progress that cannot be shown is not worth failing for.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
