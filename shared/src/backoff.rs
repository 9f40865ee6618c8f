//! How long to wait before the next try.

use std::time::Duration;

use backon::ExponentialBuilder;

/// Waits that grow from `min` to `max` and never run out. Jitter keeps those who lost the same server together from
/// coming back together.
#[must_use]
pub const fn endless(min: Duration, max: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(min).with_max_delay(max).without_max_times().with_jitter()
}
