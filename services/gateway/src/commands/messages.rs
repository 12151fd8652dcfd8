//! Sending messages.

use std::sync::Arc;

use madang_domain::{
    Attachment, Code, Error, IdempotencyKey, MessageText, Profile, Result, Role, RoomId, RoomRef, Seq,
    TopicId, UserRef,
    event::{Event, EventBody, Mention, Message},
    limits,
};
use madang_rpc::store::{Append, Appended, Mentioned};

use super::{Commands, Committed, publication};
use crate::admission::UserUsage;

/// A message that a user wants to send.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) key: IdempotencyKey,
    pub(crate) text: MessageText,
    pub(crate) reply_to: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
}

impl Commands {
    /// Sends a message, within the user's limit.
    pub(crate) async fn send(
        &self,
        sender: &Arc<Profile>,
        usage: &UserUsage,
        room: RoomId,
        message: NewMessage,
    ) -> Result<Appended> {
        self.user_limits.take_send(usage)?;
        self.append(sender, room, message).await
    }

    /// Sends a message for a user on the site's word; the rate of the site's calls is limited elsewhere. With `join`, a
    /// user who is not a member becomes one first.
    pub(crate) async fn send_as_site(
        &self,
        sender: &UserRef,
        room: &RoomRef,
        message: NewMessage,
        join: bool,
    ) -> Result<Appended> {
        let sender = self.find_user(sender).await?;
        let room = self.room_id(sender.id, room).await?;
        match self.append(&sender, room, message.clone()).await {
            // Only after the refusal, never before it: the role of a member is not to be touched.
            Err(error) if error.code == Code::PermissionDenied && join => {
                self.add_as_site(room.into(), Arc::clone(&sender), Role::Member).await?;
                self.append(&sender, room, message).await
            }
            sent => sent,
        }
    }

    async fn append(&self, sender: &Arc<Profile>, room: RoomId, message: NewMessage) -> Result<Appended> {
        if message.attachments.len() > limits::ATTACHMENTS_MAX {
            let most = limits::ATTACHMENTS_MAX;
            let refusal = Error::invalid(format!("a message has at most {most} attachments"));
            return Err(refusal.of_field("/attachments"));
        }
        let message = Message {
            text: message.text.into_string(),
            key: message.key,
            reply_to: message.reply_to.as_deref().map(message_seq).transpose()?,
            attachments: message.attachments,
            mentions: Vec::new(),
        };
        let append = Append { room, actor: Arc::clone(sender), message };
        let (store, counters) = (Arc::clone(&self.store), Arc::clone(&self.counters));
        self.commit("append", async move {
            let appended = store.append(append.clone()).await?;
            if !appended.duplicate {
                counters.appends.add(1);
            }
            Ok(committed(append, appended))
        })
        .await
    }
}

/// The events of an append: the message, and the notices of those whom it mentions.
fn committed(Append { room, actor, message }: Append, appended: Appended) -> Committed<Appended> {
    // The events of a repeat were published when it was new. Where that gateway died before it could, the sweep finds
    // them.
    if appended.duplicate {
        return Committed { value: appended, publications: Vec::new() };
    }
    let mut publications = Vec::with_capacity(1 + appended.mentions.len());
    let mentions = appended.mentions.iter().map(|mentioned| mentioned.user).collect();
    publications.push(publication(Event {
        topic: room.into(),
        seq: appended.seq,
        at: appended.at,
        actor: Arc::clone(&actor),
        subject: None,
        body: EventBody::Message(Message { mentions, ..message }),
    }));
    for mentioned in &appended.mentions {
        publications.push(publication(mention(*mentioned, room, appended.seq, &actor)));
    }
    Committed { value: appended, publications }
}

/// The notice that was committed with a message for a member whom it mentions.
fn mention(mentioned: Mentioned, room: RoomId, message: Seq, sender: &Arc<Profile>) -> Event {
    let Mentioned { user, seq, at } = mentioned;
    let body = EventBody::Mention(Mention { room, seq: message });
    Event { topic: TopicId::Inbox(user), seq, at, actor: Arc::clone(sender), subject: None, body }
}

/// The sequence number that a message's id stands for.
fn message_seq(id: &str) -> Result<Seq> {
    // One id has one spelling: no sign, no leading zero.
    let seq = id.parse().ok().filter(|seq: &u64| *seq > 0 && seq.to_string() == id);
    let refusal = || Error::invalid("reply_to must be the id of a message").of_field("/reply_to");
    seq.map(Seq::new).ok_or_else(refusal)
}
