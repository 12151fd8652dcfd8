//! `madang-gateway`: the gateway as its own process.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_kit::run("madang-gateway", madang_gateway::run)
}
