//! What a client shows of its user's inbox.

use std::collections::BTreeMap;

use madang_client::{InboxNotice, NoticeOf};
use madang_contract::{NoticeBody, RestrictionNotice};
use madang_domain::{RoomId, Seq};

/// The notices, as texts that say all that is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    /// Each notice that is there, by its place.
    pub shown: BTreeMap<Seq, String>,
    /// The read mark.
    pub read: Seq,
}

impl Notices {
    /// Applies the next notice; returns the room to which it invites.
    pub fn apply(&mut self, notice: &InboxNotice) -> Option<RoomId> {
        let NoticeOf::Known(body) = &notice.body else { return None };
        let said = match body {
            NoticeBody::Dismissed(dismissed) => {
                self.shown.remove(&dismissed.notice);
                return None;
            }
            NoticeBody::Mention(mention) => {
                format!("mention of {} in {} by {}", mention.message, mention.room, mention.sender.id)
            }
            NoticeBody::Reply(reply) => {
                format!(
                    "reply {} to {} in {} by {}",
                    reply.message, reply.thread, reply.room, reply.sender.id
                )
            }
            NoticeBody::Invite(invite) => {
                format!("invite to {} by {}, pending {}", invite.room, invite.by.id, invite.pending)
            }
            NoticeBody::Ban(ban) => restriction("ban", ban),
            NoticeBody::Mute(mute) => restriction("mute", mute),
            NoticeBody::Custom(custom) => format!("custom {}", custom.0),
            NoticeBody::Unknown => return None,
        };
        self.shown.insert(notice.seq, said);
        match body {
            NoticeBody::Invite(invite) => Some(invite.room),
            _ => None,
        }
    }

    /// The notices after the read mark.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.shown.range(self.read.next()..).count() as u64
    }
}

fn restriction(what: &str, of: &RestrictionNotice<'_>) -> String {
    let by = of.by.as_ref().map(|by| by.id.to_string()).unwrap_or_default();
    format!("{what} {} in {} until {:?} by {by}", of.on, of.room, of.until.map(|until| until.to_string()))
}
