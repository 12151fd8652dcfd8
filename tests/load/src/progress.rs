//! What is going on, for a person who waits: one line on a terminal, nothing elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};

/// A line on standard error that the next one replaces.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { terminal: stderr().is_terminal() }
    }
}

impl Progress {
    /// Shows what is being done.
    pub fn say(self, what: &str) {
        const ERASE_LINE: &str = "\r\x1b[K";
        if self.terminal {
            // Nobody can be told that nobody can be told.
            let _ = write!(stderr(), "{ERASE_LINE}{what}");
        }
    }

    /// Takes the line away.
    pub fn done(self) {
        self.say("");
    }
}
