//! Somebody who speaks in quiet rooms.

use madang_client::Client as Api;

use super::people::Person;
use crate::history::{ClientHistory, RoomIndex};

/// Somebody who speaks and does not listen.
#[derive(Debug)]
pub(super) struct Whisperer {
    pub(super) person: Person,
    /// The API of one gateway, in nobody's name.
    pub(super) api: Api,
    pub(super) rooms: Vec<RoomIndex>,
}

impl Whisperer {
    /// Its memory: it is a member, and has not listened to anything.
    pub(super) fn history(&self) -> ClientHistory {
        ClientHistory::new(self.person.id, Vec::new())
    }
}
