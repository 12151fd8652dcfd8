//! Limits that nothing uses up.

use madang_contract::rest::Bounds;
use madang_domain::limits;

use crate::settings::GatewaySettings;

/// What the settings say of limits that nothing here counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixedLimits {
    pub(super) bounds: Bounds,
    /// The connections that one address may have.
    pub(super) address_connections: u32,
}

impl FixedLimits {
    /// The limits of a gateway with these settings, where files of so many bytes are kept or none.
    pub(crate) fn of(settings: &GatewaySettings, file_bytes: Option<u64>) -> Self {
        let bounds = Bounds {
            frame_bytes: limits::FRAME_MAX_BYTES,
            text_chars: limits::MESSAGE_TEXT_MAX_CHARS,
            attachments: limits::ATTACHMENTS_MAX,
            file_bytes,
            subscribe_rooms: limits::SUBSCRIBE_MAX_ROOMS,
            socket_rooms: settings.max_socket_rooms,
            replay_events: settings.replay_max_events,
            queued_bytes: settings.queue_max_bytes,
            page_items: limits::PAGE_MAX_ITEMS,
            new_room_members: limits::ROOM_INITIAL_MEMBERS_MAX,
            blocked_users: limits::BLOCKED_USERS_MAX,
        };
        Self { bounds, address_connections: settings.max_address_connections }
    }
}
