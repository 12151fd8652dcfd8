//! A room's log as the store has it, and the state that each of its places comes to.

use std::collections::{BTreeMap, HashSet};

use madang_client::{Body, RoomEvent};
use madang_contract::{EventBody, Flags, Joined, Left, Message, Properties, RoleChange, User};
use madang_domain::{
    Profile, Role, RoomId, Seq, Timestamp, UserId,
    event::{self, Event},
};

use crate::{Violation, ensure};

/// A member, as events tell one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The role.
    pub(crate) role: Role,
    /// Where the log says so.
    pub(crate) joined: Seq,
    /// Since when.
    pub(crate) joined_at: Timestamp,
}

/// What a room's events come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// The last name that an event gave it; none where it has the first one.
    pub(crate) name: Option<String>,
    /// Who is in it.
    pub(crate) members: BTreeMap<UserId, Member>,
}

impl State {
    /// Takes in the next event; answers why it should not have been there.
    ///
    /// # Errors
    /// When nobody could have been allowed to do that at this place.
    pub(crate) fn take(&mut self, event: &RoomEvent) -> Result<(), String> {
        let Body::Known(body) = &event.body else { return Err("an event of an unknown kind".to_owned()) };
        match body {
            EventBody::Message { message } => {
                self.rank(message.sender.id)?;
            }
            EventBody::Joined { joined } => self.join(event, joined)?,
            EventBody::Left { left } => {
                let of = self.rank(left.user)?;
                if left.by != left.user && (self.rank(left.by)? < 1 || self.rank(left.by)? <= of) {
                    return Err(format!("{} may not remove {}", left.by, left.user));
                }
                self.members.remove(&left.user);
                if of == 2
                    && !self.members.is_empty()
                    && !self.members.values().any(|m| m.role == Role::Owner)
                {
                    return Err("the last owner left the others without one".to_owned());
                }
            }
            EventBody::Role { role } => {
                if self.rank(role.by)? < 2 {
                    return Err(format!("{} may not give roles", role.by));
                }
                let member = self.members.get_mut(&role.user).ok_or("a role for who is no member")?;
                if member.role == role.role {
                    return Err("a role that changes nothing".to_owned());
                }
                member.role = role.role;
            }
            EventBody::Room { properties } => {
                if self.rank(properties.by)? < 2 {
                    return Err(format!("{} may not rename the room", properties.by));
                }
                self.name = Some(properties.name.to_string());
            }
            other => return Err(format!("a history makes no event of kind {}", other.kind())),
        }
        Ok(())
    }

    fn join(&mut self, event: &RoomEvent, joined: &Joined<'_>) -> Result<(), String> {
        let user = joined.user.id;
        if self.members.contains_key(&user) {
            return Err(format!("{user} joins again"));
        }
        let founds = event.seq == Seq::new(1) && joined.role == Role::Owner;
        if joined.by == user {
            if !founds && joined.role != Role::Member {
                return Err(format!("{user} joins as {:?}", joined.role));
            }
        } else if self.rank(joined.by)? < if joined.role == Role::Member { 1 } else { 2 } {
            return Err(format!("{} may not add {user} as {:?}", joined.by, joined.role));
        }
        self.members.insert(user, Member { role: joined.role, joined: event.seq, joined_at: event.at });
        Ok(())
    }

    fn rank(&self, user: UserId) -> Result<u8, String> {
        match self.members.get(&user).map(|member| member.role) {
            Some(Role::Owner) => Ok(2),
            Some(Role::Moderator) => Ok(1),
            Some(Role::Member) => Ok(0),
            Some(Role::Guest) => Err(format!("{user} is a guest, and no history makes one")),
            None => Err(format!("{user} is no member")),
        }
    }
}

/// A room's log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// What happened, as a client is told it.
    pub(crate) events: Vec<RoomEvent>,
    /// After so many events.
    states: Vec<State>,
}

impl Log {
    /// Reads a log, and judges it.
    ///
    /// # Errors
    /// When it has a gap, goes back in time, has a key twice, or something that nobody could have been allowed.
    pub(crate) fn new(room: RoomId, events: &[Event]) -> Result<Self, Violation> {
        let events: Vec<RoomEvent> = events.iter().map(|event| shown(room, event)).collect();
        let mut states = vec![State::default()];
        let mut keys = HashSet::new();
        let mut time = Timestamp::from_micros(i64::MIN);
        for (place, event) in (1..).zip(&events) {
            ensure!(event.seq == Seq::new(place), "the log has {} where {place} belongs", event.seq);
            ensure!(time <= event.at, "time goes back at {}", event.seq);
            time = event.at;
            if let Some(said) = event.message() {
                ensure!(keys.insert((said.sender.id, said.key.clone())), "the key {} twice", said.key);
            }
            let mut state = states.last().cloned().unwrap_or_default();
            state.take(event).map_err(|why| Violation::Broken(format!("{event:?}: {why}")))?;
            states.push(state);
        }
        Ok(Self { events, states })
    }

    /// The last place.
    #[must_use]
    pub(crate) fn head(&self) -> Seq {
        Seq::new(self.events.len() as u64)
    }

    /// The event of a place.
    #[must_use]
    pub(crate) fn at(&self, seq: Seq) -> Option<&RoomEvent> {
        usize::try_from(seq.get()).ok()?.checked_sub(1).and_then(|at| self.events.get(at))
    }

    /// The state after a place; after the last one where there is no such place.
    #[must_use]
    pub(crate) fn state(&self, seq: Seq) -> &State {
        let at = usize::try_from(seq.get()).unwrap_or(usize::MAX).min(self.states.len() - 1);
        &self.states[at]
    }

    /// The state now.
    #[must_use]
    pub(crate) fn last_state(&self) -> &State {
        self.state(self.head())
    }

    /// The messages of others than `user` after a place, up to and with another: what is unread, counted.
    #[must_use]
    pub(crate) fn unread(&self, user: UserId, after: Seq, up_to: Seq) -> u64 {
        let messages = self.events.iter().filter(|event| after < event.seq && event.seq <= up_to);
        messages.filter(|event| event.message().is_some_and(|said| said.sender.id != user)).count() as u64
    }

    /// Whether a user's membership began or ended after a place, up to and with another.
    #[must_use]
    pub(crate) fn changes_membership(&self, user: UserId, after: Seq, up_to: Seq) -> bool {
        let between = self.events.iter().filter(|event| after < event.seq && event.seq <= up_to);
        between.into_iter().any(|event| match &event.body {
            Body::Known(EventBody::Joined { joined }) => joined.user.id == user,
            Body::Known(EventBody::Left { left }) => left.user == user,
            Body::Known(_) | Body::Unknown(_) => false,
        })
    }
}

/// An event as the contract shows it: written here a second time, so that the gateway's own way is judged too.
fn shown(room: RoomId, event: &Event) -> RoomEvent {
    let by = event.actor.id;
    let body = match &event.body {
        event::EventBody::Message(said) => EventBody::Message { message: message(event, said) },
        event::EventBody::Joined(joined) => {
            EventBody::Joined { joined: Joined { user: person(subject(event)), role: joined.role, by } }
        }
        event::EventBody::Left(_) => EventBody::Left { left: Left { user: subject(event).id, by } },
        event::EventBody::RoleChanged(changed) => {
            let (user, role) = (subject(event).id, changed.role);
            EventBody::Role { role: RoleChange { user, role, by } }
        }
        event::EventBody::RoomChanged(changed) => EventBody::Room {
            properties: Properties {
                name: changed.name.to_string().into(),
                slug: changed.slug.as_ref().map(|slug| slug.to_string().into()),
                unnamed: false,
                topic: None,
                avatar_url: None,
                flags: Flags::default(),
                deleted: changed.deleted,
                by,
            },
        },
        other => unreachable!("a room's log holds no {other:?}"),
    };
    // The wire has milliseconds.
    let at = Timestamp::from_micros(event.at.as_micros().div_euclid(1_000) * 1_000);
    RoomEvent { room, seq: event.seq, at, body: Body::Known(body) }
}

/// The user whom an event is about.
fn subject(event: &Event) -> &Profile {
    event.subject.as_deref().unwrap_or_else(|| unreachable!("{event:?} is about nobody"))
}

fn message(event: &Event, said: &event::Message) -> Message<'static> {
    Message {
        id: event.seq.to_string().into(),
        sender: person(&event.actor),
        text: said.text.clone().into(),
        key: said.key.to_string().into(),
        reply_to: said.reply_to.map(|seq| seq.to_string().into()),
        mentions: said.mentions.clone(),
        mentions_all: None,
        metadata: None,
        attachments: Vec::new(),
        excerpt: None,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
        thread: None,
    }
}

fn person(profile: &Profile) -> User<'static> {
    User { id: profile.id, name: profile.name.to_string().into(), avatar_url: None }
}
