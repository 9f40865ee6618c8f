//! The API program.

use std::process::ExitCode;

use shared::config::keys;
use shared::program;

fn main() -> ExitCode {
    program::main("api", &[keys::JWT_SECRET, keys::MASTER_KEY, keys::CHAT_KEY], async |config, signals| {
        api::serve(config, signals).await
    })
}
