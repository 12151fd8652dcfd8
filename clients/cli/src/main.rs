//! `madangctl`: Madang from a terminal.

use std::process::ExitCode;

fn main() -> ExitCode {
    madangctl::main()
}
