//! Notices as the events' table has them.

use madang_domain::{IdempotencyKey, RoomId, RoomName, Seq};
use madang_rpc::event::Notice;
use serde::{Deserialize, Serialize};

use super::{
    StoreError, StoreResult,
    rows::{kind, missing, required},
};

#[derive(Debug, Serialize, Deserialize)]
struct MentionDetail {
    room: RoomId,
    seq: Seq,
}

#[derive(Debug, Serialize, Deserialize)]
struct InviteDetail {
    room: RoomId,
    name: RoomName,
}

/// The columns of a notice: its kind, its key and its detail.
pub(super) fn columns(notice: &Notice) -> StoreResult<(i16, Option<&str>, String)> {
    let bad = |error| StoreError::corrupt("event detail", error);
    Ok(match notice {
        Notice::Mention { room, seq } => {
            let detail = MentionDetail { room: *room, seq: *seq };
            (kind::MENTION, None, serde_json::to_string(&detail).map_err(bad)?)
        }
        Notice::Invite { room, name } => {
            let detail = InviteDetail { room: *room, name: name.clone() };
            (kind::INVITE, None, serde_json::to_string(&detail).map_err(bad)?)
        }
        Notice::Custom { data, key } => (kind::CUSTOM, key.as_deref(), data.to_string()),
    })
}

/// Reads what [`columns`] wrote.
pub(super) fn read(kind: i16, detail: Option<String>, key: Option<String>) -> StoreResult<Notice> {
    Ok(match kind {
        kind::MENTION => {
            let MentionDetail { room, seq } = required(detail.as_deref())?;
            Notice::Mention { room, seq }
        }
        kind::INVITE => {
            let InviteDetail { room, name } = required(detail.as_deref())?;
            Notice::Invite { room, name }
        }
        kind::CUSTOM => Notice::Custom {
            data: detail.ok_or_else(|| missing("detail"))?.into_boxed_str(),
            key: key
                .map(IdempotencyKey::new)
                .transpose()
                .map_err(|error| StoreError::corrupt("key", error))?,
        },
        other => return Err(StoreError::corrupt("notice kind", format!("{other} is none"))),
    })
}
