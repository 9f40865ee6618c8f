//! The API program.

use std::process::ExitCode;

use shared::program;

fn main() -> ExitCode {
    program::main("api", async |config, signals| api::serve(config, signals.stop).await)
}
