//! The `images` pool.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::runtime::main("images")
}
