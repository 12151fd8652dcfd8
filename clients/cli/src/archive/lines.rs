//! The lines of an archive.

use madang_client::{Member, Room, RoomMessage};
use madang_domain::{Epoch, RoomId};
use serde::{Deserialize, Serialize};

/// The form of the lines that this program writes and reads.
pub(super) const FORMAT: u32 = 1;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one. The epoch is that of the server's logs; the first archives had none.
    Archive {
        format: u32,
        server: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
    },
    /// A room begins.
    Room { room: Box<Room> },
    /// A member of it.
    Member { room: RoomId, member: Box<Member> },
    /// A message of it.
    Message { message: Box<RoomMessage> },
    /// The room is complete.
    End { room: RoomId },
}
