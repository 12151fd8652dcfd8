//! The frames that the server sends in the Channels dialect, exactly as front ends expect them.

use jiff::tz::TimeZone;
use madang_bus::PresenceChange;
use madang_contract::WireFrame;
use madang_domain::{
    RoomId, Seq, Timestamp,
    event::{Event, EventBody, Invite, Mention},
};
use serde::Serialize;

use super::{
    native, presence_profile,
    site_names::{Name, Room},
};

/// What a room's frames need besides the event: the name of the room, and the time zone of their times.
#[derive(Debug)]
pub(crate) struct RoomContext {
    room: Name,
    zone: TimeZone,
}

impl RoomContext {
    pub(crate) fn new(room: &Room, zone: TimeZone) -> Self {
        Self { room: room.name(), zone }
    }
}

/// The frames of a room's socket.
#[derive(Serialize)]
#[serde(tag = "response_type", rename_all = "snake_case")]
enum RoomFrame<'a> {
    Message {
        message: &'a str,
        sender: Name,
        sender_name: &'a str,
        room_id: &'a Name,
        /// The picture's URL, or null.
        profile: Option<&'a str>,
        time: String,
    },
    Enter {
        sender_name: &'a str,
        user_id: Name,
    },
    Out {
        user_id: Name,
        sender_name: &'a str,
    },
    Alert {
        message: &'a str,
    },
}

/// A presence change, for a room's socket; `None` if another version of the gateway wrote a profile that this
/// one cannot read.
pub(crate) fn presence(change: &PresenceChange) -> Option<WireFrame> {
    let profile = presence_profile::decode(change.user, &change.profile)?;
    let (user_id, sender_name) = (Name::of_present(&profile), profile.name.as_str());
    Some(WireFrame::json(&if change.on {
        RoomFrame::Enter { sender_name, user_id }
    } else {
        RoomFrame::Out { user_id, sender_name }
    }))
}

/// A message, for a room's socket.
pub(crate) fn message(event: &Event, context: &RoomContext) -> Option<WireFrame> {
    let EventBody::Message(message) = &event.body else { return None };
    // A front end of this dialect knows no deletion: a message of which nothing is left is none. Nor does it know threads:
    // what is said in one alone is not said in the room.
    if message.is_deleted() || message.is_in_thread_alone() {
        return None;
    }
    Some(WireFrame::json(&RoomFrame::Message {
        message: &message.text,
        sender: Name::of_user(&event.actor),
        sender_name: &event.actor.name,
        room_id: &context.room,
        profile: event.actor.avatar_url.as_deref(),
        time: clock(event.at, &context.zone),
    }))
}

/// A message, for a socket of the simple variant.
pub(crate) fn simple(event: &Event) -> Option<WireFrame> {
    #[derive(Serialize)]
    struct Simple<'a> {
        user: &'a str,
        message: &'a str,
        timestamp: Timestamp,
    }
    let EventBody::Message(message) = &event.body else { return None };
    if message.is_deleted() || message.is_in_thread_alone() {
        return None;
    }
    Some(WireFrame::json(&Simple {
        user: &event.actor.username,
        message: &message.text,
        timestamp: event.at,
    }))
}

/// A refusal. The socket stays open.
pub(crate) fn alert(text: &str) -> WireFrame {
    WireFrame::json(&RoomFrame::Alert { message: text })
}

/// A twelve-hour time with the Korean words for morning and afternoon: `오전 09:05`, `오후 11:40`.
fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let Ok(at) = jiff::Timestamp::from_microsecond(at.as_micros()) else { return String::new() };
    let local = zone.to_datetime(at);
    let half = if local.hour() < 12 { "오전" } else { "오후" };
    let hour = match local.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    format!("{half} {hour:02}:{:02}", local.minute())
}

/// A notice, for the socket of its user. A notice of the site is the object as it was posted.
pub(crate) fn notice(event: &Event) -> Option<WireFrame> {
    #[derive(Serialize)]
    #[serde(tag = "notice", rename_all = "snake_case")]
    enum Ours<'a> {
        Mention {
            at: Timestamp,
            room: RoomId,
            message: String,
            seq: Seq,
            sender: madang_contract::User<'a>,
        },
        Invite {
            at: Timestamp,
            room: RoomId,
            name: &'a str,
            by: madang_contract::User<'a>,
            /// Of who is no member yet.
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            pending: bool,
        },
    }
    let (at, by) = (event.at, native::user(&event.actor));
    Some(match &event.body {
        EventBody::Custom(custom) => WireFrame::text(custom.json()),
        EventBody::Mention(Mention { room, seq }) => {
            let message = native::message_id(*seq);
            WireFrame::json(&Ours::Mention { at, room: *room, message, seq: *seq, sender: by })
        }
        EventBody::Invite(Invite { room, name, pending }) => {
            WireFrame::json(&Ours::Invite { at, room: *room, name, by, pending: *pending })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_clock_has_twelve_hours_and_two_halves() {
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        for (utc, local) in [
            ("2026-11-22T00:05:00Z", "오전 09:05"),
            ("2026-11-22T14:40:00Z", "오후 11:40"),
            ("2026-11-22T15:00:00Z", "오전 12:00"),
            ("2026-11-22T03:00:59Z", "오후 12:00"),
            ("2026-11-22T02:59:59Z", "오전 11:59"),
        ] {
            assert_eq!(clock(at(utc), &seoul), local, "{utc}");
        }
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(clock(at("2026-07-01T12:30:00Z"), &new_york), "오전 08:30", "summer time");
        assert_eq!(clock(at("2026-12-01T12:30:00Z"), &new_york), "오전 07:30");
    }
}
