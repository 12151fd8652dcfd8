//! Threads: messages that stand under another one, their root.
//!
//! A message of a thread is an event of the room's log as every other. It is appended by a transaction of its own and not
//! by group commit, since it changes the root's row too: a plain message pays nothing for threads.

use madang_domain::{
    Authority, MentionAll, Role, RoomId, RoomRef, Seq, Timestamp, UserId,
    event::{EventBody, InThread, ThreadChange, ThreadState},
    limits::{THREAD_FOLLOWERS_MAX, THREADS_FOLLOWED_MAX},
};
use madang_rpc::store::{
    Append, Appended, Changed, FollowThread, FollowedThread, HistoryFrom, ListThreadMessages, ListThreads,
    MarkThreadRead, Member, Page, RoomKind, ThreadPage, ThreadPlace,
};
use uuid::Uuid;

use super::{
    engine::Engine,
    everybody, files,
    members::{as_member, visible_after},
    mentions,
    page::{self, ItemId, MovingPage, Place},
    room_change::RoomChange,
};
use crate::{
    error::{OperationError, OperationResult},
    store::{
        ByReply, Connection, EventPage, FollowedPage, MessageDetail, MessageRecord, Slice, Tell, ThreadId,
        ThreadMessage, ThreadRecord, View,
    },
    transaction::{finish, in_transaction},
};

impl Place for ByReply {
    const LIST: &'static str = "t";

    fn parts(&self) -> String {
        format!("{:x}.{}.{}", self.last_at.as_micros(), self.room.uuid().simple(), self.root)
    }

    fn read(text: &str) -> Option<Self> {
        let (at, text) = text.split_once('.')?;
        let (room, root) = text.split_once('.')?;
        let room = RoomId::new(page::uuid(room)?);
        Some(Self { last_at: page::micros(at)?, room, root: Seq::new(root.parse().ok()?) })
    }
}

impl ItemId for ThreadId {
    const BEFORE_ALL: Self = Self { room: RoomId::new(Uuid::nil()), root: Seq::START };

    fn text(&self) -> String {
        format!("{}.{}", self.room.uuid().simple(), self.root)
    }

    fn read(text: &str) -> Option<Self> {
        let (room, root) = text.split_once('.')?;
        Some(Self { room: RoomId::new(page::uuid(room)?), root: Seq::new(root.parse().ok()?) })
    }
}

impl Engine {
    pub(crate) async fn append_in_thread(
        &self,
        append: Append,
        is_flagged: bool,
    ) -> OperationResult<Changed<Appended>> {
        let Append { room, actor, message, authority } = append;
        let (root, in_room) = match &message.thread {
            Some(thread) => (thread.root, thread.in_room),
            None => return Err(OperationError::MessageNotFound),
        };
        let by_site = authority == Authority::Site;
        let _turn = self.thread_appends.take().await?;
        self.remember([&actor]).await?;
        // Whom the text names is looked up before, as for every message, and judged once more under the lock.
        let named = mentions::find(&*self.database, &[(room, actor.id, &message.text)]).await?;
        let named = named.into_iter().next().unwrap_or_default();
        in_transaction!(self, "append_in_thread", |transaction| {
            let mut change =
                RoomChange::begin(transaction, actor.id, &RoomRef::Id(room), self.clock.now()).await?;
            let before = change.transaction.appended_before(room, actor.id, &message.key).await?;
            if let Some((seq, at)) = before {
                return change.finish(appended(seq, at, true)).await;
            }
            let member = change.actor().await?;
            may_send(&mut change, &member, by_site).await?;
            let (mut of_root, mut thread) = open(&mut change, root, actor.id).await?;
            let mentions = change.members_among(&named, actor.id).await?;
            // Before the message is counted: to who is new to the thread it is unread, and nothing of before is.
            if thread.messages == 0 && of_root.sender != actor.id {
                follow_if_seen(&mut change, &thread, of_root.sender).await?;
            }
            follow_if_seen(&mut change, &thread, actor.id).await?;
            for user in &mentions {
                follow_if_seen(&mut change, &thread, *user).await?;
            }
            change.room.head = change.room.head.next();
            change.room.messages += u64::from(in_room);
            thread.messages += 1;
            thread.replies += 1;
            thread.last_seq = change.room.head;
            thread.last_at = change.room.active_at;
            change.transaction.save_thread(&thread).await?;
            change.transaction.insert_in_thread(&thread, actor.id).await?;
            change.transaction.count_own(&thread, actor.id).await?;
            let state = change.transaction.thread_state(&thread).await?;
            let attachments = files::fill(change.transaction, &message.attachments).await?;
            let asked = mentions::everybody(&message.text);
            let mentions_all = everybody::judge(change.transaction, room, actor.id, authority, asked).await?;
            let detail = MessageDetail {
                reply_to: message.reply_to,
                attachments: attachments.clone(),
                mentions: mentions.clone(),
                mentions_all,
                metadata: message.metadata.as_deref().cloned(),
                in_thread: Some(InThread { root, in_room, state: state.clone() }),
                ..MessageDetail::default()
            };
            let (key, text, detail) = (&message.key, message.text.as_str(), detail.write());
            let said = ThreadMessage { sender: actor.id, key, text, detail: detail.as_deref(), in_room };
            change.transaction.insert_thread_message(&change.room, &said).await?;
            files::attach(change.transaction, room, actor.id, change.room.head, &attachments).await?;
            show(&mut change, &mut of_root, state).await?;
            mentions::tell(&mut change, by_site, actor.id, &mentions, thread.last_seq).await?;
            let (seq, at) = (change.room.head, change.room.active_at);
            let tell = Tell { room, message: seq, root, by_site, told_to: UserId::new(Uuid::nil()) };
            if let Some(whom) = mentions_all {
                let tell = everybody::tell_of(room, seq, whom, by_site);
                change.transaction.insert_member_tell(&tell, change.now).await?;
            }
            // Whom a mention of everybody tells is not told once more as a follower.
            if mentions_all != Some(MentionAll::All) {
                change.transaction.insert_tell(&tell, change.now).await?;
            }
            if is_flagged {
                self.report_by_words(change.transaction, room, seq).await?;
            }
            change.finish(Appended { mentions_all, ..appended(seq, at, false) }).await
        })
    }

    pub(crate) async fn thread_messages(&self, request: ListThreadMessages) -> OperationResult<ThreadPage> {
        let ListThreadMessages { user, room, thread: root, from, limit } = request;
        let limit = page::check_limit(limit)?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let (room, floor) = (view.room.id, visible_after(&view));
            let beyond = Seq::new(root.get().saturating_sub(1));
            let slice = Slice { beyond, limit: 1, messages_only: false, floor };
            let found = connection.events_after(room, slice).await?.events.pop();
            let found = found.filter(|event| event.seq == root);
            let event = found.ok_or(OperationError::MessageNotFound)?;
            match &event.body {
                EventBody::Message(said) if said.thread.is_some() => {
                    return Err(OperationError::NestedThread);
                }
                EventBody::Message(_) => {}
                _ => return Err(OperationError::MessageNotFound),
            }
            let slice = |beyond| Slice { beyond, limit, messages_only: true, floor };
            let EventPage { events: mut messages, more } = match from {
                HistoryFrom::End => connection.thread_before(room, root, slice(Seq::new(u64::MAX))).await?,
                HistoryFrom::Before(seq) => connection.thread_before(room, root, slice(seq)).await?,
                HistoryFrom::After(seq) => connection.thread_after(room, root, slice(seq)).await?,
            };
            connection.show_own_reactions(room, user, &mut messages).await?;
            let mut root_alone = [event];
            connection.show_own_reactions(room, user, &mut root_alone).await?;
            let [event] = root_alone;
            let place = connection.thread_place(room, root, user).await?;
            Ok(ThreadPage { root: event, place, messages, more })
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn mark_thread_read(&self, request: MarkThreadRead) -> OperationResult<ThreadPlace> {
        let MarkThreadRead { user, room, thread: root, seq } = request;
        let mut connection = self.database.writer().await?;
        let outcome = async {
            let view = as_member(connection.view(user, &room).await?)?;
            let room = view.room.id;
            is_root(&mut *connection, &view, root).await?;
            if let Some(thread) = connection.thread(room, root).await? {
                connection.mark_thread_read(room, root, user, seq.min(thread.last_seq)).await?;
            }
            Ok(connection.thread_place(room, root, user).await?)
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn follow_thread(&self, request: FollowThread) -> OperationResult<ThreadPlace> {
        let FollowThread { actor, room, thread: root, on } = request;
        self.remember([&actor]).await?;
        in_transaction!(self, "follow_thread", |transaction| {
            let mut change = RoomChange::begin(transaction, actor.id, &room, self.clock.now()).await?;
            change.actor().await?;
            let (_, thread) = open(&mut change, root, actor.id).await?;
            let room = change.room.id;
            if on {
                if thread.messages == 0 {
                    change.transaction.save_thread(&thread).await?;
                }
                if !follow(&mut change, &thread, actor.id).await? {
                    return Err(OperationError::TooManyFollowers);
                }
            } else {
                change.transaction.unfollow(room, root, actor.id).await?;
            }
            let place = change.transaction.thread_place(room, root, actor.id).await?;
            change.finish(place).await.map(|changed| changed.value)
        })
    }

    pub(crate) async fn threads(&self, request: ListThreads) -> OperationResult<Page<FollowedThread>> {
        let ListThreads { user, page } = request;
        let moving = MovingPage::<ByReply, ThreadId>::begin(&page, self.clock.now())?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let mut page = match moving.ordered() {
                Some((after, limit)) => connection.followed_threads(user, after, limit).await?,
                None => FollowedPage::default(),
            };
            let ordered = page.threads.len();
            // Where the page is full, what has moved is of a later one.
            if let Some((beyond, limit)) = moving.moved(ordered).filter(|_| !page.is_cut) {
                let moved = connection.threads_active_since(user, moving.since, beyond, limit).await?;
                page.threads.extend(moved.threads);
                page.is_cut = moved.is_cut;
            }
            Ok((page, ordered))
        };
        let outcome = outcome.await;
        let (FollowedPage { threads, is_cut }, ordered) = finish(connection, outcome).await?;
        let (items, next) =
            moving.cut(threads, ordered, is_cut, |(place, ..)| *place, |(place, ..)| place.id());
        let followed = |(_, root, place)| FollowedThread { root, place };
        Ok(Page { items: items.into_iter().map(followed).collect(), next })
    }
}

/// What the sender is answered. Whom it mentions and what it has is in the events of the change.
const fn appended(seq: Seq, at: Timestamp, duplicate: bool) -> Appended {
    Appended {
        seq,
        at,
        duplicate,
        mentions: Vec::new(),
        excerpt: None,
        attachments: Vec::new(),
        mentions_all: None,
    }
}

/// Judges a message for a thread as an append of another one is judged, in that order.
async fn may_send(change: &mut RoomChange<'_>, member: &Member, by_site: bool) -> OperationResult<()> {
    let flags = change.room.flags;
    if by_site {
        return if flags.archived { Err(OperationError::Archived) } else { Ok(()) };
    }
    if !flags.archived && !flags.lets_send(member.role) {
        return Err(OperationError::OnlyModerators);
    }
    change.may_speak(member)?;
    if flags.slow_mode_s > 0 && member.role < Role::Moderator {
        let pause = std::time::Duration::from_secs(flags.slow_mode_s.into());
        let again_at = change.transaction.sent_at(change.room.id, member.user.id).await?.plus(pause);
        if again_at > change.now {
            return Err(OperationError::SlowMode(again_at.since(change.now)));
        }
    }
    if change.room.kind == RoomKind::Direct { change.refuse_blocked().await } else { Ok(()) }
}

/// The root of a thread as a member sees it, and the thread, which may have no message yet. Threads do not nest; and
/// under a deleted message none begins, but one that is there goes on.
async fn open(
    change: &mut RoomChange<'_>,
    root: Seq,
    member: UserId,
) -> OperationResult<(MessageRecord, ThreadRecord)> {
    change.see(member, root).await?;
    let record = change.message(root).await?;
    if record.detail.in_thread.is_some() {
        return Err(OperationError::NestedThread);
    }
    let room = change.room.id;
    let thread = change.transaction.thread(room, root).await?.unwrap_or(ThreadRecord {
        room,
        root,
        messages: 0,
        replies: 0,
        last_seq: Seq::START,
        last_at: record.at,
    });
    if record.detail.deleted && thread.messages == 0 {
        return Err(OperationError::MessageNotFound);
    }
    Ok((record, thread))
}

/// Refuses what is no message that a member sees, and what stands in a thread itself.
async fn is_root(connection: &mut dyn Connection, view: &View, root: Seq) -> OperationResult<()> {
    if root <= visible_after(view) {
        return Err(OperationError::MessageNotFound);
    }
    let record = connection.message(view.room.id, root).await?.ok_or(OperationError::MessageNotFound)?;
    if record.detail.in_thread.is_some() { Err(OperationError::NestedThread) } else { Ok(()) }
}

/// Lets a user follow a thread, and answers whether the user does: a thread has so many followers.
async fn follow(change: &mut RoomChange<'_>, thread: &ThreadRecord, user: UserId) -> OperationResult<bool> {
    let (room, root) = (thread.room, thread.root);
    if change.transaction.thread_place(room, root, user).await?.following {
        return Ok(true);
    }
    let followers = change.transaction.count_followers(room, root, THREAD_FOLLOWERS_MAX).await?;
    if followers >= u64::from(THREAD_FOLLOWERS_MAX) {
        return Ok(false);
    }
    change.transaction.follow(thread, user).await?;
    // Who begins to follow by writing or by being named has nobody to be refused by, and nobody knows which of a thousand
    // threads to leave. The quietest one is missed least; who writes there, or is named, follows it again.
    if change.transaction.count_followed(user, THREADS_FOLLOWED_MAX + 1).await? > THREADS_FOLLOWED_MAX.into()
    {
        let but = ThreadId { room, root };
        change.transaction.forget_quietest(user, but, THREADS_FOLLOWED_MAX - 1).await?;
    }
    Ok(true)
}

/// Lets a user follow a thread who wrote in it or is mentioned there; but not where there are too many, and not one who
/// does not see its root.
async fn follow_if_seen(
    change: &mut RoomChange<'_>,
    thread: &ThreadRecord,
    user: UserId,
) -> OperationResult<()> {
    match change.see(user, thread.root).await {
        Ok(()) => follow(change, thread, user).await.map(drop),
        Err(OperationError::MessageNotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lets those follow the thread of a message whom its new text names.
pub(super) async fn follow_named(
    change: &mut RoomChange<'_>,
    edited: &MessageRecord,
    named: &[UserId],
) -> OperationResult<()> {
    let Some(root) = edited.detail.in_thread.as_ref().map(|thread| thread.root) else { return Ok(()) };
    if let Some(thread) = change.transaction.thread(change.room.id, root).await? {
        for user in named {
            follow_if_seen(change, &thread, *user).await?;
        }
    }
    Ok(())
}

/// Takes a message that is deleted out of what is said of its thread, and answers the thread as it is then.
pub(super) async fn take_out(
    change: &mut RoomChange<'_>,
    deleted: &MessageRecord,
) -> OperationResult<Option<ThreadChange>> {
    let Some(root) = deleted.detail.in_thread.as_ref().map(|thread| thread.root) else { return Ok(None) };
    let room = change.room.id;
    let Some(mut thread) = change.transaction.thread(room, root).await? else { return Ok(None) };
    thread.replies = thread.replies.saturating_sub(1);
    change.transaction.save_thread(&thread).await?;
    change.transaction.delete_in_thread(&thread, deleted.seq).await?;
    let state = change.transaction.thread_state(&thread).await?;
    let mut of_root = change.message(root).await?;
    show(change, &mut of_root, state.clone()).await?;
    Ok(Some(ThreadChange { root, state }))
}

/// Shows a thread in its root's row.
async fn show(
    change: &mut RoomChange<'_>,
    root: &mut MessageRecord,
    state: ThreadState,
) -> OperationResult<()> {
    root.detail.thread = Some(state);
    Ok(change.transaction.save_message(change.room.id, root).await?)
}
