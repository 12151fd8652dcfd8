//! The exact contract of chats on Django Channels. Their front ends move to Madang by a changed URL.
//!
//! A room's socket, that of the simple variant and the one for notices have their own paths. They subscribe
//! to hubs in their own formats and use the same sessions as `/v1/ws`: the same log, queues, limits,
//! heartbeat, expiry and revocation. This module contains only the differences: the handshake, which checks
//! everything before it answers ([`handshake`], [`open`]), and the frames ([`incoming`],
//! [`crate::formats::channels`], [`crate::formats::site_names`]).

mod alerts;
mod dialect;
mod handshake;
mod incoming;
mod open;
mod state;

use std::{borrow::Cow, sync::Arc};

use axum::{Router, routing::get};
use madang_domain::{IdempotencyKey, MessageText, Profile};

use self::{incoming::Said, state::ChannelsState};
use crate::{formats::site_names::Room, settings::ChannelsSettings, state::GatewayState};

/// The contract's paths, each with and without a slash at its end. There are none if the dialect is off.
pub(crate) fn routes(base: &str, settings: &ChannelsSettings, gateway: GatewayState) -> Router {
    if !settings.enabled() {
        return Router::new();
    }
    let [room, simple, alarm] = paths(base, &settings.path);
    let slashed = |path: &str| format!("{path}/");
    Router::new()
        .route(&slashed(&room), get(handshake::room))
        .route(&room, get(handshake::room))
        .route(&slashed(&simple), get(handshake::simple))
        .route(&simple, get(handshake::simple))
        .route(&slashed(&alarm), get(handshake::alarm))
        .route(&alarm, get(handshake::alarm))
        .with_state(ChannelsState {
            gateway,
            settings: Arc::new(settings.clone()),
            closed_room_told: Arc::default(),
        })
}

/// Reads a frame of a room's socket, or of the simple variant where no room is given. Refused, it has the text of an alert.
pub(crate) fn read_frame(
    frame: &str,
    room: Option<(&Room, &Profile)>,
) -> Result<(MessageText, Option<IdempotencyKey>), Cow<'static, str>> {
    let said = match room {
        Some((room, me)) => incoming::addressed(frame, room, me),
        None => incoming::plain(frame),
    };
    said.map(|Said { text, key }| (text, key)).map_err(alerts::Alert::text)
}

/// The paths of a room, of the simple variant and of the notices.
pub(crate) fn paths(base: &str, channels: &str) -> [String; 3] {
    ["chat/{room}", "chat", "alarm"].map(|path| format!("{base}{channels}/{path}"))
}
