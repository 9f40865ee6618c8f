//! The handlers of each pool, made from the catalogue: a job without a handler does not compile
//! here.

use jobs::queues;
use queue::worker::Handlers;

use crate::Services;

/// How many jobs of each queue a process of the pool runs at once unless somebody says otherwise. Closings share transactions, and who
/// waits for one holds no connection: this is two groups of the largest size.
#[must_use]
pub fn concurrency(pool: &str) -> u16 {
    if pool == queues::AUCTIONS.pool { 128 } else { 32 }
}

macro_rules! handlers {
    ($($pool:ident { $($job:ty),* $(,)? })*) => {
        /// Every pool that has jobs.
        pub const NAMES: &[&str] = &[$(stringify!($pool)),*];

        /// The handlers of a pool, or `None` if there is no pool of that name.
        #[must_use]
        pub fn handlers(pool: &str) -> Option<Handlers<Services>> {
            match pool {
                $(stringify!($pool) => Some(Handlers::default()$(.with::<$job>())*),)*
                _ => None,
            }
        }
    };
}

jobs::for_each_job!(handlers);
