//! The contract of the chat system that Madang replaces, to the letter: its front ends move over by a change of URL.
//!
//! A room's socket, the simple variant's and the one for notices, each a path. They are opened as hub subscribers of
//! formats of their own and live in the same sessions as `/v1/ws`: the same log, queues, budgets, heartbeat, expiry
//! and revocation. Here is only what differs: the handshake, which refuses before it answers
//! ([`handshake`], [`open`]), and the frames ([`incoming`], [`frames`], [`names`]).

mod alerts;
mod dialect;
pub(crate) mod frames;
mod handshake;
mod incoming;
mod names;
mod open;
mod settings;

use std::sync::Arc;

use axum::{Router, routing::get};

pub(crate) use self::frames::Scene;
use self::open::Wanted;
pub use self::settings::ReferenceSettings;
use crate::{edge::Edge, format::Format, origin::AllowedOrigins};

/// What a handshake is judged by.
#[derive(Clone)]
struct Gate {
    edge: Arc<Edge>,
    origins: Arc<AllowedOrigins>,
}

impl Wanted {
    /// In which format its hub speaks.
    const fn format(&self) -> Format {
        match self {
            Self::Room(_) => Format::Room,
            Self::Simple => Format::Simple,
            Self::Alarm => Format::Alarm,
        }
    }
}

/// The contract's paths, each with or without a slash at its end.
pub(crate) fn router(edge: &Arc<Edge>, origins: &Arc<AllowedOrigins>) -> Router {
    let settings = &edge.settings;
    if !settings.reference.enabled {
        return Router::new();
    }
    let [room, simple, alarm] = paths(&settings.base_path, &settings.reference.path);
    let gate = Gate { edge: Arc::clone(edge), origins: Arc::clone(origins) };
    let slashed = |path: &str| format!("{path}/");
    Router::new()
        .route(&slashed(&room), get(handshake::room))
        .route(&room, get(handshake::room))
        .route(&slashed(&simple), get(handshake::simple))
        .route(&simple, get(handshake::simple))
        .route(&slashed(&alarm), get(handshake::alarm))
        .route(&alarm, get(handshake::alarm))
        .with_state(gate)
}

/// The paths of a room, of the simple variant and of the notices.
pub(crate) fn paths(base: &str, reference: &str) -> [String; 3] {
    ["chat/{room}", "chat", "alarm"].map(|path| format!("{base}{reference}/{path}"))
}
