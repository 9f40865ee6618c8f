//! The scheduler of the product: the engine's, with the product's jobs and schedules.

use queue::scheduler::Scheduler;
use shared::config::Config;

/// Makes a scheduler from the settings; nothing is contacted yet.
pub fn connect(config: &Config) -> anyhow::Result<Scheduler> {
    Scheduler::connect(config, jobs::registry()?)
}
