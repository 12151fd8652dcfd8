//! The formats in which a hub's subscribers receive an event.
//!
//! The same hubs serve two dialects: that of `/v1/ws`, and the contract of Django Channels. The format
//! decides what a subscriber receives; it does not decide whether or when.

pub(crate) mod channels;
pub(crate) mod native;
pub(crate) mod presence_profile;
pub(crate) mod site_names;

use madang_contract::WireFrame;
use madang_domain::event::Event;
use madang_trace::Kept;

use self::channels::RoomContext;

/// How a subscriber's frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// The frames of `/v1/ws`.
    Native,
    /// The frames of the Channels dialect for a room's socket.
    Room,
    /// The frames of the Channels dialect for a socket of the simple variant.
    Simple,
    /// The frames of the Channels dialect for a user's notices.
    Alarm,
}

impl Format {
    /// Whether a socket of the format subscribes to one topic alone: without that topic it has nothing to receive.
    pub(crate) const fn is_of_one_topic(self) -> bool {
        match self {
            Self::Native => false,
            Self::Room | Self::Simple | Self::Alarm => true,
        }
    }
}

/// How many formats there are.
const FORMATS: usize = 4;

/// An event in each format, encoded once, when the first subscriber of the format is met: a hub whose subscribers all
/// have one format pays for that one.
pub(crate) struct Encodings<'a> {
    event: &'a Event,
    room: Option<&'a RoomContext>,
    /// The span that lasts until the frames are written: they keep it.
    span: Option<Kept>,
    /// By format. The outer option is empty until the format is asked for.
    frames: [Option<Option<WireFrame>>; FORMATS],
}

impl<'a> Encodings<'a> {
    pub(crate) const fn of(event: &'a Event, room: Option<&'a RoomContext>, span: Option<Kept>) -> Self {
        Self { event, room, span, frames: [const { None }; FORMATS] }
    }

    /// The frame in a format; none where the format has no frame for such an event.
    pub(crate) fn frame(&mut self, format: Format) -> Option<&WireFrame> {
        let (event, room, span) = (self.event, self.room, &self.span);
        let make = || {
            let frame = encode(event, format, room)?;
            Some(if let Some(span) = span { frame.keeping(span.clone()) } else { frame })
        };
        self.frames[format as usize].get_or_insert_with(make).as_ref()
    }
}

fn encode(event: &Event, format: Format, room: Option<&RoomContext>) -> Option<WireFrame> {
    match format {
        Format::Native => native::event_frame(event),
        Format::Room => room.and_then(|room| channels::message(event, room)),
        Format::Simple => channels::simple(event),
        Format::Alarm => channels::notice(event),
    }
}
