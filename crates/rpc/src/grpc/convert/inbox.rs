//! Inboxes.

use std::sync::Arc;

use madang_domain::{Epoch, IdempotencyKey, Seq, UserId};
use madang_proto::store::v1 as wire;

use super::{
    Result, WireId, bounded_option,
    event::{decode_event, decode_events, decode_profile, encode_event, encode_events, encode_profile},
    required,
    store::decode_since,
};
use crate::{
    event::{Event, Profile},
    store::{Changed, HistoryFrom, InboxMark, InboxPage, OpenInbox, OpenedInbox},
};

pub(in crate::grpc) fn encode_notify(
    user: &Profile,
    data: &str,
    key: Option<&IdempotencyKey>,
) -> wire::NotifyRequest {
    wire::NotifyRequest {
        user: Some(encode_profile(user)),
        data: data.to_owned(),
        key: key.map(IdempotencyKey::to_string),
    }
}

/// Whom to notify, of what, under which key.
pub(in crate::grpc) type Notification = (Arc<Profile>, Box<str>, Option<IdempotencyKey>);

pub(in crate::grpc) fn decode_notify(request: wire::NotifyRequest) -> Result<Notification> {
    Ok((
        Arc::new(decode_profile("user", request.user)?),
        request.data.into_boxed_str(),
        bounded_option("key", request.key, IdempotencyKey::new)?,
    ))
}

pub(in crate::grpc) fn encode_notified(changed: &Changed<Event>) -> wire::NotifyResponse {
    wire::NotifyResponse { notice: Some(encode_event(&changed.value)), duplicate: changed.events.is_empty() }
}

pub(in crate::grpc) fn decode_notified(answer: wire::NotifyResponse) -> Result<Changed<Event>> {
    let value = decode_event(required("notice", answer.notice)?)?;
    let events = if answer.duplicate { Vec::new() } else { vec![value.clone()] };
    Ok(Changed { value, events })
}

pub(in crate::grpc) fn encode_open_inbox(open: &OpenInbox) -> wire::InboxToOpen {
    wire::InboxToOpen {
        user: open.user.encode(),
        since: open.since.map(|cursor| cursor.seq.get()),
        epoch: open.since.and_then(|cursor| cursor.epoch).map(Epoch::get),
        replay_limit: open.replay_limit,
    }
}

pub(in crate::grpc) fn decode_open_inbox(open: &wire::InboxToOpen) -> Result<OpenInbox> {
    Ok(OpenInbox {
        user: UserId::decode("user", &open.user)?,
        since: decode_since(open.since, open.epoch)?,
        replay_limit: open.replay_limit,
    })
}

pub(in crate::grpc) fn encode_opened_inbox(opened: &OpenedInbox) -> wire::OpenedInbox {
    wire::OpenedInbox {
        epoch: opened.epoch.get(),
        head: opened.head.get(),
        read: opened.read.get(),
        unread: opened.unread,
        complete: opened.complete,
        events: encode_events(&opened.events),
    }
}

pub(in crate::grpc) fn decode_opened_inbox(opened: wire::OpenedInbox) -> Result<OpenedInbox> {
    Ok(OpenedInbox {
        epoch: Epoch::new(opened.epoch),
        head: Seq::new(opened.head),
        read: Seq::new(opened.read),
        unread: opened.unread,
        complete: opened.complete,
        events: decode_events(opened.events)?,
    })
}

/// As of a room's history: nothing lies below 1, and "below 0" means from the end.
pub(in crate::grpc) fn encode_inbox_from(from: HistoryFrom) -> wire::inbox_request::From {
    match from {
        HistoryFrom::End => wire::inbox_request::From::Before(0),
        HistoryFrom::Before(seq) => wire::inbox_request::From::Before(seq.get().max(1)),
        HistoryFrom::After(seq) => wire::inbox_request::From::After(seq.get()),
    }
}

pub(in crate::grpc) const fn decode_inbox_from(from: Option<wire::inbox_request::From>) -> HistoryFrom {
    match from {
        None | Some(wire::inbox_request::From::Before(0)) => HistoryFrom::End,
        Some(wire::inbox_request::From::Before(seq)) => HistoryFrom::Before(Seq::new(seq)),
        Some(wire::inbox_request::From::After(seq)) => HistoryFrom::After(Seq::new(seq)),
    }
}

pub(in crate::grpc) fn encode_inbox_page(page: &InboxPage) -> wire::InboxResponse {
    wire::InboxResponse {
        epoch: page.epoch.get(),
        events: encode_events(&page.events),
        head: page.head.get(),
        read: page.read.get(),
        unread: page.unread,
    }
}

pub(in crate::grpc) fn decode_inbox_page(page: wire::InboxResponse) -> Result<InboxPage> {
    Ok(InboxPage {
        epoch: Epoch::new(page.epoch),
        events: decode_events(page.events)?,
        head: Seq::new(page.head),
        read: Seq::new(page.read),
        unread: page.unread,
    })
}

pub(in crate::grpc) const fn encode_inbox_mark(mark: InboxMark) -> wire::MarkInboxReadResponse {
    wire::MarkInboxReadResponse { read: mark.read.get(), unread: mark.unread }
}

pub(in crate::grpc) const fn decode_inbox_mark(mark: wire::MarkInboxReadResponse) -> InboxMark {
    InboxMark { read: Seq::new(mark.read), unread: mark.unread }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_first_place_is_nothing_and_not_the_end() {
        let passed = |from| decode_inbox_from(Some(encode_inbox_from(from)));
        assert_eq!(passed(HistoryFrom::End), HistoryFrom::End);
        assert_eq!(passed(HistoryFrom::Before(Seq::START)), HistoryFrom::Before(Seq::new(1)));
        assert_eq!(passed(HistoryFrom::After(Seq::START)), HistoryFrom::After(Seq::START));
    }

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
            body: Some(madang_proto::types::v1::event::Body::Left(madang_proto::types::v1::Left {
                user: bytes(1),
            })),
        };
        for duplicate in [false, true] {
            let answer = wire::NotifyResponse { notice: Some(notice.clone()), duplicate };
            let changed = decode_notified(answer.clone()).unwrap();
            assert_eq!(changed.events.is_empty(), duplicate);
            assert_eq!(encode_notified(&changed), answer);
        }
    }
}
