//! The session of `login`: a file that only its owner may read.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use madang_client::Tokens;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Names the file, instead of the usual place.
const FILE_VARIABLE: &str = "MADANGCTL_SESSION";

/// A token that ends within so many seconds is renewed first.
pub(crate) const RENEW_BEFORE_SECONDS: u64 = 60;

/// A signed-in session at one server.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) url: String,
    pub(crate) username: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// In seconds since 1970.
    pub(crate) expires_at: u64,
}

impl SignIn {
    pub(crate) fn new(url: &str, tokens: Tokens) -> Self {
        Self {
            url: url.to_owned(),
            username: tokens.user.username.to_string(),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_at: now_seconds().saturating_add(tokens.expires_in),
        }
    }

    /// The session of this server, if there is one.
    pub(crate) fn load(url: &str) -> Result<Option<Self>> {
        let path = path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::File { path, source }),
        };
        let known: Self = serde_json::from_str(&text).map_err(|error| Error::File {
            path,
            source: io::Error::new(io::ErrorKind::InvalidData, error),
        })?;
        Ok(Some(known).filter(|known| known.url == url))
    }

    pub(crate) fn save(&self) -> Result<()> {
        let path = path()?;
        if let Some(directory) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(Error::file(directory))?;
        }
        let text = serde_json::to_string(self).unwrap_or_default();
        replace(&path, text.as_bytes()).map_err(Error::file(&path))
    }

    pub(crate) fn forget() -> Result<()> {
        let path = path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::File { path, source: error }),
            _ => Ok(()),
        }
    }

    /// How long the access token is good.
    pub(crate) fn seconds_left(&self) -> u64 {
        self.expires_at.saturating_sub(now_seconds())
    }
}

/// Writes a file whole or not at all, for its owner alone.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn path() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable(FILE_VARIABLE) {
        return Ok(path);
    }
    let configuration = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
    configuration.map(|directory| directory.join("madangctl/session.json")).ok_or_else(|| {
        Error::usage("there is no place for the session", format!("set HOME or {FILE_VARIABLE}"))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "no server's clock is in this process, and no test depends on it"
)]
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Asks for a password; a terminal does not show it. From elsewhere it is the first line.
pub(crate) fn ask_password() -> Result<String> {
    let failed = Error::io;
    let input = io::stdin();
    let mut shown = None;
    if input.is_terminal() {
        eprint!("Password: ");
        let before = tcgetattr(&input).map_err(|error| failed("ask for a password")(error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&input, OptionalActions::Flush, &silent)
            .map_err(|error| failed("ask for a password")(error.into()))?;
        shown = Some(before);
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(before) = shown {
        let _ = tcsetattr(&input, OptionalActions::Flush, &before);
        eprintln!();
    }
    read.map_err(failed("read the password"))?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(Error::usage("no password was given", "type it, or give it on the standard input"));
    }
    Ok(password)
}
