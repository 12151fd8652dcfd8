//! What a client does next, drawn from the seed and from what it shows.

use std::collections::HashMap;

use madang_domain::{MessageId, Role, RoomId, Seq, UserId};
use rand::{RngExt as _, rngs::StdRng};

use crate::{
    notices::Notices,
    page::{RoomPage, Shown},
};

/// Something that people do in a chat.
#[expect(missing_docs, reason = "the fields are what their names say")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Says something, by the session where nothing is answered.
    Say { room: RoomId, text: String, reply_to: Option<MessageId>, by_session: bool },
    /// Says something in a thread.
    Reply { room: RoomId, root: MessageId, text: String, in_room: bool },
    /// Changes the text of a message of one's own.
    Edit { room: RoomId, message: Seq, text: String },
    /// Deletes a message.
    Delete { room: RoomId, message: Seq },
    /// Reacts, or takes the reaction back.
    React { room: RoomId, message: Seq, emoji: &'static str, on: bool },
    /// Pins or unpins.
    Pin { room: RoomId, message: Seq, on: bool },
    /// Reads up to a place.
    Read { room: RoomId, seq: Seq },
    /// Reads a thread up to a place.
    ReadThread { room: RoomId, root: MessageId, seq: Seq },
    /// Follows a thread, or does so no more.
    Follow { room: RoomId, root: MessageId, on: bool },
    /// Mutes a member, or ends that.
    Mute { room: RoomId, user: UserId, on: bool, for_good: bool },
    /// Bans a user, or ends that.
    Ban { room: RoomId, user: UserId, on: bool, for_good: bool },
    /// Removes a member.
    Kick { room: RoomId, user: UserId },
    /// Makes somebody a member, or gives another role.
    Put { room: RoomId, user: UserId, role: Role },
    /// Gives the room another name.
    Rename { room: RoomId, name: String },
    /// Leaves.
    Leave { room: RoomId },
    /// Comes in, or back.
    Join { room: RoomId },
    /// Reads the inbox up to a place.
    ReadInbox { seq: Seq },
    /// Dismisses a notice.
    Dismiss { seq: Seq },
}

/// Of whom one draws.
pub struct Scene<'a> {
    /// Who acts.
    pub me: UserId,
    /// The rooms of the client, whether it is in them or not.
    pub home: &'a [RoomId],
    /// What it shows of those that it is in.
    pub rooms: &'a HashMap<RoomId, RoomPage>,
    /// What it shows of its inbox.
    pub notices: &'a Notices,
    /// Everybody who may be in each room, and their usernames.
    pub people: &'a HashMap<RoomId, Vec<(UserId, String)>>,
}

const EMOJI: [&str; 4] = ["👍", "❤️", "🎉", "🙏"];
const WORDS: [&str; 8] = ["마당에서", "만나요", "deploy", "오늘", "점심은", "noodles", "좋아요", "at noon"];
/// Of the latest so many messages one is drawn.
const RECENT: usize = 25;
/// A room has about so many threads.
const THREADS: usize = 4;

impl Scene<'_> {
    /// Draws a deed; none where there is nothing to do it with.
    pub fn draw(&self, random: &mut StdRng) -> Option<Deed> {
        let room = *pick(random, self.home)?;
        let Some(page) = self.rooms.get(&room) else { return Some(Deed::Join { room }) };
        match random.random_range(0..100) {
            0..26 => Some(self.say(random, room, page)),
            26..34 => self.reply(random, room, page),
            34..46 => {
                let own = |shown: &Shown| shown.sender == self.me && !shown.deleted;
                let (message, _) = recent(random, page, own)?;
                Some(Deed::Edit { room, message, text: self.text(random, room) })
            }
            46..62 => {
                let (message, _) = recent(random, page, |shown| !shown.deleted)?;
                let emoji = EMOJI[random.random_range(0..EMOJI.len())];
                Some(Deed::React { room, message, emoji, on: random.random_ratio(2, 3) })
            }
            62..74 => {
                let last = page.cursor.get();
                Some(Deed::Read { room, seq: Seq::new(random.random_range(last / 2..=last)) })
            }
            74..77 => {
                let may = |shown: &Shown| {
                    !shown.deleted && (shown.sender == self.me || page.role() != Some(Role::Member))
                };
                let (message, _) = recent(random, page, may)?;
                Some(Deed::Delete { room, message })
            }
            77..80 => self.follow(random, room, page),
            80..83 => self.inbox(random),
            83 => Some(Deed::Leave { room }),
            _ if page.role() == Some(Role::Member) => Some(self.say(random, room, page)),
            _ => self.moderate(random, room, page),
        }
    }

    /// What moderators and owners do.
    fn moderate(&self, random: &mut StdRng, room: RoomId, page: &RoomPage) -> Option<Deed> {
        let user = self.other(random, room, |user| page.members.contains_key(&user));
        let for_good = random.random();
        match random.random_range(0..20) {
            0..6 => {
                let (message, _) = recent(random, page, |shown| !shown.deleted)?;
                Some(Deed::Pin { room, message, on: random.random_ratio(2, 3) })
            }
            6..9 => Some(Deed::Mute { room, user: user?, on: true, for_good }),
            9..11 => {
                let muted = |user| page.mutes.get(&user).is_some_and(Option::is_some);
                Some(Deed::Mute { room, user: self.other(random, room, muted)?, on: false, for_good })
            }
            11..13 => Some(Deed::Ban { room, user: user?, on: true, for_good }),
            13..16 => {
                let banned = |user| page.bans.get(&user).is_some_and(Option::is_some);
                Some(Deed::Ban { room, user: self.other(random, room, banned)?, on: false, for_good })
            }
            16 => Some(Deed::Kick { room, user: user? }),
            17 => {
                let out = |user| !page.members.contains_key(&user);
                Some(Deed::Put { room, user: self.other(random, room, out)?, role: Role::Member })
            }
            18 => {
                let role = if random.random() { Role::Moderator } else { Role::Member };
                Some(Deed::Put { room, user: user?, role })
            }
            _ => Some(Deed::Rename { room, name: format!("Room {}", random.random_range(0..1_000)) }),
        }
    }

    fn say(&self, random: &mut StdRng, room: RoomId, page: &RoomPage) -> Deed {
        let answers = random.random_ratio(1, 4);
        let reply_to = recent(random, page, |_| true).filter(|_| answers).map(|(seq, _)| MessageId::new(seq));
        let by_session = random.random_ratio(3, 4);
        Deed::Say { room, text: self.text(random, room), reply_to, by_session }
    }

    fn reply(&self, random: &mut StdRng, room: RoomId, page: &RoomPage) -> Option<Deed> {
        let roots: Vec<Seq> = roots(page).collect();
        let root = if roots.len() < THREADS {
            recent(random, page, |shown| !shown.deleted && shown.stands_in.is_none())?.0
        } else {
            *pick(random, &roots)?
        };
        let (text, in_room) = (self.text(random, room), random.random_ratio(1, 3));
        Some(Deed::Reply { room, root: MessageId::new(root), text, in_room })
    }

    fn follow(&self, random: &mut StdRng, room: RoomId, page: &RoomPage) -> Option<Deed> {
        let roots: Vec<Seq> = roots(page).collect();
        let root = MessageId::new(*pick(random, &roots)?);
        Some(if random.random() {
            Deed::ReadThread { room, root, seq: page.cursor }
        } else {
            Deed::Follow { room, root, on: random.random() }
        })
    }

    fn inbox(&self, random: &mut StdRng) -> Option<Deed> {
        let places: Vec<Seq> = self.notices.shown.keys().copied().collect();
        let seq = *pick(random, &places)?;
        Some(if random.random() { Deed::ReadInbox { seq } } else { Deed::Dismiss { seq } })
    }

    fn other(&self, random: &mut StdRng, room: RoomId, counts: impl Fn(UserId) -> bool) -> Option<UserId> {
        let people = self.people.get(&room)?;
        let users: Vec<UserId> =
            people.iter().map(|(user, _)| *user).filter(|user| *user != self.me && counts(*user)).collect();
        pick(random, &users).copied()
    }

    fn text(&self, random: &mut StdRng, room: RoomId) -> String {
        let mut words: Vec<&str> = Vec::new();
        let named = self.people.get(&room).and_then(|people| pick(random, people));
        let name = named.filter(|_| random.random_ratio(1, 6)).map(|(_, name)| format!("@{name}"));
        words.extend(name.as_deref());
        for _ in 0..random.random_range(1..30) {
            words.push(WORDS[random.random_range(0..WORDS.len())]);
        }
        words.join(" ")
    }
}

fn roots(page: &RoomPage) -> impl Iterator<Item = Seq> {
    page.messages.iter().filter(|(_, shown)| shown.thread.is_some()).map(|(seq, _)| *seq)
}

fn recent<'a>(
    random: &mut StdRng,
    page: &'a RoomPage,
    counts: impl Fn(&Shown) -> bool,
) -> Option<(Seq, &'a Shown)> {
    let latest = page.messages.iter().rev().filter(|(_, shown)| counts(shown)).take(RECENT);
    let latest: Vec<_> = latest.map(|(seq, shown)| (*seq, shown)).collect();
    pick(random, &latest).copied()
}

fn pick<'a, T>(random: &mut StdRng, of: &'a [T]) -> Option<&'a T> {
    of.get(random.random_range(0..of.len().max(1)))
}
