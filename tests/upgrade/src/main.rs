//! `madang-upgrade`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_upgrade::run()
}
