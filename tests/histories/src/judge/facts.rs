//! What people were answered, against the log.

use std::collections::HashMap;

use madang_client::RoomEvent;
use madang_domain::{Code, RoomId, Seq, UserId};

use super::Log;
use crate::{Violation, ensure};

/// What somebody wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// To say something, listen, or mark as read: what every member may.
    Take,
    /// To change who is in a room or what it is.
    Change,
}

/// Something that somebody was answered.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    /// A message is committed.
    Acked { step: usize, user: UserId, room: RoomId, key: String, seq: Seq, duplicate: bool },
    /// Something was refused.
    Refused { step: usize, user: UserId, room: RoomId, what: What, code: Code },
    /// A read mark was asked for; the answer may have been lost.
    Asked { user: UserId, room: RoomId, seq: Seq },
    /// A read mark was seen, and how much is unread after it.
    Mark { step: usize, user: UserId, room: RoomId, asked: Option<Seq>, read: Seq, unread: Option<u64> },
}

/// The heads of the rooms before each step, and after the last.
pub(crate) type Bounds = [HashMap<RoomId, Seq>];

/// Judges all answers of a case.
///
/// # Errors
/// When one cannot be explained by the log.
pub(crate) fn judge(facts: &[Fact], logs: &HashMap<RoomId, Log>, bounds: &Bounds) -> Result<(), Violation> {
    let judge = Judge { logs, bounds };
    let mut first_acks: HashMap<(UserId, RoomId, &str), Seq> = HashMap::new();
    let mut marks: HashMap<(UserId, RoomId), Vec<(usize, Seq)>> = HashMap::new();
    for fact in facts {
        match fact {
            Fact::Acked { step, user, room, key, seq, duplicate } => {
                let (before, after) = judge.bounds(*step, *room);
                ensure!(
                    *seq <= after && (*duplicate || before < *seq),
                    "{fact:?}: the heads were {before} and {after}"
                );
                let said = judge.log(*room)?.at(*seq).and_then(RoomEvent::message);
                let text = text_of(key);
                let own =
                    said.is_some_and(|said| (said.sender.id, &*said.key, &*said.text) == (*user, key, &text));
                ensure!(own, "{fact:?}, but the log has {said:?}");
                if !duplicate {
                    let before = first_acks.insert((*user, *room, key), *seq);
                    ensure!(before.is_none(), "{fact:?}: the same key is new a second time");
                }
            }
            Fact::Refused { step, user, room, what, code } => {
                judge.refused(*step, *user, *room, *what, *code)?;
            }
            Fact::Asked { .. } => {}
            Fact::Mark { step, user, room, asked, read, unread } => {
                let (before, after) = judge.bounds(*step, *room);
                ensure!(*read <= after, "{fact:?}: past the head {after}");
                ensure!(
                    asked.is_none_or(|asked| asked.min(before) <= *read),
                    "{fact:?}: the mark did not move"
                );
                if let Some(unread) = unread {
                    let log = judge.log(*room)?;
                    let mut heads = (before.get()..=after.get()).map(Seq::new);
                    let explained = heads.any(|head| log.unread(*user, *read, head) == *unread);
                    ensure!(explained, "{fact:?}: not what the log has from {before} to {after}");
                }
                marks.entry((*user, *room)).or_default().push((*step, *read));
            }
        }
    }
    for ((user, room), seen) in marks {
        judge.marks(user, room, seen, facts)?;
    }
    Ok(())
}

/// The text that is sent under a key.
#[must_use]
pub(crate) fn text_of(key: &str) -> String {
    format!("text of {key}")
}

struct Judge<'a> {
    logs: &'a HashMap<RoomId, Log>,
    bounds: &'a Bounds,
}

impl Judge<'_> {
    fn refused(
        &self,
        step: usize,
        user: UserId,
        room: RoomId,
        what: What,
        code: Code,
    ) -> Result<(), Violation> {
        match (what, code) {
            (What::Take, Code::PermissionDenied) => {
                let (before, after) = self.bounds(step, room);
                let log = self.log(room)?;
                let mut places = (before.get()..=after.get()).map(Seq::new);
                let outside = places.any(|place| !log.state(place).members.contains_key(&user));
                ensure!(
                    outside,
                    "step {step}: {user} was refused in {room}, a member from {before} to {after}"
                );
                Ok(())
            }
            // Who may change what is judged by the reduction of the log, and by the store's own model.
            (What::Change, Code::PermissionDenied | Code::FailedPrecondition | Code::NotFound) => Ok(()),
            (What::Take | What::Change, _) => {
                Err(Violation::Broken(format!("step {step}: {user} was refused in {room} with {code}")))
            }
        }
    }

    /// Marks never go back within a membership, and go no further than was asked for.
    fn marks(
        &self,
        user: UserId,
        room: RoomId,
        mut seen: Vec<(usize, Seq)>,
        facts: &[Fact],
    ) -> Result<(), Violation> {
        let log = self.log(room)?;
        seen.sort_by_key(|(step, _)| *step);
        for (at, (step, read)) in seen.iter().enumerate() {
            for (later, mark) in seen[at + 1..].iter().filter(|(later, _)| later > step) {
                let (from, to) = (self.bounds(*step, room).0, self.bounds(*later, room).1);
                if !log.changes_membership(user, from, to) {
                    ensure!(read <= mark, "{user} had read {read} at step {step}, {mark} at step {later}");
                }
            }
        }
        let asked = facts.iter().filter_map(|fact| match fact {
            Fact::Asked { user: of, room: at, seq } if (*of, *at) == (user, room) => Some(*seq),
            _ => None,
        });
        let joins =
            log.events.iter().filter(|event| log.changes_membership(user, previous(event.seq), event.seq));
        let most = asked.chain(joins.map(|event| event.seq)).max().unwrap_or_default();
        let furthest = seen.iter().map(|(_, read)| *read).max().unwrap_or_default();
        ensure!(furthest <= most, "{user} has read {furthest}, and asked for {most} at most");
        Ok(())
    }

    /// The heads before a step and after it.
    fn bounds(&self, step: usize, room: RoomId) -> (Seq, Seq) {
        let head = |at: usize| self.bounds.get(at).and_then(|heads| heads.get(&room)).copied();
        let now = self.logs.get(&room).map(Log::head).unwrap_or_default();
        (head(step).unwrap_or(now), head(step + 1).unwrap_or(now))
    }

    fn log(&self, room: RoomId) -> Result<&Log, Violation> {
        self.logs.get(&room).ok_or_else(|| Violation::Broken(format!("nothing is known of room {room}")))
    }
}

fn previous(seq: Seq) -> Seq {
    Seq::new(seq.get().saturating_sub(1))
}
