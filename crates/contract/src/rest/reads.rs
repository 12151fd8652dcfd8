//! `/v1/rooms/{room}/reads`: how far the members of a room have read it.

use madang_domain::{Receipts, RoomId, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Mark;

/// How far the members of a room have read it. A member who has sent a message counts as having read up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reads {
    /// The id of the room.
    pub room: RoomId,
    /// What the room shows: `none` (then there are no marks), `count`, or `names`.
    pub receipts: Receipts,
    /// The number of members.
    pub members: u64,
    /// The marks are complete for messages after this `seq`: 0 in a room of at most 100 members. In a larger room, the
    /// first mark stands for all members who have read up to it or less.
    pub from: Seq,
    /// The marks, in order. As many members have not read a message as stand at marks below its `seq`.
    pub marks: Vec<Mark>,
    /// What the members' devices have received, in the same form; absent in a room of more than 100 members, and where
    /// nothing is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Vec<Mark>>,
}

/// The routes of read marks of all members.
pub mod routes {
    use madang_domain::Code;

    use super::Reads;
    use crate::rest::{Route, route::table};

    table! {
        /// Answers how far the members of a room have read it.
        GET = Route::get("get_reads", "/v1/rooms/{room}/reads", "Get how far the members of a room have read it, as far as the room shows it")
            .answers::<Reads>(200, "The read marks of the members.")
            .refuses(&[Code::PermissionDenied, Code::NotFound]);
    }
}
