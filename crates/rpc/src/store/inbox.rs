//! Users' own inboxes.

use std::sync::Arc;

use madang_domain::{Cursor, Epoch, IdempotencyKey, Profile, Seq, Timestamp, UserId, event::Event};
use madang_proto::store::v1 as wire;

use super::{
    change::{Changed, of_nothing},
    messages::HistoryFrom,
};
use crate::wire::{Result, Wire, field, message};

/// A notice of the embedding site, to be put into a user's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The user.
    pub user: Arc<Profile>,
    /// A JSON object of at most 16 KiB.
    pub data: Box<str>,
    /// Repeats of the request with this key answer with the first notice.
    pub key: Option<IdempotencyKey>,
}

impl Notify {
    /// A key makes the second try answer with the first notice.
    #[must_use]
    pub const fn is_idempotent(&self) -> bool {
        self.key.is_some()
    }
}

/// A user's own inbox to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInbox {
    /// The user.
    pub user: UserId,
    /// What the client has seen; none means from now.
    pub since: Option<Cursor>,
    /// At most so many notices are replayed; when more were missed, none is.
    pub replay_limit: u32,
}

/// The state of an inbox as a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedInbox {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The last place of the log; of an inbox that nothing was ever put into, the start.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
    /// As of a room: `events` are all from the cursor to the head, or none.
    pub complete: bool,
    /// What the client missed, in order, contiguous up to `head`.
    pub events: Vec<Event>,
    /// The user's present profile, which may be later than what a token says; none of a user who was never in a room.
    pub user: Option<Arc<Profile>>,
    /// Whether others do not see that the user is present.
    pub hides_presence: bool,
    /// Whether others do not see that the user types.
    pub hides_typing: bool,
    /// The users whom the user has blocked.
    pub blocked: Vec<UserId>,
    /// The version of what the user has set: later than that of each change before; of 1970 where nothing was set.
    pub hides_version: Timestamp,
    /// The version of whom the user has blocked, alike.
    pub blocks_version: Timestamp,
}

/// Asks for a page of a user's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inbox {
    /// The user.
    pub user: UserId,
    /// From where the page reaches.
    pub from: HistoryFrom,
    /// At most so many notices, 1 to 200.
    pub limit: u32,
}

/// A page of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    /// Which history the positions belong to.
    pub epoch: Epoch,
    /// The notices.
    pub events: Vec<Event>,
    /// The last place of the log.
    pub head: Seq,
    /// The read mark.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
    /// There are further notices in the same direction.
    pub more: bool,
}

/// Asks for the read mark of a user's inbox to be moved forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkInboxRead {
    /// The user.
    pub user: UserId,
    /// The place up to which the user has read.
    pub seq: Seq,
}

/// The read mark of an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxMark {
    /// The place up to which the user has read.
    pub read: Seq,
    /// The notices after it.
    pub unread: u64,
}

/// Asks for a notice to be dismissed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dismiss {
    /// The user.
    pub user: UserId,
    /// The notice's place.
    pub seq: Seq,
}

message!(Dismiss => wire::DismissRequest { user, seq });
of_nothing!(wire::DismissResponse);
message!(Notify => wire::NotifyRequest { user, data, key });
message!(OpenedInbox => wire::OpenedInbox {
    epoch, head, read, unread, complete, events, user, hides_presence, hides_typing, blocked,
    hides_version as hides_version_micros, blocks_version as blocks_version_micros
});
message!(Inbox => wire::InboxRequest { user, from, limit });
message!(InboxPage => wire::InboxResponse { epoch, events, head, read, unread, more });
message!(MarkInboxRead => wire::MarkInboxReadRequest { user, seq });
message!(InboxMark => wire::MarkInboxReadResponse { read, unread });

/// A repeat has no events.
impl Wire<wire::NotifyResponse> for Changed<Event> {
    fn encode(&self) -> wire::NotifyResponse {
        wire::NotifyResponse { notice: self.value.encode(), duplicate: self.events.is_empty() }
    }

    fn decode(answer: wire::NotifyResponse) -> Result<Self> {
        let value: Event = field("notice", answer.notice)?;
        let events = if answer.duplicate { Vec::new() } else { vec![value.clone()] };
        Ok(Self { value, events })
    }
}

impl Wire<wire::InboxToOpen> for OpenInbox {
    fn encode(&self) -> wire::InboxToOpen {
        let (since, epoch) = self.since.encode();
        wire::InboxToOpen { user: self.user.encode(), since, epoch, replay_limit: self.replay_limit }
    }

    fn decode(open: wire::InboxToOpen) -> Result<Self> {
        Ok(Self {
            user: field("user", open.user)?,
            since: field("since", (open.since, open.epoch))?,
            replay_limit: open.replay_limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_no_events_to_deliver() {
        let bytes = |n| vec![n; 16].into();
        let notice = madang_proto::types::v1::Event {
            topic: Some(madang_proto::types::v1::Topic {
                id: Some(madang_proto::types::v1::topic::Id::Inbox(bytes(1))),
            }),
            seq: 1,
            at_micros: 2,
            actor: Some(madang_proto::types::v1::Profile {
                id: bytes(1),
                username: "mina".into(),
                name: "Mina".into(),
                ..Default::default()
            }),
            subject: None,
            body: Some(madang_proto::types::v1::event::Body::Detail(madang_proto::types::v1::Detail {
                kind: 8,
                json: r#"{"a":1}"#.into(),
            })),
        };
        for duplicate in [false, true] {
            let answer = wire::NotifyResponse { notice: Some(notice.clone()), duplicate };
            let changed = Changed::<Event>::decode(answer.clone()).unwrap();
            assert_eq!(changed.events.is_empty(), duplicate);
            assert_eq!(Wire::<wire::NotifyResponse>::encode(&changed), answer);
        }
    }
}
