//! One thing that `doctor` has looked at.

use serde::Serialize;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and should be changed.
    Warning,
    /// It does not work, or loses something.
    Error,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at: how it stands, what that means, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, for programs: `redis.version`. It does not change between versions.
    pub check: &'static str,
    /// What it belongs to, for people: `Redis`, `Database of the messages`.
    pub about: &'static str,
    /// How it stands.
    pub level: Level,
    /// What was found, and what it means.
    pub says: String,
    /// What to do; nothing where all is well.
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(check: &'static str, about: &'static str, says: impl Into<String>) -> Self {
        Self { check, about, level: Level::Ok, says: says.into(), advice: None }
    }

    /// It works, and should be changed.
    #[must_use]
    pub fn warning(
        check: &'static str,
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { check, about, level: Level::Warning, says: says.into(), advice: Some(advice.into()) }
    }

    /// It does not work.
    #[must_use]
    pub fn error(
        check: &'static str,
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { check, about, level: Level::Error, says: says.into(), advice: Some(advice.into()) }
    }
}
