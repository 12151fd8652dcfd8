//! The formats in which a hub's subscribers are told of an event.
//!
//! Two edges are served by the same hubs: `/v1/ws`, and the contract of the system that Madang replaces. What a
//! subscriber is told depends on its format; whether and when it is told does not.

use madang_contract::WireFrame;
use madang_rpc::event::Event;

use crate::{
    reference::{self, Scene},
    wire,
};

/// How a subscriber is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// The frames of `/v1/ws`.
    Native,
    /// The frames of the reference contract: of a room's socket,
    Room,
    /// of its simple variant,
    Simple,
    /// of the user's notices.
    Alarm,
}

impl Format {
    /// Whether a socket of the format is for one topic alone: without it there is nothing that it could still hear.
    pub(crate) const fn is_of_one_topic(self) -> bool {
        match self {
            Self::Native => false,
            Self::Room | Self::Simple | Self::Alarm => true,
        }
    }
}

/// How many formats there are.
const FORMATS: usize = 4;

/// An event as each format has it, encoded once, when the first subscriber of the format is met: a hub whose
/// subscribers are all of one format pays for that one.
pub(crate) struct Encodings<'a> {
    event: &'a Event,
    scene: Option<&'a Scene>,
    /// By format: none until it is asked for.
    frames: [Option<Option<WireFrame>>; FORMATS],
}

impl<'a> Encodings<'a> {
    pub(crate) const fn of(event: &'a Event, scene: Option<&'a Scene>) -> Self {
        Self { event, scene, frames: [const { None }; FORMATS] }
    }

    /// The frame in a format; none where the format has no word for such an event.
    pub(crate) fn frame(&mut self, format: Format) -> Option<&WireFrame> {
        let (event, scene) = (self.event, self.scene);
        self.frames[format as usize].get_or_insert_with(|| encode(event, format, scene)).as_ref()
    }
}

/// An event in a format.
fn encode(event: &Event, format: Format, scene: Option<&Scene>) -> Option<WireFrame> {
    match format {
        Format::Native => wire::event_frame(event),
        Format::Room => scene.and_then(|scene| reference::frames::message(event, scene)),
        Format::Simple => reference::frames::simple(event),
        Format::Alarm => reference::frames::notice(event),
    }
}
