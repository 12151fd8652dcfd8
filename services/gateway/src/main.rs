//! `madang-gateway`: the edge as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang-gateway", madang_gateway::run)
}
