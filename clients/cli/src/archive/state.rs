//! What an import has done, in a file beside the archive. Without it the import does everything again, to the same end.
//!
//! The server may have been restored from a backup since the file was written, and then lacks the latest of what was done. So
//! the file says how to find out: each room with the message of it that was sent last.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use madang_domain::{RoomId, Seq, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    sign_in::replace,
};

/// What an import has done.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// The server into which it goes.
    pub(super) server: String,
    /// The rooms that were made, by the id of before.
    pub(super) rooms: BTreeMap<RoomId, RoomId>,
    /// The users that this run has made. An earlier run's may be gone, and to make them again changes nothing.
    #[serde(skip)]
    pub(super) users: BTreeSet<UserId>,
    /// The last message that was sent, of each room of before.
    #[serde(default, rename = "messages")]
    pub(super) sent: BTreeMap<RoomId, Sent>,
}

/// A message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// Its number in the archive.
    pub(super) archived: Seq,
    /// Its number in the room that was made.
    pub(super) seq: Seq,
}

/// The file.
pub(super) struct State {
    path: PathBuf,
    pub(super) done: Done,
}

impl State {
    pub(super) fn load(path: PathBuf, server: &str) -> Result<Self> {
        let done = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let says = format!("{} is not the state of an import: {error}", path.display());
                Error::usage(says, "remove it, or name another with --state")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Done { server: server.to_owned(), ..Done::default() }
            }
            Err(source) => return Err(Error::File { path, source }),
        };
        if done.server != server {
            let says = format!("{} is the state of an import into {}", path.display(), done.server);
            return Err(Error::usage(says, "name another with --state"));
        }
        Ok(Self { path, done })
    }

    /// The usual name of an archive's state.
    pub(super) fn beside(archive: &Path) -> PathBuf {
        let mut name = archive.as_os_str().to_owned();
        name.push(".state");
        name.into()
    }

    pub(super) fn save(&self) -> Result<()> {
        let text = serde_json::to_string(&self.done).unwrap_or_default();
        replace(&self.path, text.as_bytes()).map_err(Error::file(&self.path))
    }
}
