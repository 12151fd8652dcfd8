//! Saying something: append, then tell everybody.

use std::sync::Arc;

use madang_contract::{self as frames, RequestId, ServerFrame};
use madang_domain::{Error, IdempotencyKey, MessageText, Result, RoomId, RoomRef, Seq, TopicId, UserId};
use madang_rpc::{
    event::{Attachment, Event, EventBody, Message, Notice, Profile},
    store::{Append, Appended, Mentioned},
};

use super::message_seq;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::{budget::UserBudget, edge::Edge, session::SessionContext, wire};

/// The files that one message may point to.
const ATTACHMENTS_MAX: usize = 10;

/// What a client wants to say.
#[derive(Debug)]
pub(crate) struct NewMessage {
    pub(crate) key: IdempotencyKey,
    pub(crate) text: MessageText,
    pub(crate) reply_to: Option<String>,
    pub(crate) attachments: Vec<frames::Attachment>,
}

/// Appends a message and, once it is committed, delivers it. Whoever awaits this may give up: what has been
/// begun is finished all the same, so that a committed message is not left unsaid.
pub(crate) async fn send(
    edge: &Arc<Edge>,
    actor: &Arc<Profile>,
    budget: &UserBudget,
    room: RoomId,
    message: NewMessage,
) -> Result<Appended> {
    edge.budgets.take_send(budget)?;
    say(edge, actor, room, message).await
}

/// As [`send`], for somebody whose rate is bounded elsewhere.
pub(crate) async fn say(
    edge: &Arc<Edge>,
    actor: &Arc<Profile>,
    room: RoomId,
    message: NewMessage,
) -> Result<Appended> {
    if message.attachments.len() > ATTACHMENTS_MAX {
        return Err(Error::invalid(format!("a message has at most {ATTACHMENTS_MAX} attachments")));
    }
    let message = Message {
        text: message.text.into_string(),
        key: message.key,
        reply_to: message.reply_to.as_deref().map(message_seq).transpose()?,
        attachments: message.attachments.into_iter().map(attachment).collect(),
        mentions: Vec::new(),
    };
    let append = Append { room, actor: Arc::clone(actor), message };
    let (answer, answered) = oneshot::channel();
    let work = commit(Arc::clone(edge), append, answer).in_current_span();
    edge.tasks.spawn_contained("append", work);
    answered.await.unwrap_or_else(|_| Err(Error::unavailable("the server is stopping")))
}

/// Appends a message, with the notices of whom it mentions; tells first the other gateways, then the sender, then the
/// listeners here: the sender's own copy finds the acknowledgement in the queue, and both leave in one write.
async fn commit(edge: Arc<Edge>, append: Append, answer: oneshot::Sender<Result<Appended>>) {
    let Append { room, actor, message } = append.clone();
    let outcome = edge.store.append(append).await;
    let events = match &outcome {
        // A repeat was said when it was new; where that gateway died before it could, the sweep finds it.
        Ok(Appended { duplicate: true, .. }) | Err(_) => Vec::new(),
        Ok(Appended { seq, at, duplicate: false, mentions }) => {
            edge.counters.appends.add(1);
            let mentioned = mentions.iter().map(|mentioned| mentioned.user).collect();
            let body = EventBody::Message(Message { mentions: mentioned, ..message });
            let mut events = Vec::with_capacity(1 + mentions.len());
            events.push(Event { topic: room.into(), seq: *seq, at: *at, actor: Arc::clone(&actor), body });
            events.extend(mentions.iter().map(|mentioned| mention(*mentioned, room, *seq, &actor)));
            events
        }
    };
    for event in &events {
        edge.fanout.publish_event(event);
    }
    // The client may have gone; the message is said.
    let _ = answer.send(outcome);
    for event in events {
        edge.fanout.deliver(Arc::new(event)).await;
    }
}

/// The notice that was committed with a message for one whom it mentions.
fn mention(mentioned: Mentioned, room: RoomId, message: Seq, sender: &Arc<Profile>) -> Event {
    let Mentioned { user, seq, at } = mentioned;
    let body = EventBody::Notice(Notice::Mention { room, seq: message });
    Event { topic: TopicId::Inbox(user), seq, at, actor: Arc::clone(sender), body }
}

/// The id of a room that a user names; a slug is looked up.
pub(crate) async fn room_id(edge: &Edge, user: UserId, room: &RoomRef) -> Result<RoomId> {
    match room {
        RoomRef::Id(id) => Ok(*id),
        RoomRef::Slug(_) | RoomRef::External(_) => edge
            .store
            .resolve(user, std::slice::from_ref(room), false)
            .await?
            .rooms
            .first()
            .copied()
            .flatten()
            .ok_or_else(|| Error::new(madang_domain::Code::NotFound, "there is no such room")),
    }
}

/// Carries out a socket's `send`.
pub(super) async fn answer(
    session: &SessionContext,
    re: Option<RequestId>,
    room: RoomRef,
    message: NewMessage,
) -> Result<()> {
    let room = room_id(&session.edge, session.me.id, &room).await?;
    let key = message.key.clone();
    let appended = send(&session.edge, &session.me, &session.budget, room, message).await?;
    session.push(&ServerFrame::Ack(frames::Ack {
        re,
        room,
        key: key.as_str().into(),
        id: wire::message_id(appended.seq),
        seq: appended.seq,
        at: appended.at,
        duplicate: appended.duplicate,
    }));
    Ok(())
}

fn attachment(attachment: frames::Attachment) -> Attachment {
    Attachment {
        url: attachment.url,
        name: attachment.name,
        content_type: attachment.content_type,
        size_bytes: attachment.size_bytes,
    }
}
