//! What a client was told of its deeds: what the log must have, and what it must not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use madang_domain::{RoomId, Seq, UserId};

use crate::page::{RoomPage, Shown};

/// What stands in the place of the name of an erased user.
const NAMELESS: &str = "[deleted user]";

/// What a client was told.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Acknowledged messages, by room and key.
    sent: BTreeMap<(RoomId, String), Seq>,
    /// Keys of messages that were refused at the first try.
    refused: BTreeSet<(RoomId, String)>,
    /// What each message may say: one text where every edit was answered.
    texts: BTreeMap<(RoomId, Seq), Vec<String>>,
    /// Acknowledged deletions.
    deleted: BTreeSet<(RoomId, Seq)>,
    /// Whether the user reacts with an emoji; none where that is unknown.
    reactions: BTreeMap<(RoomId, Seq, String), Option<bool>>,
}

impl Ledger {
    /// A message was acknowledged.
    pub fn sent(&mut self, room: RoomId, key: &str, seq: Seq, text: &str) {
        self.sent.insert((room, key.to_owned()), seq);
        self.texts.insert((room, seq), vec![text.to_owned()]);
    }

    /// A message was refused.
    pub fn refused(&mut self, room: RoomId, key: &str) {
        self.refused.insert((room, key.to_owned()));
    }

    /// An edit was answered, or not.
    pub fn edited(&mut self, room: RoomId, message: Seq, text: &str, is_sure: bool) {
        // A message whose send was never answered, but which the client has seen.
        let Some(texts) = self.texts.get_mut(&(room, message)) else { return };
        if is_sure {
            texts.clear();
        }
        texts.push(text.to_owned());
    }

    /// A deletion was acknowledged.
    pub fn deleted(&mut self, room: RoomId, message: Seq) {
        self.deleted.insert((room, message));
    }

    /// A reaction was answered, or not.
    pub fn reacted(&mut self, room: RoomId, message: Seq, emoji: &str, on: bool, is_sure: bool) {
        self.reactions.insert((room, message, emoji.to_owned()), is_sure.then_some(on));
    }

    /// How many messages were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.sent.len()
    }

    /// What is not as the client was told. `gone` are the usernames of erased users, whose names others' texts lose.
    #[must_use]
    pub fn broken(&self, me: UserId, room: RoomId, page: &RoomPage, gone: &[String]) -> Vec<String> {
        let mut broken = Vec::new();
        let of = |number: &Seq| page.messages.get(number);
        for ((_, key), seq) in self.sent.iter().filter(|((in_room, _), _)| *in_room == room) {
            match of(seq) {
                Some(shown) if shown.sender == me && shown.key == *key => {}
                other => {
                    broken.push(format!("message {seq} ({key}) was acknowledged and is lost: {other:?}"));
                }
            }
        }
        for ((_, seq), texts) in self.texts.iter().filter(|((in_room, _), _)| *in_room == room) {
            let Some(shown) = of(seq).filter(|shown| !shown.deleted) else { continue };
            if !texts.iter().any(|text| shown.text == *text || shown.text == without(text, gone)) {
                broken.push(format!("message {seq} says {:?}, and was given {texts:?}", shown.text));
            }
        }
        for (_, seq) in self.deleted.iter().filter(|(in_room, _)| *in_room == room) {
            if of(seq).is_none_or(|shown| !shown.deleted) {
                broken.push(format!("the deletion of message {seq} was acknowledged and is lost"));
            }
        }
        let own: HashSet<&str> = own(page, me).map(|(_, shown)| shown.key.as_str()).collect();
        for (_, key) in self.refused.iter().filter(|(in_room, _)| *in_room == room) {
            if own.contains(key.as_str()) {
                broken.push(format!("{key} was refused and is in the log"));
            }
        }
        broken
    }

    /// The reactions that are not as the client was told, beside what is loaded in its name.
    #[must_use]
    pub fn broken_reactions(&self, room: RoomId, page: &RoomPage) -> Vec<String> {
        let mut broken = Vec::new();
        for ((_, seq, emoji), on) in self.reactions.iter().filter(|((in_room, ..), _)| *in_room == room) {
            let Some(shown) = page.messages.get(seq).filter(|shown| !shown.deleted) else { continue };
            let me = shown.reactions.iter().any(|(of, _, me)| of == emoji && *me);
            if on.is_some_and(|on| on != me) {
                broken.push(format!("the reaction {emoji} to message {seq} was set to {on:?} and is {me}"));
            }
        }
        broken
    }
}

/// A text as it is once some users are erased.
fn without(text: &str, gone: &[String]) -> String {
    let replaced = text.split(' ').map(|word| {
        let is_gone = word.strip_prefix('@').is_some_and(|name| gone.iter().any(|gone| gone == name));
        if is_gone { NAMELESS } else { word }
    });
    replaced.collect::<Vec<_>>().join(" ")
}

fn own(page: &RoomPage, me: UserId) -> impl Iterator<Item = (&Seq, &Shown)> {
    page.messages.iter().filter(move |(_, shown)| shown.sender == me)
}

/// Messages of which a room has two: the same sender and key.
#[must_use]
pub fn doubled(page: &RoomPage) -> Vec<String> {
    let mut seen: HashMap<(UserId, &str), Seq> = HashMap::new();
    let mut doubled = Vec::new();
    for (seq, shown) in &page.messages {
        if let Some(first) = seen.insert((shown.sender, &shown.key), *seq) {
            doubled.push(format!("messages {first} and {seq} have the same key {}", shown.key));
        }
    }
    doubled
}
