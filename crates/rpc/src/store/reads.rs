//! How far the members of a room have read it, and what their devices have received.

use madang_domain::{Receipts, RoomId, RoomRef, Seq, UserId};
use madang_proto::store::v1 as wire;

use crate::wire::{DecodeError, Result, Wire, message};

/// Asks how far the members of a room have read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetReads {
    /// The user who sees it. None for gateways, which have judged their subscribers: no membership is asked.
    pub user: Option<UserId>,
    /// The room.
    pub room: RoomRef,
}

/// How far the members of a room have read it. Who has written has read what stood above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomReads {
    /// The room.
    pub room: RoomId,
    /// What the room shows. Where it shows nothing, there are no marks.
    pub receipts: Receipts,
    /// How many members it has.
    pub members: u64,
    /// The marks say for each message after this place how many have read it: the start in a room of at most
    /// [`READ_MARKS_MAX`](madang_domain::limits::READ_MARKS_MAX) members. Otherwise the first mark stands for all members up to it.
    pub from: Seq,
    /// The places up to which members have read, in order, each once.
    pub reads: Vec<Mark>,
    /// The places up to which members' devices have received events; empty in a larger room.
    pub delivered: Vec<Mark>,
}

/// A place, and the members who stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The place.
    pub seq: Seq,
    /// How many members stand there.
    pub members: u64,
    /// Who they are, where the room shows names; in the order of their ids.
    pub users: Vec<UserId>,
}

/// Up to where a member's devices have received events of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveredMark {
    /// The room.
    pub room: RoomId,
    /// The member. Of who is none nothing is noted.
    pub user: UserId,
    /// The place.
    pub seq: Seq,
}

/// Asks to note up to where members' devices have received events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkDelivered {
    /// At most 1,000; each user at most once in each room.
    pub marks: Vec<DeliveredMark>,
}

message!(DeliveredMark => wire::DeliveredMark { room, user, seq });
message!(MarkDelivered => wire::MarkDeliveredRequest { marks });
message!(Vec<RoomId> => wire::MarkDeliveredResponse[rooms]);
message!(GetReads => wire::GetReadsRequest { user, room });
message!(RoomReads => wire::GetReadsResponse { room, receipts, members, from, reads, delivered });
message!(Mark => wire::Mark { seq, members, users });

/// A peer of before it says nothing, and shows nothing either; the default is what it would show.
impl Wire<i32> for Receipts {
    fn encode(&self) -> i32 {
        match self {
            Self::None => wire::Receipts::None,
            Self::Count => wire::Receipts::Count,
            Self::Names => wire::Receipts::Names,
        }
        .into()
    }

    fn decode(receipts: i32) -> Result<Self> {
        match wire::Receipts::try_from(receipts) {
            Ok(wire::Receipts::Unspecified | wire::Receipts::Count) => Ok(Self::Count),
            Ok(wire::Receipts::None) => Ok(Self::None),
            Ok(wire::Receipts::Names) => Ok(Self::Names),
            Err(unknown) => Err(DecodeError::of_value(format!("{unknown}; none of the known ones"))),
        }
    }
}
