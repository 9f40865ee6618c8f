//! The `chat` pool, the only one that has the master key.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::runtime::main("chat")
}
