//! `madang-auth`: the accounts' service as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang-auth", madang_auth::run)
}
