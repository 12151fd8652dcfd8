//! `madang-hosts`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_hosts::run()
}
