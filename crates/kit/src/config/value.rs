//! What a source says of one setting: a value, and the name under which it was given.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use super::ConfigError;

/// Environment variables, injected.
pub type Environment = BTreeMap<OsString, OsString>;

/// The value of a setting, and under which name it was given.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) texts: Vec<String>,
}

/// A setting that was given by a name of an earlier version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// The name that was given.
    pub(crate) given: String,
    /// The name to use.
    pub(crate) now: String,
}

impl Renamed {
    pub(super) fn new(given: &str, now: String) -> Self {
        Self { given: given.to_owned(), now }
    }
}

/// The secret that a file holds, white space around it removed. `name` is the setting that names the file.
pub(super) fn read_secret(name: &str, path: &Path) -> Result<String, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(ConfigError::Unreadable { name: name.to_owned(), path: path.to_owned(), source }),
    }
}

/// A variable's value as text.
pub(super) fn text_of(name: &str, value: &OsStr) -> Result<String, ConfigError> {
    let not_text = || ConfigError::Malformed { name: name.to_owned(), reason: "it is not UTF-8".to_owned() };
    value.to_str().map(str::to_owned).ok_or_else(not_text)
}
