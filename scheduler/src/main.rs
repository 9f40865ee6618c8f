//! The scheduler program.

use std::process::ExitCode;

use shared::program;

fn main() -> ExitCode {
    program::main("scheduler", &[], async |config, signals| {
        let scheduler = scheduler::connect(&config)?.with_health(signals.health);
        scheduler.run(signals.stop).await
    })
}
