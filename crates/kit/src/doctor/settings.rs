//! What there is to say of the settings themselves.

use super::Finding;
use crate::{
    StartError,
    config::{ConfigError, Explained, Origin},
};

/// What the findings belong to.
const ABOUT: &str = "Settings";

/// Whether all settings can be read, each mistake by itself.
pub(crate) fn settings(settings: &[Explained], mistakes: &[ConfigError]) -> Vec<Finding> {
    if mistakes.is_empty() {
        let given = settings.iter().filter(|setting| setting.origin != Origin::Default).count();
        let says = format!("{given} of {} are given, and all of them can be read", settings.len());
        return vec![Finding::ok("settings.read", ABOUT, says)];
    }
    let finding = |mistake: &ConfigError| {
        let advice = match mistake {
            ConfigError::Flags(_) => "see --help",
            ConfigError::Unknown { .. } => {
                "a process refuses variables and keys that it does not know; remove it"
            }
            ConfigError::Malformed { .. } => "correct it; `config print` shows where each value comes from",
            ConfigError::Missing { .. } => "set it; the process does not start without it",
            ConfigError::Twice { .. } => "remove one of them",
            ConfigError::Unreadable { .. } => "create the file, or let the account of the process read it",
        };
        Finding::error("settings.read", ABOUT, mistake.to_string().trim().to_owned(), advice)
    };
    mistakes.iter().map(finding).collect()
}

/// Settings that can each be read and do not fit together, as the start would say it.
#[must_use]
pub fn contradiction(error: &StartError) -> Finding {
    Finding::error(
        "settings.consistent",
        ABOUT,
        error.to_string(),
        "correct it; the process does not start with it",
    )
}
