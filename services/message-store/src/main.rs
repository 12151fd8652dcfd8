//! `madang-message-store`: rooms and logs as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang-message-store", madang_message_store::run)
}
