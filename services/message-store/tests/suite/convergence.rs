//! Whoever applies the events in order sees what a fresh load shows, whatever is done to messages; and what is unread is
//! what a naive count says.
//!
//! Three kinds of clients follow each history: one that hears every event as it is published, one that reads the log
//! later, a few events at a time, and one that loads the history in the middle and then applies events from a cursor of
//! before, some of which the loaded state has already. At the end each must show what a fresh load shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use madang_domain::{
    Emoji, MentionAll, Profile, Role, RoomId, RoomRef, Seq, Timestamp, TopicId, UserId,
    event::{
        Deleted, Edited, Event, EventBody, Excerpt, InThread, Message, Pinned, Reacted, Reactions,
        ThreadChange, ThreadState,
    },
};
use madang_kit::clock::ManualClock;
use madang_message_store::Service;
use madang_rpc::{
    MessageStore as _,
    store::{
        Append, AppendInThread, Authority, DeleteMessage, EditMessage, FollowThread, HistoryFrom, Leave,
        ListPins, ListThreadMessages, ListThreads, MarkRead, MarkThreadRead, PageQuery, PutMember, React,
        Read, SetPin,
    },
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};
use tokio::task::JoinSet;

use crate::{
    receipts,
    support::{Fixture, Words as _, message, user},
};

/// Few users, messages and emoji, so that operations meet.
const USERS: usize = 3;
const EMOJI: [&str; 3] = ["👍", "❤️", "🎉"];
/// How many histories are played, unless the environment says how many.
const HISTORIES: u32 = 24;
/// How many of them are played at once. They have nothing in common but the database.
const AT_ONCE: usize = 6;
const HISTORIES_VARIABLE: &str = "CONVERGENCE_HISTORIES";
/// The seed of a run, to be had again; each run says its own.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";

#[derive(Debug, Clone)]
enum Operation {
    Say {
        user: usize,
        reply_to: Option<u8>,
        mentions: Option<usize>,
    },
    Edit {
        user: usize,
        message: u8,
        text: u8,
        mentions: Option<usize>,
    },
    Delete {
        user: usize,
        message: u8,
    },
    React {
        user: usize,
        message: u8,
        emoji: usize,
        on: bool,
    },
    Pin {
        user: usize,
        message: u8,
        on: bool,
    },
    Mark {
        user: usize,
        at: u8,
    },
    /// Says something in the thread under a message, and perhaps in the room as well.
    Reply {
        user: usize,
        root: u8,
        in_room: bool,
        mentions: Option<usize>,
    },
    /// Moves a read mark in a thread.
    MarkThread {
        user: usize,
        root: u8,
        at: u8,
    },
    /// Follows a thread, or follows it no more.
    FollowThread {
        user: usize,
        root: u8,
        on: bool,
    },
    /// Leaves the room. The owner stays.
    Leave {
        user: usize,
    },
    /// Is made a member again.
    Return {
        user: usize,
    },
    /// The client that reads the log does so now, at most so many events.
    Follow {
        events: u8,
    },
    /// The client that loads does so now.
    Load,
}

fn operation() -> impl Strategy<Value = Operation> {
    let user = || 0..USERS;
    let named = || proptest::option::weighted(0.2, 0..USERS);
    prop_oneof![
        5 => (user(), proptest::option::of(any::<u8>()), named())
            .prop_map(|(user, reply_to, mentions)| Operation::Say { user, reply_to, mentions }),
        4 => (user(), any::<u8>(), 0..4_u8, named())
            .prop_map(|(user, message, text, mentions)| Operation::Edit { user, message, text, mentions }),
        2 => (user(), any::<u8>()).prop_map(|(user, message)| Operation::Delete { user, message }),
        6 => (user(), any::<u8>(), 0..EMOJI.len(), any::<bool>())
            .prop_map(|(user, message, emoji, on)| Operation::React { user, message, emoji, on }),
        2 => (user(), any::<u8>(), any::<bool>())
            .prop_map(|(user, message, on)| Operation::Pin { user, message, on }),
        3 => (user(), any::<u8>()).prop_map(|(user, at)| Operation::Mark { user, at }),
        6 => (user(), any::<u8>(), any::<bool>(), named())
            .prop_map(|(user, root, in_room, mentions)| Operation::Reply { user, root, in_room, mentions }),
        3 => (user(), any::<u8>(), any::<u8>())
            .prop_map(|(user, root, at)| Operation::MarkThread { user, root, at }),
        1 => (user(), any::<u8>(), any::<bool>())
            .prop_map(|(user, root, on)| Operation::FollowThread { user, root, on }),
        1 => (1..USERS).prop_map(|user| Operation::Leave { user }),
        2 => (1..USERS).prop_map(|user| Operation::Return { user }),
        2 => (0..6_u8).prop_map(|events| Operation::Follow { events }),
        1 => proptest::strategy::Just(Operation::Load),
    ]
}

/// A message as a client shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    sender: UserId,
    text: String,
    mentions: Vec<UserId>,
    mentions_all: Option<MentionAll>,
    reply_to: Option<Seq>,
    excerpt: Option<(UserId, String)>,
    edited_at: Option<Timestamp>,
    deleted: bool,
    /// How many react with each emoji, and whether the client's user does.
    reactions: Vec<(Emoji, u64, bool)>,
    /// The root of the thread in which it stands, and whether it stands in the room as well.
    stands_in: Option<(Seq, bool)>,
    /// The thread of which it is the root.
    thread: Option<ThreadState>,
}

/// What a client of a user shows of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    me: UserId,
    messages: BTreeMap<Seq, Shown>,
    /// The newest pin first.
    pins: Vec<Seq>,
}

impl Page {
    fn empty(me: UserId) -> Self {
        Self { me, messages: BTreeMap::new(), pins: Vec::new() }
    }

    /// What a fresh load shows: the history, and the pins.
    async fn load(service: &Service, room: RoomId, me: &Profile) -> Self {
        let mut page = Self::empty(me.id);
        let mut after = Seq::START;
        loop {
            let history = service.history_from(room, me, HistoryFrom::After(after), 7).await.unwrap();
            for event in history.events {
                after = event.seq;
                if let EventBody::Message(said) = event.body {
                    page.show(event.seq, event.actor.id, said);
                }
            }
            if !history.more {
                break;
            }
        }
        let query = PageQuery { limit: 200, cursor: None };
        let list = ListPins { user: me.id, room: RoomRef::Id(room), page: query };
        page.pins = service.list_pins(list).await.unwrap().items.iter().map(|event| event.seq).collect();
        page
    }

    fn show(&mut self, seq: Seq, sender: UserId, said: Message) {
        let changes = said.changes.map(|changes| *changes).unwrap_or_default();
        let own = |of: &Reactions| (of.emoji.clone(), of.count, of.me.unwrap_or(false));
        let shown = Shown {
            sender,
            text: said.text,
            mentions: said.mentions,
            mentions_all: said.mentions_all,
            reply_to: said.reply_to,
            excerpt: said.excerpt.map(|excerpt| (excerpt.sender.id, excerpt.text)),
            edited_at: changes.edited_at,
            deleted: changes.deleted,
            reactions: changes.reactions.iter().map(own).collect(),
            stands_in: said.thread.map(|thread| (thread.root, thread.in_room)),
            thread: changes.thread,
        };
        self.messages.insert(seq, shown);
    }

    /// What `docs/protocol.md` tells a client to do.
    fn apply(&mut self, event: &Event) {
        match &event.body {
            EventBody::Message(said) => {
                if let Some(thread) = &said.thread {
                    self.show_thread(thread.root, &thread.state);
                }
                self.show(event.seq, event.actor.id, said.clone());
            }
            EventBody::Edited(Edited { message, text: Some(text), mentions, mentions_all, .. }) => {
                let Some(shown) = self.messages.get_mut(message).filter(|shown| !shown.deleted) else {
                    return;
                };
                shown.text.clone_from(text);
                shown.mentions.clone_from(mentions);
                shown.mentions_all = *mentions_all;
                shown.edited_at = Some(event.at);
                for answer in self.answers(*message) {
                    if let Some(excerpt) = &mut answer.excerpt {
                        Excerpt::beginning(text).clone_into(&mut excerpt.1);
                    }
                }
            }
            EventBody::Deleted(Deleted { message, thread }) => {
                if let Some(ThreadChange { root, state }) = thread {
                    self.show_thread(*root, state);
                }
                self.pins.retain(|pinned| pinned != message);
                for answer in self.answers(*message) {
                    answer.excerpt = None;
                }
                let Some(shown) = self.messages.get_mut(message) else { return };
                let (sender, reply_to) = (shown.sender, shown.reply_to);
                let (stands_in, thread) = (shown.stands_in, shown.thread.take());
                *shown = Shown {
                    sender,
                    text: String::new(),
                    mentions: Vec::new(),
                    mentions_all: None,
                    reply_to,
                    excerpt: None,
                    edited_at: None,
                    deleted: true,
                    reactions: Vec::new(),
                    stands_in,
                    thread,
                };
            }
            EventBody::Reacted(Reacted { message, emoji, on, count }) => {
                let is_me = event.actor.id == self.me;
                let Some(shown) = self.messages.get_mut(message).filter(|shown| !shown.deleted) else {
                    return;
                };
                let reactions = &mut shown.reactions;
                let place = reactions.iter().position(|(of, ..)| of == emoji);
                let me = if is_me { *on } else { place.is_some_and(|place| reactions[place].2) };
                match place {
                    // The first of an emoji comes last.
                    Some(place) if *count == 0 || (*on && *count == 1) => drop(reactions.remove(place)),
                    Some(place) => {
                        reactions[place] = (emoji.clone(), *count, me);
                        return;
                    }
                    None => {}
                }
                if *count > 0 {
                    reactions.push((emoji.clone(), *count, me));
                }
            }
            EventBody::Pinned(Pinned { message, on }) => {
                self.pins.retain(|pinned| pinned != message);
                if *on {
                    self.pins.insert(0, *message);
                }
            }
            _ => {}
        }
    }

    fn show_thread(&mut self, root: Seq, state: &ThreadState) {
        if let Some(shown) = self.messages.get_mut(&root) {
            shown.thread = Some(state.clone());
        }
    }

    fn answers(&mut self, original: Seq) -> impl Iterator<Item = &mut Shown> {
        self.messages.values_mut().filter(move |shown| shown.reply_to == Some(original))
    }
}

/// A client that follows the log.
#[derive(Debug)]
struct Follower {
    page: Page,
    cursor: Seq,
}

/// A room, its history so far, and who follows it.
struct Stage<'a> {
    service: &'a Service,
    room: RoomId,
    people: Vec<Arc<Profile>>,
    /// Hears every event as it is published.
    live: Vec<Page>,
    /// Reads the log later.
    reading: Follower,
    /// Has loaded the history, and follows from the head of before.
    loaded: Option<Follower>,
    /// The messages, in order.
    sent: Vec<Said>,
    marks: BTreeMap<UserId, Seq>,
    /// Who is no member now.
    absent: BTreeSet<UserId>,
    /// By root and user: how far who follows a thread has read it. Who does so no more keeps the mark.
    follows: BTreeMap<(Seq, UserId), Follows>,
}

/// What a naive count knows of a message.
#[derive(Debug, Clone)]
struct Said {
    seq: Seq,
    sender: UserId,
    deleted: bool,
    /// The root of its thread.
    root: Option<Seq>,
    in_room: bool,
    mentions: Vec<UserId>,
}

#[derive(Debug, Clone, Copy)]
struct Follows {
    on: bool,
    mark: Seq,
}

impl Stage<'_> {
    /// Of the messages so far, the one that a number means; none of the room where it means none.
    fn message(&self, number: u8) -> Seq {
        let index = usize::from(number) % (self.sent.len() + 1);
        self.sent.get(index).map_or(Seq::new(1), |said| said.seq)
    }

    fn publish(&mut self, events: &[Event]) {
        for event in events.iter().filter(|event| event.topic == TopicId::Room(self.room)) {
            for page in &mut self.live {
                page.apply(event);
            }
        }
    }

    async fn head(&self) -> Seq {
        self.service.view(self.room, &self.people[0]).await.room.head
    }

    async fn play(&mut self, step: usize, operation: &Operation) {
        let (service, room) = (self.service, self.room);
        let at = || RoomRef::Id(room);
        // Some mention everybody besides, which is plain text of those who may not.
        let naming = |of: Option<usize>| {
            of.map_or(String::new(), |of| {
                let everybody = ["", " @all", " @here"].get(of).copied().unwrap_or_default();
                format!(" @{}{everybody}", self.people[of].username)
            })
        };
        // A refusal is no event: what is judged here is what those who are not refused have done.
        let events = match *operation {
            Operation::Say { user, reply_to, mentions } => {
                let actor = Arc::clone(&self.people[user]);
                let mut said = message(&format!("message {step}{}", naming(mentions)), &step.to_string());
                said.reply_to = reply_to.map(|number| self.message(number));
                let append = Append { room, actor, message: said, authority: Authority::User };
                if self.absent.contains(&append.actor.id) {
                    assert!(service.append(append).await.is_err(), "who is no member sends nothing");
                    return;
                }
                let appended = service.append(append.clone()).await.unwrap();
                let (seq, sender) = (appended.seq, append.actor.id);
                let mentions = appended.mentions.iter().map(|mentioned| mentioned.user).collect();
                self.sent.push(Said { seq, sender, deleted: false, root: None, in_room: true, mentions });
                // As a gateway publishes it.
                let said = Message {
                    mentions: appended.mentions.iter().map(|mentioned| mentioned.user).collect(),
                    mentions_all: appended.mentions_all,
                    excerpt: appended.excerpt.map(Box::new),
                    ..append.message
                };
                vec![Event {
                    topic: room.into(),
                    seq: appended.seq,
                    at: appended.at,
                    actor: append.actor,
                    subject: None,
                    body: EventBody::Message(said),
                }]
            }
            Operation::Edit { user, message, text, mentions } => {
                let text = format!("text {text}{}", naming(mentions));
                let actor = Some(Arc::clone(&self.people[user]));
                let edit = EditMessage {
                    authority: Authority::User,
                    actor,
                    room,
                    message: self.message(message),
                    text,
                };
                let events =
                    service.edit_message(edit).await.map(|changed| changed.events).unwrap_or_default();
                for event in &events {
                    self.edited(event);
                }
                events
            }
            Operation::Delete { user, message } => {
                let (actor, message) = (Some(Arc::clone(&self.people[user])), self.message(message));
                let deleted = service
                    .delete_message(DeleteMessage { authority: Authority::User, actor, room, message })
                    .await;
                if deleted.is_ok() {
                    self.sent
                        .iter_mut()
                        .filter(|sent| sent.seq == message)
                        .for_each(|sent| sent.deleted = true);
                }
                deleted.map(|changed| changed.events).unwrap_or_default()
            }
            Operation::React { user, message, emoji, on } => {
                let (actor, message) = (Arc::clone(&self.people[user]), self.message(message));
                let react =
                    React { actor, room: at(), message, emoji: Emoji::new(EMOJI[emoji]).unwrap(), on };
                service.react(react).await.map(|changed| changed.events).unwrap_or_default()
            }
            Operation::Pin { user, message, on } => {
                let (actor, message) = (Arc::clone(&self.people[user]), self.message(message));
                let pin = SetPin { actor, room: at(), message, on };
                service.set_pin(pin).await.map(|changed| changed.events).unwrap_or_default()
            }
            Operation::Mark { user, at: number } => {
                let user = self.people[user].id;
                let seq = Seq::new(u64::from(number) % (self.head().await.get() + 1));
                let marked = service.mark_read(MarkRead { user, room: at(), seq }).await;
                assert_eq!(marked.is_err(), self.absent.contains(&user), "{marked:?}");
                if marked.is_err() {
                    return;
                }
                self.marks.entry(user).and_modify(|mark| *mark = (*mark).max(seq)).or_insert(seq);
                Vec::new()
            }
            Operation::Reply { user, root, in_room, mentions } => {
                self.reply(step, user, self.message(root), in_room, mentions).await
            }
            Operation::MarkThread { user, root, at } => {
                let (user, thread) = (self.people[user].id, self.message(root));
                let seq = Seq::new(u64::from(at) % (self.head().await.get() + 1));
                let mark = MarkThreadRead { user, room: RoomRef::Id(room), thread, seq };
                let last =
                    self.sent.iter().filter(|said| said.root == Some(thread)).map(|said| said.seq).max();
                if service.mark_thread_read(mark).await.is_ok()
                    && let (Some(follows), Some(last)) = (self.follows.get_mut(&(thread, user)), last)
                {
                    follows.mark = follows.mark.max(seq.min(last));
                }
                Vec::new()
            }
            Operation::FollowThread { user, root, on } => {
                let (actor, thread) = (Arc::clone(&self.people[user]), self.message(root));
                let key = (thread, actor.id);
                let follow = FollowThread { actor, room: RoomRef::Id(room), thread, on };
                if service.follow_thread(follow).await.is_ok() {
                    self.follows(key, on);
                }
                Vec::new()
            }
            Operation::Leave { user } => {
                let actor = Arc::clone(&self.people[user]);
                let of = actor.id;
                match service.leave(Leave { actor, room: at() }).await {
                    Ok(left) => {
                        // A membership takes its marks and follows along.
                        self.absent.insert(of);
                        self.marks.remove(&of);
                        self.follows.retain(|(_, user), _| *user != of);
                        left.events
                    }
                    Err(_) => Vec::new(),
                }
            }
            Operation::Return { user } => self.bring_back(user).await,
            Operation::Follow { events } => {
                follow(service, room, &mut self.reading, u32::from(events)).await;
                Vec::new()
            }
            Operation::Load if self.absent.contains(&self.people[1].id) => Vec::new(),
            Operation::Load => {
                // The cursor is older than what is loaded: the events between are applied once more.
                let cursor = Seq::new(self.head().await.get().saturating_sub(4));
                let page = Page::load(service, room, &self.people[1]).await;
                self.loaded = Some(Follower { page, cursor });
                Vec::new()
            }
        };
        self.publish(&events);
    }

    /// Makes who is no member one again, who has read all that was before.
    async fn bring_back(&mut self, user: usize) -> Vec<Event> {
        let (actor, member) = (Arc::clone(&self.people[0]), Arc::clone(&self.people[user]));
        if !self.absent.remove(&member.id) {
            return Vec::new();
        }
        let of = member.id;
        let (authority, room, role) = (Authority::User, RoomRef::Id(self.room), Role::Member);
        let put = PutMember { actor, authority, room, user: member, role };
        let returned = self.service.put_member(put).await.unwrap();
        self.marks.insert(of, self.head().await);
        returned.events
    }

    /// As many members have not read a message as have neither marked nor written up to it.
    async fn judge_reads(&self, person: &Profile, operations: &[Operation]) {
        let reads = receipts::reads(self.service, self.room, person).await.unwrap();
        let in_room = || self.sent.iter().filter(|said| said.in_room);
        for Said { seq, .. } in in_room() {
            let has_read = |user: UserId| {
                self.marks.get(&user).is_some_and(|mark| mark >= seq)
                    || in_room().any(|said| said.sender == user && said.seq >= *seq)
            };
            let naive = self.people.iter().filter(|person| !has_read(person.id)).count() as u64;
            assert_eq!(receipts::not_read(&reads, *seq), naive, "not read of {seq}; {operations:?}");
        }
    }

    /// Whom a new text in a thread names follows it.
    fn edited(&mut self, event: &Event) {
        let EventBody::Edited(Edited { message, mentions, .. }) = &event.body else { return };
        let Some(said) = self.sent.iter_mut().find(|said| said.seq == *message) else { return };
        let former = std::mem::replace(&mut said.mentions, mentions.clone());
        let Some(root) = said.root else { return };
        for named in mentions.iter().filter(|named| !former.contains(named)) {
            self.follows((root, *named), true);
        }
    }

    /// Who begins to follow a thread has read it; who goes on has read as much as before.
    fn follows(&mut self, key: (Seq, UserId), on: bool) {
        if self.absent.contains(&key.1) {
            return;
        }
        let last = self.sent.iter().filter(|said| said.root == Some(key.0)).map(|said| said.seq).max();
        let mark = last.unwrap_or(Seq::START);
        if on {
            self.follows.entry(key).or_insert(Follows { on, mark }).on = true;
        } else if let Some(follows) = self.follows.get_mut(&key) {
            follows.on = false;
        }
    }

    async fn reply(
        &mut self,
        step: usize,
        user: usize,
        root: Seq,
        in_room: bool,
        mentions: Option<usize>,
    ) -> Vec<Event> {
        let actor = Arc::clone(&self.people[user]);
        let sender = actor.id;
        let named = mentions.map_or(String::new(), |of| format!(" @{}", self.people[of].username));
        let thread = InThread { root, in_room, state: ThreadState::default() };
        let said = Message {
            thread: Some(Box::new(thread)),
            ..message(&format!("reply {step}{named}"), &step.to_string())
        };
        let append = Append { room: self.room, actor, message: said, authority: Authority::User };
        let Ok(changed) = self.service.append_in_thread(AppendInThread(append)).await else {
            return Vec::new();
        };
        let is_first = !self.sent.iter().any(|said| said.root == Some(root));
        let author = self.sent.iter().find(|said| said.seq == root).map(|said| said.sender);
        if let Some(author) = author.filter(|_| is_first) {
            self.follows((root, author), true);
        }
        self.follows((root, sender), true);
        let is_named = |named: &UserId| *named != sender && !self.absent.contains(named);
        let named = mentions.map(|of| self.people[of].id).filter(is_named);
        let mentions: Vec<UserId> = named.into_iter().collect();
        for named in &mentions {
            self.follows((root, *named), true);
        }
        let seq = changed.value.seq;
        self.sent.push(Said { seq, sender, deleted: false, root: Some(root), in_room, mentions });
        changed.events
    }

    /// The threads of the naive count beside those of the store, as each person sees them.
    async fn judge_threads(&self, operations: &[Operation]) {
        let (service, room) = (self.service, RoomRef::Id(self.room));
        let roots: BTreeSet<Seq> = self.sent.iter().filter_map(|said| said.root).collect();
        for person in &self.people {
            let page = PageQuery { limit: 200, cursor: None };
            let listed = service.list_threads(ListThreads { user: person.id, page }).await.unwrap().items;
            let mut listed: BTreeMap<Seq, (u64, ThreadState)> = listed
                .into_iter()
                .map(|thread| (thread.root.seq, (thread.place.unread, state_of(&thread.root))))
                .collect();
            for root in &roots {
                let messages: Vec<&Said> = self.sent.iter().filter(|said| said.root == Some(*root)).collect();
                let query = ListThreadMessages {
                    user: person.id,
                    room: room.clone(),
                    thread: *root,
                    from: HistoryFrom::After(Seq::START),
                    limit: 200,
                };
                let page = service.list_thread_messages(query).await.unwrap();
                let seqs: Vec<Seq> = page.messages.iter().map(|event| event.seq).collect();
                assert_eq!(seqs, messages.iter().map(|said| said.seq).collect::<Vec<_>>(), "{operations:?}");
                let present = || messages.iter().filter(|said| !said.deleted);
                let mut by: Vec<UserId> = Vec::new();
                for said in present().rev() {
                    if !by.contains(&said.sender) {
                        by.push(said.sender);
                    }
                }
                let state = state_of(&page.root);
                assert_eq!((state.replies, &state.by), (present().count() as u64, &by), "{operations:?}");
                let of_others = |follows: &Follows| {
                    let unread = present().filter(|said| said.seq > follows.mark && said.sender != person.id);
                    unread.count() as u64
                };
                let follows = self.follows.get(&(*root, person.id)).filter(|follows| follows.on);
                let unread = follows.map_or(0, of_others);
                let place = (page.place.following, page.place.unread);
                assert_eq!(place, (follows.is_some(), unread), "unread in the thread {root}; {operations:?}");
                let expected = follows.map(|_| (unread, state));
                assert_eq!(listed.remove(root), expected, "the list; {operations:?}");
            }
            assert!(listed.is_empty(), "threads of which nobody knows; {operations:?}");
        }
    }
    async fn judge(mut self, operations: &[Operation]) {
        self.judge_threads(operations).await;
        let (service, room) = (self.service, self.room);
        for (person, live) in self.people.iter().zip(&self.live) {
            let fresh = Page::load(service, room, person).await;
            assert_eq!(*live, fresh, "who heard every event; {operations:?}");
            let mark = self.marks.get(&person.id).copied().unwrap_or_default();
            let of_others =
                |said: &&Said| said.in_room && said.seq > mark && said.sender != person.id && !said.deleted;
            let unread = self.sent.iter().filter(of_others).count() as u64;
            assert_eq!(service.unread(room, person).await, unread, "unread; {operations:?}");
            self.judge_reads(person, operations).await;
        }
        follow(service, room, &mut self.reading, u32::MAX).await;
        let fresh = Page::load(service, room, &self.people[2]).await;
        assert_eq!(self.reading.page, fresh, "who read the log; {operations:?}");
        if let Some(mut loaded) = self.loaded {
            follow(service, room, &mut loaded, u32::MAX).await;
            let fresh = Page::load(service, room, &self.people[1]).await;
            assert_eq!(loaded.page, fresh, "who loaded in the middle; {operations:?}");
        }
    }
}

/// The thread that a root shows.
fn state_of(root: &Event) -> ThreadState {
    let EventBody::Message(said) = &root.body else { panic!("{root:?}") };
    said.changes.as_ref().and_then(|changes| changes.thread.clone()).unwrap_or_default()
}

/// Reads the log on, so many events.
async fn follow(service: &Service, room: RoomId, follower: &mut Follower, mut limit: u32) {
    while limit > 0 {
        let read = Read { topic: TopicId::Room(room), after: follower.cursor, limit: limit.min(500) };
        let events = service.read(read).await.unwrap();
        let Some(last) = events.last() else { return };
        follower.cursor = last.seq;
        limit = limit.saturating_sub(u32::try_from(events.len()).unwrap());
        for event in &events {
            follower.page.apply(event);
        }
    }
}

madang_test_kit::on_both!(applying_events_shows_what_a_fresh_load_shows);

async fn applying_events_shows_what_a_fresh_load_shows(fixture: Fixture) {
    let service = Arc::new(fixture.service().await);
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number(SEED_VARIABLE).unwrap_or_else(|| RandomState::new().hash_one(()));
    let histories = number(HISTORIES_VARIABLE).unwrap_or_else(|| HISTORIES.into());
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let mut runner = TestRunner::new(config);
    #[expect(clippy::print_stdout, reason = "a test that fails shows what it printed")]
    {
        println!("{SEED_VARIABLE}={seed} has the same histories again");
    }
    let begun = std::time::Instant::now();
    let mut playing = JoinSet::new();
    let mut steps = 0;
    for number in 0..histories {
        let operations = vec(operation(), 1..60).new_tree(&mut runner).unwrap().current();
        steps += operations.len();
        if playing.len() >= AT_ONCE {
            end_of_one(&mut playing).await;
        }
        let (service, clock) = (Arc::clone(&service), Arc::clone(&fixture.clock));
        playing.spawn(async move { play(&service, &clock, number, &operations).await });
    }
    while !playing.is_empty() {
        end_of_one(&mut playing).await;
    }
    let took = begun.elapsed();
    let database = if fixture.url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };
    #[expect(clippy::print_stdout, reason = "a test that fails shows what it printed")]
    {
        println!("{histories} histories of {steps} operations in {took:?} on {database}");
    }
}

/// Waits for one of the histories to end. One that fails fails the test.
async fn end_of_one(playing: &mut JoinSet<()>) {
    if let Some(Err(failed)) = playing.join_next().await {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Plays one history in a room of its own, by people of its own.
async fn play(service: &Service, clock: &ManualClock, number: u64, operations: &[Operation]) {
    let first = u128::from(number) * USERS as u128;
    let people: Vec<_> = (first..first + USERS as u128).map(user).collect();
    let room = service.given_room(&people.iter().collect::<Vec<_>>()).await;
    let promote = PutMember {
        actor: Arc::clone(&people[0]),
        authority: Authority::User,
        room: RoomRef::Id(room),
        user: Arc::clone(&people[1]),
        role: Role::Moderator,
    };
    service.put_member(promote).await.unwrap();
    let mut stage = Stage {
        service,
        room,
        live: people.iter().map(|person| Page::empty(person.id)).collect(),
        reading: Follower { page: Page::empty(people[2].id), cursor: Seq::START },
        loaded: None,
        sent: Vec::new(),
        marks: BTreeMap::new(),
        absent: BTreeSet::new(),
        follows: BTreeMap::new(),
        people,
    };
    for (step, operation) in operations.iter().enumerate() {
        clock.advance(std::time::Duration::from_millis(1));
        stage.play(step, operation).await;
    }
    for user in 1..USERS {
        let events = stage.bring_back(user).await;
        stage.publish(&events);
    }
    stage.judge(operations).await;
}
