//! How many files, and so how many connections, the process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit of open files of this process (`RLIMIT_NOFILE`). Without a number there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimit {
    /// What holds now.
    pub soft: Option<u64>,
    /// Up to which the process may raise it.
    pub hard: Option<u64>,
}

impl FileLimit {
    /// The limit as it is now.
    #[must_use]
    pub fn current() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        Self { soft: current, hard: maximum }
    }

    /// Raises what holds to what may hold. A low soft limit protects programs that call `select`; these do not.
    pub(crate) fn raise() -> Raised {
        let before = Self::current();
        if before.soft == before.hard {
            return Raised::AsBefore(before);
        }
        match setrlimit(Resource::Nofile, Rlimit { current: before.hard, maximum: before.hard }) {
            Ok(()) => Raised::From { before, now: Self::current() },
            Err(error) => Raised::Refused { before, error: error.into() },
        }
    }

    /// Whether so many files may be open.
    #[must_use]
    pub fn allows(&self, files: u64) -> bool {
        self.soft.is_none_or(|soft| soft >= files)
    }

    /// The soft limit in words.
    #[must_use]
    pub fn in_words(limit: Option<u64>) -> String {
        limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
    }
}

/// What came of raising the limit.
#[derive(Debug)]
pub(crate) enum Raised {
    /// There was nothing to raise.
    AsBefore(FileLimit),
    /// It is higher now.
    From { before: FileLimit, now: FileLimit },
    /// The system refused.
    Refused { before: FileLimit, error: io::Error },
}

impl Raised {
    /// Says it in the log.
    pub(crate) fn log(&self) {
        let words = FileLimit::in_words;
        match self {
            Self::AsBefore(limit) => {
                tracing::info!(limit = words(limit.soft), "the limit of open files stays");
            }
            Self::From { before, now } => tracing::info!(
                before = words(before.soft),
                limit = words(now.soft),
                "the limit of open files was raised to its hard limit"
            ),
            Self::Refused { before, error } => tracing::warn!(
                limit = words(before.soft),
                hard = words(before.hard),
                %error,
                "the limit of open files could not be raised"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_allows_everything() {
        assert!(FileLimit { soft: None, hard: None }.allows(u64::MAX));
        let limit = FileLimit { soft: Some(1_024), hard: None };
        assert!(limit.allows(1_024) && !limit.allows(1_025));
        assert_eq!(FileLimit::in_words(None), "unlimited");
    }
}
