//! How long handlers take: a histogram for operators, and a mean per queue for the dispatchers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::Histogram;
use serde_json::Value;

/// The run times of a process's queues. Only handlers count: neither claims and finishes nor stale tickets say how long a job
/// takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunTimes(Arc<Mutex<HashMap<&'static str, Arc<RunTime>>>>);

#[derive(Debug)]
struct RunTime {
    /// In microseconds, so that dispatchers can size their messages.
    mean: AtomicU64,
    histogram: Histogram,
}

impl RunTimes {
    pub(crate) fn ran(&self, queue: &'static str, took: Duration) {
        let times = {
            let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry(queue).or_insert_with(|| {
                let histogram = metrics::histogram!("tradeyard_job_run_seconds", "queue" => queue);
                Arc::new(RunTime { mean: AtomicU64::new(0), histogram })
            }))
        };
        times.histogram.record(took.as_secs_f64());
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let mean = times.mean.load(Ordering::Relaxed);
        // Rises at once, falls slowly: one long job is reason enough to stop packing.
        let next = if mean == 0 || took > mean { took } else { mean - (mean - took) / 16 };
        times.mean.store(next, Ordering::Relaxed);
    }

    /// The means as the worker's row has them.
    pub(crate) fn means(&self) -> Value {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues
            .iter()
            .map(|(queue, times)| ((*queue).to_owned(), Value::from(times.mean.load(Ordering::Relaxed))))
            .collect()
    }
}
