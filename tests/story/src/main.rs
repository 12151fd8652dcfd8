//! `madang-story`: see the library, or `madang-story --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_story::cli::run()
}
