//! The `chat` pool, the only one that has `CHAT_KEY`; the API has it as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::runtime::main("chat")
}
