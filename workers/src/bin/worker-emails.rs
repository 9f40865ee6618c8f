//! The `emails` pool.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::runtime::main("emails")
}
