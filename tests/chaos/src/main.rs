//! `madang-chaos`: see the library, or `madang-chaos --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_chaos::cli::run()
}
