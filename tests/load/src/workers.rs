//! How many worker threads each service's process has.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use madang_test_kit::{ClusterOptions, Program};
use serde::{Serialize, Serializer};

/// The name of the default, one thread a core, on the command line and in reports.
const DEFAULT: &str = "default";

/// The setting of all services.
const SETTING: &str = "MADANG_WORKER_THREADS";

/// The worker threads of each process of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the service takes by itself: one a core.
    Default,
    /// So many.
    Count(NonZeroUsize),
}

impl Workers {
    /// Sets them in all services of a cluster.
    pub fn set(self, options: ClusterOptions) -> ClusterOptions {
        match self {
            Self::Default => options,
            Self::Count(count) => {
                let programs = [Program::Auth, Program::MessageStore, Program::Gateway];
                let set = |options: ClusterOptions, program| {
                    options.with_setting(program, SETTING, count.to_string())
                };
                programs.into_iter().fold(options, set)
            }
        }
    }

    /// The setting of a running process, by its environment; none where that cannot be read.
    #[must_use]
    pub fn of_process(pid: u32) -> Option<Self> {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        let set =
            variables.find_map(|variable| variable.strip_prefix(SETTING.as_bytes())?.strip_prefix(b"="));
        match set {
            None => Some(Self::Default),
            Some(count) => std::str::from_utf8(count).ok()?.parse().ok(),
        }
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str(DEFAULT),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == DEFAULT {
            return Ok(Self::Default);
        }
        text.parse().map(Self::Count).map_err(|_| format!("`{DEFAULT}` or a number from 1 is expected"))
    }
}

impl Serialize for Workers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_it_is_shown() {
        for text in ["default", "1", "16"] {
            assert_eq!(text.parse::<Workers>().map(|workers| workers.to_string()), Ok(text.to_owned()));
        }
        assert!("0".parse::<Workers>().is_err());
    }

    #[test]
    fn a_process_without_the_setting_has_the_default() {
        assert_eq!(Workers::of_process(std::process::id()), Some(Workers::Default));
    }
}
