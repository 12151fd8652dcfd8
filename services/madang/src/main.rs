//! `madang`: all services in one process.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang", madang::run)
}
