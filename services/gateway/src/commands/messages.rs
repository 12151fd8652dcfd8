//! Sending messages, and pinning them.

use std::sync::Arc;

use madang_contract::NewAttachment;
use madang_domain::{
    Code, Error, IdempotencyKey, MessageId, MessageText, Metadata, Profile, Result, Role, RoomId, RoomRef,
    TopicId, UserRef,
    event::{Event, EventBody, InThread, Mention, Message, ThreadState},
    limits,
};
use madang_rpc::store::{
    Append, Appended, Authority, ListPins, Mentioned, Page, PageQuery, SetPin, TellMembers,
};

use super::{Action, Commands, Committed, publication};
use crate::admission::{Actor, Spent};

/// A message that a user wants to send.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) key: IdempotencyKey,
    pub(crate) text: MessageText,
    pub(crate) reply_to: Option<MessageId>,
    pub(crate) attachments: Vec<NewAttachment>,
    /// The root of the thread in which it is to stand.
    pub(crate) thread: Option<MessageId>,
    /// Whether it is to stand among the messages of the room as well.
    pub(crate) in_room: bool,
    /// What the sender's program keeps with it.
    pub(crate) metadata: Option<Metadata>,
}

impl NewMessage {
    /// A text and nothing else.
    pub(crate) const fn plain(key: IdempotencyKey, text: MessageText) -> Self {
        Self {
            key,
            text,
            reply_to: None,
            attachments: Vec::new(),
            thread: None,
            in_room: false,
            metadata: None,
        }
    }
}

impl Commands {
    /// Sends a message.
    pub(crate) async fn send(&self, sender: &Actor, room: RoomId, message: NewMessage) -> Result<Appended> {
        let spent = self.spend(sender, Action::Send, Some(room)).await?;
        self.append(spent, &self.budgets.present_profile(sender), Authority::User, room, message).await
    }

    /// Sends a message for a user on behalf of the site, whose rate of calls is limited elsewhere. With
    /// `join`, a user who is not a member becomes one first. Answers which room the message reached.
    pub(crate) async fn send_as_site(
        &self,
        sender: &UserRef,
        room: &RoomRef,
        message: NewMessage,
        join: bool,
    ) -> Result<(RoomId, Appended)> {
        let sender = self.find_user(sender).await?;
        let room = self.look_up(sender.id, room).await?;
        let append =
            async |message| self.append(Spent::by_site(), &sender, Authority::Site, room, message).await;
        let appended = match append(message.clone()).await {
            // Only after the refusal, never before it: the role of a member is not to be touched.
            Err(error) if error.code == Code::PermissionDenied && join => {
                self.add_as_site(room.into(), Arc::clone(&sender), Role::Member).await?;
                append(message).await?
            }
            sent => sent?,
        };
        Ok((room, appended))
    }

    /// Pins a message in its room, or unpins it.
    pub(crate) async fn set_pin(
        &self,
        actor: &Actor,
        room: RoomRef,
        message: MessageId,
        on: bool,
    ) -> Result<()> {
        let (spent, room) = self.spend_in(actor, Action::SetPin, &room).await?;
        let store = Arc::clone(&self.store);
        let actor = Arc::clone(&actor.profile);
        self.commit(spent, "set pin", async move {
            store.set_pin(SetPin { actor, room, message: message.seq(), on }).await
        })
        .await
    }

    /// The pinned messages of a room, the newest pin first.
    pub(crate) async fn pins(&self, actor: &Actor, room: RoomRef, page: PageQuery) -> Result<Page<Event>> {
        self.pay_read(actor)?;
        self.store.list_pins(ListPins { user: actor.profile.id, room, page }).await
    }

    async fn append(
        &self,
        spent: Spent,
        sender: &Arc<Profile>,
        authority: Authority,
        room: RoomId,
        message: NewMessage,
    ) -> Result<Appended> {
        if message.attachments.len() > limits::ATTACHMENTS_MAX {
            let most = limits::ATTACHMENTS_MAX;
            let refusal = Error::invalid(format!("a message has at most {most} attachments"));
            return Err(refusal.of_field("/attachments"));
        }
        let (thread, in_room) = (message.thread, message.in_room);
        if in_room && thread.is_none() {
            let refusal = Error::invalid("in_room is of a message in a thread: name the thread");
            return Err(refusal.of_field("/in_room"));
        }
        let message = Message {
            text: message.text.into_string(),
            key: message.key,
            reply_to: message.reply_to.map(MessageId::seq),
            attachments: message.attachments.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            mentions: Vec::new(),
            mentions_all: None,
            metadata: message.metadata.map(Box::new),
            excerpt: None,
            changes: None,
            thread: None,
        };
        if let Some(root) = thread {
            let thread = InThread { root: root.seq(), in_room, state: ThreadState::default() };
            let message = Message { thread: Some(Box::new(thread)), ..message };
            return self.append_in_thread(spent, sender, authority, room, message).await;
        }
        let append = Append { room, actor: Arc::clone(sender), message, authority };
        let (store, counters) = (Arc::clone(&self.store), Arc::clone(&self.counters));
        let telling = self.telling();
        self.commit(spent, "append", async move {
            let appended = store.append(append.clone()).await?;
            if !appended.duplicate {
                counters.appends.add(1);
            }
            if appended.mentions_all.is_some() {
                telling.start(TellMembers { room, message: appended.seq }, Arc::clone(&append.actor));
            }
            Ok(committed(append, appended))
        })
        .await
    }
}

/// The events of an append: the message, and the notices of those whom it mentions and who have not blocked the sender.
fn committed(Append { room, actor, message, .. }: Append, appended: Appended) -> Committed<Appended> {
    // The events of a repeat were published when it was new. Where that gateway died before it could, the sweep finds
    // them.
    if appended.duplicate {
        return Committed { value: appended, publications: Vec::new() };
    }
    let mut publications = Vec::with_capacity(1 + appended.mentions.len());
    let mentions = appended.mentions.iter().map(|mentioned| mentioned.user).collect();
    let excerpt = appended.excerpt.clone().map(Box::new);
    // Of uploaded files the store knows more than the sender said.
    let attachments =
        if appended.attachments.is_empty() { message.attachments } else { appended.attachments.clone() };
    let mentions_all = appended.mentions_all;
    publications.push(publication(Event {
        topic: room.into(),
        seq: appended.seq,
        at: appended.at,
        actor: Arc::clone(&actor),
        subject: None,
        body: EventBody::Message(Message { mentions, mentions_all, excerpt, attachments, ..message }),
    }));
    for Mentioned { user, notice } in &appended.mentions {
        let Some((seq, at)) = *notice else { continue };
        let body = EventBody::Mention(Mention { room, seq: appended.seq });
        let (topic, actor) = (TopicId::Inbox(*user), Arc::clone(&actor));
        publications.push(publication(Event { topic, seq, at, actor, subject: None, body }));
    }
    Committed { value: appended, publications }
}
