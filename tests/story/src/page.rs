//! What a client shows of a room, and what an event changes of it: the rules of `docs/protocol.md`, and nothing else.

use std::collections::BTreeMap;

use madang_client::{Body, RoomEvent};
use madang_contract::{EventBody, Flags, Message, Reaction, Restricted, Thread};
use madang_domain::{MessageId, Role, Seq, Timestamp, UserId};

/// An excerpt has so many characters of the message that it is of.
const EXCERPT_CHARS: usize = 100;

/// A message as a client shows it. Names of users are left out: a changed one is told in passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Who sent it.
    pub sender: UserId,
    /// The key of the send. It is not compared: that of an erased user is replaced without an event.
    pub key: String,
    /// When it was sent.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
    /// Whom it names.
    pub mentions: Vec<UserId>,
    /// What it answers.
    pub reply_to: Option<String>,
    /// Of what it answers: the sender and the beginning.
    pub excerpt: Option<(UserId, String)>,
    /// The last edit.
    pub edited_at: Option<Timestamp>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// How many react with each emoji, and whether the client's user does.
    pub reactions: Vec<(String, u64, bool)>,
    /// The root of the thread in which it stands, and whether it stands in the room as well.
    pub stands_in: Option<(Seq, bool)>,
    /// The thread of which it is the root.
    pub thread: Option<Thread>,
}

/// What a client shows of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPage {
    /// The client's user.
    pub me: UserId,
    /// The name.
    pub name: String,
    /// The flags.
    pub flags: Flags,
    /// The members.
    pub members: BTreeMap<UserId, Role>,
    /// Who is muted, as far as the client was told. `joined` does not say whether who returns is still muted.
    pub mutes: BTreeMap<UserId, Option<Restricted>>,
    /// Who is banned, as far as the client was told.
    pub bans: BTreeMap<UserId, Option<Restricted>>,
    /// The messages, those of threads too.
    pub messages: BTreeMap<Seq, Shown>,
    /// The pinned messages, the newest pin first.
    pub pins: Vec<Seq>,
    /// The client's own read mark.
    pub read: Seq,
    /// The last event.
    pub cursor: Seq,
}

/// What an event says of the client's own membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Nothing.
    Unchanged,
    /// The client has to load the room anew.
    Changed,
}

impl Shown {
    fn of(at: Timestamp, message: &Message<'_>) -> Self {
        let (stands_in, thread) = match &message.thread {
            Some(Thread { root: Some(root), in_room, .. }) => (Some((root.seq(), *in_room)), None),
            thread => (None, thread.clone()),
        };
        Self {
            sender: message.sender.id,
            key: message.key.clone().into_owned(),
            at,
            text: message.text.clone().into_owned(),
            mentions: message.mentions.clone(),
            reply_to: message.reply_to.as_ref().map(|id| id.clone().into_owned()),
            excerpt: message
                .excerpt
                .as_ref()
                .map(|excerpt| (excerpt.sender.id, excerpt.text.clone().into_owned())),
            edited_at: message.edited_at,
            deleted: message.deleted,
            reactions: message
                .reactions
                .iter()
                .map(|of| (of.emoji.clone(), of.count, of.me.unwrap_or(false)))
                .collect(),
            stands_in,
            thread,
        }
    }

    /// Whether it is a message of the room, and not of a thread alone.
    #[must_use]
    pub fn is_in_room(&self) -> bool {
        self.stands_in.is_none_or(|(_, in_room)| in_room)
    }
}

impl RoomPage {
    /// Shows a message as it is now.
    pub fn show(&mut self, seq: Seq, at: Timestamp, message: &Message<'_>) {
        self.messages.insert(seq, Shown::of(at, message));
    }

    /// The messages of others after the read mark, without the deleted ones and those of threads alone.
    #[must_use]
    pub fn unread(&self) -> u64 {
        let after = self.messages.range(self.read.next()..);
        let counts = |shown: &Shown| shown.sender != self.me && !shown.deleted && shown.is_in_room();
        after.filter(|(_, shown)| counts(shown)).count() as u64
    }

    /// The own role.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.members.get(&self.me).copied()
    }

    /// Applies the next event; one that is not the next is left alone, since it comes again or has been.
    pub fn apply(&mut self, event: &RoomEvent) -> Own {
        if event.seq != self.cursor.next() {
            return Own::Unchanged;
        }
        self.cursor = event.seq;
        // Of a kind that this client does not know, as clients do.
        let Body::Known(body) = &event.body else { return Own::Unchanged };
        match body {
            EventBody::Message { message } => {
                if let Some(thread) = &message.thread {
                    self.show_thread(thread);
                }
                self.show(event.seq, event.at, message);
            }
            EventBody::Joined { joined } => {
                self.members.insert(joined.user.id, joined.role);
                return self.own(joined.user.id);
            }
            EventBody::Left { left } => {
                self.members.remove(&left.user);
                return self.own(left.user);
            }
            EventBody::Role { role } => {
                if let Some(of) = self.members.get_mut(&role.user) {
                    *of = role.role;
                }
            }
            EventBody::Room { properties } => {
                self.name = properties.name.clone().into_owned();
                self.flags = properties.flags;
            }
            EventBody::Pinned { pinned } => {
                let message = pinned.message.seq();
                self.pins.retain(|pinned| *pinned != message);
                if pinned.on {
                    self.pins.insert(0, message);
                }
            }
            EventBody::Edited { edited } => {
                if let Some(text) = &edited.text {
                    self.edit(edited.message, text, &edited.mentions, edited.edited_at);
                }
            }
            EventBody::Deleted { deleted } => {
                if let Some(thread) = &deleted.thread {
                    self.show_thread(thread);
                }
                self.delete(deleted.message);
            }
            EventBody::Reaction { reaction } => self.react(reaction),
            EventBody::Banned { banned } => {
                self.bans.insert(banned.user, banned.on.then_some(*banned));
            }
            EventBody::Muted { muted } => {
                self.mutes.insert(muted.user, muted.on.then_some(*muted));
            }
            EventBody::Unknown => {}
        }
        Own::Unchanged
    }

    fn own(&self, user: UserId) -> Own {
        if user == self.me { Own::Changed } else { Own::Unchanged }
    }

    /// What a message or a deletion says of the thread in which it stands.
    fn show_thread(&mut self, thread: &Thread) {
        if let Some(root) = thread.root
            && let Some(shown) = self.messages.get_mut(&root.seq())
        {
            shown.thread = Some(Thread { root: None, in_room: false, ..thread.clone() });
        }
    }

    fn edit(&mut self, message: MessageId, text: &str, mentions: &[UserId], at: Timestamp) {
        let Some(shown) = self.messages.get_mut(&message.seq()).filter(|shown| !shown.deleted) else {
            return;
        };
        text.clone_into(&mut shown.text);
        mentions.clone_into(&mut shown.mentions);
        shown.edited_at = Some(at);
        for answer in self.answers(message) {
            if let Some((_, excerpt)) = &mut answer.excerpt {
                *excerpt = text.chars().take(EXCERPT_CHARS).collect();
            }
        }
    }

    fn delete(&mut self, message: MessageId) {
        self.pins.retain(|pinned| *pinned != message.seq());
        for answer in self.answers(message) {
            answer.excerpt = None;
        }
        if let Some(shown) = self.messages.get_mut(&message.seq()) {
            shown.deleted = true;
            shown.text.clear();
            shown.mentions.clear();
            shown.excerpt = None;
            shown.edited_at = None;
            shown.reactions.clear();
        }
    }

    fn react(&mut self, reaction: &Reaction<'_>) {
        let by_me = reaction.user == self.me;
        let Some(shown) = self.messages.get_mut(&reaction.message.seq()).filter(|shown| !shown.deleted)
        else {
            return;
        };
        let reactions = &mut shown.reactions;
        let place = reactions.iter().position(|(emoji, ..)| *emoji == reaction.emoji);
        let me = if by_me { reaction.on } else { place.is_some_and(|place| reactions[place].2) };
        let moves = reaction.count == 0 || (reaction.on && reaction.count == 1);
        match place {
            Some(place) if !moves => reactions[place] = (reaction.emoji.to_string(), reaction.count, me),
            place => {
                if let Some(place) = place {
                    reactions.remove(place);
                }
                if reaction.count > 0 {
                    reactions.push((reaction.emoji.to_string(), reaction.count, me));
                }
            }
        }
    }

    fn answers(&mut self, original: MessageId) -> impl Iterator<Item = &mut Shown> {
        let original = original.to_string();
        self.messages.values_mut().filter(move |shown| shown.reply_to.as_deref() == Some(&original))
    }
}
