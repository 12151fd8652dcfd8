//! What differs between what a client shows and a fresh load.

use std::{collections::BTreeMap, fmt::Debug};

use madang_contract::Restricted;
use madang_domain::Seq;

use crate::{
    load::Loaded,
    notices::Notices,
    page::{RoomPage, Shown},
};

/// The year of a mute without an end, in the list of members.
const FOR_GOOD: &str = "9999-";

/// What differs of a room.
#[must_use]
pub fn rooms(shown: &RoomPage, fresh: &Loaded) -> Vec<String> {
    let mut differs = Differences(Vec::new());
    let of = &fresh.page;
    differs.of("the name", &shown.name, &of.name);
    differs.of("the flags", &shown.flags, &of.flags);
    differs.of("the members", &shown.members, &of.members);
    differs.of("the number of members", &(shown.members.len() as u64), &fresh.members);
    differs.of("the pins", &shown.pins, &of.pins);
    differs.of("the read mark", &shown.read, &of.read);
    differs.of("unread", &shown.unread(), &fresh.unread);
    let last = shown.messages.iter().rev().find(|(_, message)| message.is_in_room()).map(|(seq, _)| *seq);
    differs.of("the last message", &last, &fresh.last_message);
    for user in of.members.keys() {
        let known = shown.mutes.get(user);
        if let Some(known) = known {
            let fresh = of.mutes.get(user).copied().flatten();
            differs.of(&format!("the mute of {user}"), &until(known.as_ref()), &until(fresh.as_ref()));
        }
    }
    if fresh.sees_bans {
        for (user, known) in &shown.bans {
            let fresh = of.bans.get(user).copied().flatten();
            differs.of(&format!("the ban of {user}"), &until(known.as_ref()), &until(fresh.as_ref()));
        }
    }
    messages(&shown.messages, &of.messages, &mut differs);
    differs.0
}

/// Until when somebody is restricted: one form for no end, which lists and events say differently.
fn until(of: Option<&Restricted>) -> Option<String> {
    let until = of?.until.map(|until| until.to_string());
    Some(until.filter(|until| !until.starts_with(FOR_GOOD)).unwrap_or_else(|| "for good".to_owned()))
}

fn messages(shown: &BTreeMap<Seq, Shown>, fresh: &BTreeMap<Seq, Shown>, differs: &mut Differences) {
    for (seq, message) in fresh {
        match shown.get(seq) {
            None => differs.0.push(format!("message {seq} is not shown: {:?}", message.text)),
            Some(shown) => message_differs(*seq, shown, message, differs),
        }
    }
    for seq in shown.keys().filter(|seq| !fresh.contains_key(seq)) {
        differs.0.push(format!("message {seq} is shown, and a fresh load does not have it"));
    }
}

fn message_differs(seq: Seq, shown: &Shown, fresh: &Shown, differs: &mut Differences) {
    let mut of = |what: &str, is_same: bool, shown: &dyn Debug, fresh: &dyn Debug| {
        if !is_same {
            differs.say(&format!("{what} of message {seq}"), shown, fresh);
        }
    };
    // One line a field: what is left out here is not compared.
    let Shown { sender, key: _, at, text, mentions, reply_to, excerpt, edited_at, .. } = fresh;
    of("the sender", shown.sender == *sender, &shown.sender, sender);
    of("the time", shown.at == *at, &shown.at, at);
    of("the text", shown.text == *text, &shown.text, text);
    of("the mentions", shown.mentions == *mentions, &shown.mentions, mentions);
    of("what is answered", shown.reply_to == *reply_to, &shown.reply_to, reply_to);
    of("the excerpt", shown.excerpt == *excerpt, &shown.excerpt, excerpt);
    of("the time of the edit", shown.edited_at == *edited_at, &shown.edited_at, edited_at);
    let Shown { deleted, reactions, stands_in, thread, .. } = fresh;
    of("the deletion", shown.deleted == *deleted, &shown.deleted, deleted);
    of("the reactions", shown.reactions == *reactions, &shown.reactions, reactions);
    of("the place in a thread", shown.stands_in == *stands_in, &shown.stands_in, stands_in);
    of("the thread", shown.thread == *thread, &shown.thread, thread);
}

/// What differs of an inbox.
#[must_use]
pub fn inboxes(shown: &Notices, fresh: &Notices, unread: u64) -> Vec<String> {
    let mut differs = Differences(Vec::new());
    differs.of("the read mark of the inbox", &shown.read, &fresh.read);
    differs.of("unread notices", &shown.unread(), &unread);
    for (seq, notice) in &fresh.shown {
        differs.of(&format!("notice {seq}"), &shown.shown.get(seq), &Some(notice));
    }
    for (seq, notice) in &shown.shown {
        if !fresh.shown.contains_key(seq) {
            differs.of(&format!("notice {seq}"), &Some(notice), &None);
        }
    }
    differs.0
}

/// What differs, in words.
struct Differences(Vec<String>);

impl Differences {
    fn of<T: Debug + PartialEq>(&mut self, what: &str, shown: &T, fresh: &T) {
        if shown != fresh {
            self.say(what, shown, fresh);
        }
    }

    fn say(&mut self, what: &str, shown: &dyn Debug, fresh: &dyn Debug) {
        self.0.push(format!("{what}: shown {shown:?}, a fresh load has {fresh:?}"));
    }
}
