//! What a socket heard, frame by frame, against the log.

use std::collections::HashMap;

use madang_client::{Body, Incoming, RoomEvent};
use madang_contract::{EventBody, ServerFrame, SubscribedRoom};
use madang_domain::{RoomId, Seq};

use super::Log;
use crate::{
    Violation, ensure,
    tape::{Asked, Entry, Kind, Tape, listed},
};

/// How a socket stands to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Everything after this place is to come. Up to `head` it was missed, and is told before `caught_up`.
    Open {
        /// The last place heard, or the cursor.
        seen: Seq,
        /// The head that `subscribed` named.
        head: Seq,
        /// `caught_up` has come.
        caught_up: bool,
    },
    /// The membership ended: nothing more may come.
    Removed,
    /// It was asked to end, and it ends soon: what was on its way may come, in order.
    Unsubscribed {
        /// The last place heard.
        seen: Seq,
    },
    /// Another subscription was asked for and refused: the old one may have ended with that, or not.
    Doubtful {
        /// The last place heard.
        seen: Seq,
    },
}

/// Reads a tape from its beginning.
///
/// # Errors
/// When something was heard that must not be.
pub(crate) fn follow(
    tape: &Tape,
    logs: &HashMap<RoomId, Log>,
    entries: &[Entry],
) -> Result<HashMap<RoomId, Standing>, Violation> {
    let mut follower =
        Follower { tape, logs, asked: HashMap::new(), rooms: HashMap::new(), witnessed: HashMap::new() };
    for entry in entries {
        let outcome = match entry {
            Entry::Sent(id, kind) => {
                follower.asked.insert(id.as_str().to_owned(), kind.clone());
                Ok(())
            }
            Entry::Heard(frame) => follower.hear(frame),
            Entry::Ended(_) if tape.is_over() => Ok(()),
            Entry::Ended(how) => Err(Violation::Broken(format!("the socket ended: {how}"))),
        };
        outcome.map_err(|violation| told(tape, entries, violation))?;
    }
    Ok(follower.rooms)
}

/// Adds to a violation which socket it was of, and what that had heard.
fn told(tape: &Tape, entries: &[Entry], violation: Violation) -> Violation {
    let Violation::Broken(what) = violation else { return violation };
    Violation::Broken(format!("{tape}: {what}; its tape:{}", listed(entries)))
}

struct Follower<'a> {
    tape: &'a Tape,
    logs: &'a HashMap<RoomId, Log>,
    asked: HashMap<String, Kind>,
    rooms: HashMap<RoomId, Standing>,
    /// The last place of each room that this socket knows to exist, from events and acknowledgements.
    witnessed: HashMap<RoomId, Seq>,
}

impl Follower<'_> {
    fn hear(&mut self, frame: &Incoming) -> Result<(), Violation> {
        let asked = frame.re().and_then(|id| self.asked.get(id.as_str())).cloned().unwrap_or(Kind::Other);
        let frame = match frame {
            Incoming::Event(event) => return self.event(event),
            // Nobody in these histories is mentioned; invitations are of the inbox, which they do not judge.
            Incoming::Notice(_) | Incoming::Frame(ServerFrame::Inbox(_)) => return Ok(()),
            Incoming::Unknown(object) => {
                return Err(Violation::Broken(format!("a frame of an unknown type: {object:?}")));
            }
            Incoming::Ok(_) => {
                self.done(&asked);
                return Ok(());
            }
            Incoming::Frame(frame) => frame,
        };
        match frame {
            ServerFrame::Subscribed(subscribed) => {
                for room in &subscribed.rooms {
                    self.subscribed(&asked, room)?;
                }
            }
            ServerFrame::CaughtUp(caught) => {
                if self.is_foreign(caught.room) {
                    return Ok(());
                }
                let Some(Standing::Open { seen, head, caught_up }) = self.rooms.get_mut(&caught.room) else {
                    return Err(Violation::Broken("caught up without a subscription".to_owned()));
                };
                ensure!(
                    !*caught_up && caught.seq == *head && seen == head,
                    "caught up at {}, seen {seen}",
                    caught.seq
                );
                *caught_up = true;
            }
            ServerFrame::Ack(ack) => {
                let said = self.log(ack.room)?.at(ack.seq).and_then(RoomEvent::message);
                let own = said.is_some_and(|said| said.sender.id == self.tape.user && said.key == ack.key);
                ensure!(own, "{ack:?} is not what the log has");
                self.witness(ack.room, ack.seq);
            }
            ServerFrame::Error(_) => match asked {
                Kind::Subscribe(rooms) => rooms.iter().for_each(|asked| self.doubt(asked.room)),
                Kind::SubscribeAll(_) => {
                    let rooms: Vec<RoomId> = self.logs.keys().copied().collect();
                    rooms.into_iter().for_each(|room| self.doubt(room));
                }
                Kind::Unsubscribe(_) | Kind::Other => {}
            },
            ServerFrame::Read(mark) if self.is_foreign(mark.room) => {}
            ServerFrame::Read(mark) => {
                let own = mark.user.is_none_or(|user| user == self.tape.user);
                ensure!(own, "{mark:?} is not for {}", self.tape.user);
                let last = mark.marks.iter().flatten().map(|mark| mark.seq).chain(mark.seq).max();
                ensure!(last <= Some(self.log(mark.room)?.head()), "{mark:?} is past the head");
            }
            // A gateway that is being killed may have time for that much.
            ServerFrame::Reconnect(_) if self.tape.is_over() => {}
            // Best effort, and not of the log.
            ServerFrame::Presence(_) => {}
            ServerFrame::Hello(_)
            | ServerFrame::Event(_)
            | ServerFrame::Inbox(_)
            | ServerFrame::Notice(_)
            | ServerFrame::Ok(_)
            | ServerFrame::Typing(_)
            | ServerFrame::Delivered(_)
            | ServerFrame::InboxRead(_)
            | ServerFrame::Settings(_)
            | ServerFrame::Profile(_)
            | ServerFrame::Status(_)
            | ServerFrame::ThreadRead(_)
            | ServerFrame::MentionedHere(_)
            | ServerFrame::Reconnect(_)
            | ServerFrame::Pong(_) => return Err(Violation::Broken(format!("nobody asked for {frame:?}"))),
        }
        Ok(())
    }

    fn event(&mut self, event: &RoomEvent) -> Result<(), Violation> {
        if self.is_foreign(event.room) {
            return Ok(());
        }
        let logged = self.log(event.room)?.at(event.seq);
        ensure!(logged == Some(event), "event {} is {event:?}, in the log {logged:?}", event.seq);
        let user = self.tape.user;
        match self.rooms.get_mut(&event.room) {
            None => return Err(Violation::Broken(format!("event {} without a subscription", event.seq))),
            Some(Standing::Removed) => {
                return Err(Violation::Broken(format!("event {} after the membership had ended", event.seq)));
            }
            Some(standing @ Standing::Open { .. }) => {
                let Standing::Open { seen, head, caught_up } = *standing else { return Ok(()) };
                ensure!(event.seq == seen.next(), "event {} after {seen}", event.seq);
                let live = head < event.seq;
                ensure!(live == caught_up, "event {} and caught up: {caught_up}, head {head}", event.seq);
                *standing = if live && takes_away(event, user) {
                    Standing::Removed
                } else {
                    Standing::Open { seen: event.seq, head, caught_up }
                };
            }
            Some(Standing::Unsubscribed { seen } | Standing::Doubtful { seen }) => {
                ensure!(event.seq == seen.next(), "event {} after {seen}", event.seq);
                *seen = event.seq;
            }
        }
        self.witness(event.room, event.seq);
        Ok(())
    }

    fn subscribed(&mut self, asked: &Kind, room: &SubscribedRoom<'_>) -> Result<(), Violation> {
        let (rooms, all) = match asked {
            Kind::Subscribe(rooms) => (rooms, false),
            Kind::SubscribeAll(rooms) => (rooms, true),
            Kind::Unsubscribe(_) | Kind::Other => {
                return Err(Violation::Broken("`subscribed` answers something else".to_owned()));
            }
        };
        let (room, head, from, complete, members, role, epoch) = match room {
            SubscribedRoom::Failed { room, .. } => {
                let room = room.parse().map_err(|_| Violation::Broken(format!("no room {room}")))?;
                self.doubt(room);
                return Ok(());
            }
            SubscribedRoom::Open { room, head, from, complete, members, role, epoch, .. } => {
                (*room, *head, *from, *complete, *members, role, epoch)
            }
        };
        let asked = rooms.iter().find(|asked| asked.room == room).copied();
        ensure!(all || asked.is_some(), "a room {room} that was not asked for, epoch {epoch}");
        if self.is_foreign(room) {
            return Ok(());
        }
        let asked = asked.unwrap_or(Asked { room, since: None, true_epoch: true });
        let log = self.log(room)?;
        ensure!(head <= log.head(), "head {head} is past the log's, {}", log.head());
        let witnessed = self.witnessed.get(&room).copied().unwrap_or_default();
        ensure!(witnessed <= head, "head {head} is behind {witnessed}, which this socket has been told");
        let (whole, begins) = match asked.since {
            None => (true, head),
            Some(since) => {
                let whole =
                    asked.true_epoch && since <= head && head.since(since) <= u64::from(self.tape.replay_max);
                (whole, if whole { since } else { head })
            }
        };
        ensure!(
            (complete, from) == (whole, begins),
            "from {from}, complete {complete}: asked {asked:?}, head {head}"
        );
        let state = log.state(head);
        let own = state.members.get(&self.tape.user).map(|member| &member.role);
        ensure!(own == Some(role), "role {role:?} at {head}, where the log says {own:?}");
        ensure!(members == state.members.len() as u64, "{members} members at {head}: {:?}", state.members);
        self.rooms.insert(room, Standing::Open { seen: from, head, caught_up: false });
        self.witness(room, head);
        Ok(())
    }

    fn done(&mut self, asked: &Kind) {
        if let Kind::Unsubscribe(room) = *asked
            && let Some(Standing::Open { seen, .. } | Standing::Doubtful { seen }) =
                self.rooms.get(&room).copied()
        {
            self.rooms.insert(room, Standing::Unsubscribed { seen });
        }
    }

    fn doubt(&mut self, room: RoomId) {
        if let Some(Standing::Open { seen, .. }) = self.rooms.get(&room).copied() {
            self.rooms.insert(room, Standing::Doubtful { seen });
        }
    }

    fn witness(&mut self, room: RoomId, seq: Seq) {
        let last = self.witnessed.entry(room).or_default();
        *last = seq.max(*last);
    }

    /// Of all rooms of the user's, one of another case that is played at the same time.
    fn is_foreign(&self, room: RoomId) -> bool {
        let all = || self.asked.values().any(|kind| matches!(kind, Kind::SubscribeAll(_)));
        !self.logs.contains_key(&room) && all()
    }

    fn log(&self, room: RoomId) -> Result<&Log, Violation> {
        self.logs.get(&room).ok_or_else(|| Violation::Broken(format!("nothing is known of room {room}")))
    }
}

fn takes_away(event: &RoomEvent, user: madang_domain::UserId) -> bool {
    matches!(&event.body, Body::Known(EventBody::Left { left }) if left.user == user)
}
