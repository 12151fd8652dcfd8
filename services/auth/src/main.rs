//! `madang-auth`: the auth service as its own process.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang-auth", madang_auth::run)
}
