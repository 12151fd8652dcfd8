//! `madang-load`: see the library, or `madang-load --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_load::cli::run()
}
