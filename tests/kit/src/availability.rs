//! What a test needs and not every machine has.

use crate::error::{Error, Result};

/// The variable that CI systems set, with any value that is not empty.
const CI_VARIABLE: &str = "CI";

/// The value, or `None` where this machine cannot give it: a file system of its own ([`Error::NoDisk`]) or libfaketime
/// ([`Error::NoFakeTime`]). Standard error then says that the test is skipped. Under CI nothing may be missing.
///
/// # Panics
/// When it is missing under CI, or fails for another reason.
#[expect(clippy::panic, reason = "a test that cannot run must not pass")]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn where_available<T>(outcome: Result<T>) -> Option<T> {
    let ci = std::env::var_os(CI_VARIABLE).is_some_and(|value| !value.is_empty());
    match outcome {
        Ok(value) => Some(value),
        Err(missing @ (Error::NoDisk { .. } | Error::NoFakeTime)) if !ci => {
            eprintln!("SKIPPED: {missing}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
