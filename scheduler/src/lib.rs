//! The product's scheduler: the engine's, with the product's jobs and schedules.

use queue::scheduler::Scheduler;
use shared::config::Config;

/// Makes a scheduler from the settings, without contacting anything yet.
pub fn connect(config: &Config) -> anyhow::Result<Scheduler> {
    Scheduler::connect(config, jobs::registry()?)
}
