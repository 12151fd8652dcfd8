//! One room: what the connection has said of it, and what was handed out.
//!
//! Two places are kept apart. `wire` is the last place that this connection spoke of, by which the server
//! is judged: there, every event must follow the one before. `handed_out` is the cursor. They differ while
//! history is paged: then live events only move `wire` on, and pages are asked for until the cursor has
//! reached it. So nothing has to be held back in memory, however much happens meanwhile.

use madang_domain::{Cursor, Epoch, RoomId, Seq};

use super::Fault;

/// What to do after a subscription was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// What was missed follows on the connection.
    Follows,
    /// Page history.
    Page,
    /// The cursor is void; events go on after `from`.
    Reset { epoch: Epoch, from: Seq },
}

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand it out.
    HandOut,
    /// It has been or will be handed out from a page.
    Skip,
    /// It came twice; drop it.
    Repeat(Fault),
    /// Events before it are missing: page history.
    Gap(Fault),
}

/// What to do after a page of history.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Paged {
    /// Ask for the next one.
    More,
    /// The cursor has reached the connection.
    CaughtUp,
    /// There is no more, though there should be.
    Short(Fault),
}

/// What was answered to `subscribe`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) epoch: Epoch,
    pub(super) from: Seq,
    pub(super) complete: bool,
}

#[derive(Debug)]
pub(super) struct Room {
    id: RoomId,
    /// The last place that was handed out; none before the first subscription from now is answered.
    handed_out: Option<Seq>,
    epoch: Option<Epoch>,
    /// The last place that this connection spoke of; none while it has not answered.
    wire: Option<Seq>,
    paging: bool,
}

impl Room {
    pub(super) fn new(id: RoomId, since: Option<Cursor>) -> Self {
        Self {
            id,
            handed_out: since.map(|cursor| cursor.seq),
            epoch: since.and_then(|cursor| cursor.epoch),
            wire: None,
            paging: false,
        }
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.handed_out.map(|seq| Cursor { seq, epoch: self.epoch })
    }

    pub(super) const fn is_paging(&self) -> bool {
        self.paging
    }

    pub(super) const fn is_open(&self) -> bool {
        self.wire.is_some()
    }

    /// The connection is lost.
    pub(super) const fn disconnected(&mut self) {
        self.wire = None;
        self.paging = false;
    }

    /// The subscription is answered.
    pub(super) fn opened(&mut self, answer: Answer) -> Result<Opened, Fault> {
        let Answer { epoch, from, complete } = answer;
        self.wire = Some(from);
        self.paging = false;
        let Some(cursor) = self.handed_out else {
            self.handed_out = Some(from);
            self.epoch = Some(epoch);
            return Ok(Opened::Follows);
        };
        let known = self.epoch.replace(epoch);
        if known.is_some_and(|known| known != epoch) || (!complete && from < cursor) {
            self.handed_out = Some(from);
            return Ok(Opened::Reset { epoch, from });
        }
        if complete && from != cursor {
            let fault = Fault::WrongStart { room: self.id, cursor, from };
            // Events after `from` follow; what lies between is paged, what lies before is skipped.
            self.paging = from > cursor;
            return Err(fault);
        }
        self.paging = from > cursor;
        Ok(if self.paging { Opened::Page } else { Opened::Follows })
    }

    /// An event came on the connection. None: the room was not answered for, so the event is of a
    /// subscription that has ended.
    pub(super) fn arrived(&mut self, seq: Seq) -> Option<Verdict> {
        let last = self.wire?;
        if seq <= last {
            return Some(Verdict::Repeat(Fault::Repeat { room: self.id, last, got: seq }));
        }
        self.wire = Some(seq);
        if seq != last.next() {
            self.paging = true;
            return Some(Verdict::Gap(Fault::Gap { room: self.id, expected: last.next(), got: seq }));
        }
        if self.paging {
            return Some(Verdict::Skip);
        }
        Some(self.hand_out(seq))
    }

    /// An event of a page of history.
    pub(super) fn paged(&mut self, seq: Seq) -> Verdict {
        self.hand_out(seq)
    }

    /// A page has ended; `items` were in it.
    pub(super) fn page_ended(&mut self, items: usize) -> Paged {
        let (Some(at), Some(head)) = (self.handed_out, self.wire) else { return Paged::CaughtUp };
        if at >= head {
            self.paging = false;
            Paged::CaughtUp
        } else if items == 0 {
            Paged::Short(Fault::HistoryShort { room: self.id, at, head })
        } else {
            Paged::More
        }
    }

    fn hand_out(&mut self, seq: Seq) -> Verdict {
        let expected = self.handed_out.unwrap_or(Seq::START).next();
        if seq < expected {
            return Verdict::Skip;
        }
        if seq > expected {
            return Verdict::Gap(Fault::Gap { room: self.id, expected, got: seq });
        }
        self.handed_out = Some(seq);
        Verdict::HandOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch::new(1);

    fn room(since: Option<u64>) -> Room {
        let id = RoomId::new(uuid::Uuid::from_u128(1));
        Room::new(id, since.map(|seq| Cursor { seq: Seq::new(seq), epoch: Some(EPOCH) }))
    }

    fn answer(from: u64, complete: bool) -> Answer {
        Answer { epoch: EPOCH, from: Seq::new(from), complete }
    }

    fn arrive(room: &mut Room, seq: u64) -> Verdict {
        room.arrived(Seq::new(seq)).unwrap()
    }

    #[test]
    fn events_follow_the_cursor_through_a_reconnect() {
        let mut room = room(Some(4));
        assert_eq!(room.opened(answer(4, true)), Ok(Opened::Follows));
        assert_eq!(arrive(&mut room, 5), Verdict::HandOut);
        room.disconnected();
        assert_eq!(room.arrived(Seq::new(6)), None);
        assert_eq!(room.opened(answer(5, true)), Ok(Opened::Follows));
        assert_eq!(arrive(&mut room, 6), Verdict::HandOut);
        assert_eq!(room.cursor().unwrap().seq, Seq::new(6));
    }

    #[test]
    fn a_gap_and_a_repeat_are_told() {
        let mut room = room(None);
        room.opened(answer(9, true)).unwrap();
        assert!(matches!(arrive(&mut room, 9), Verdict::Repeat(Fault::Repeat { .. })));
        assert_eq!(arrive(&mut room, 10), Verdict::HandOut);
        assert!(matches!(arrive(&mut room, 10), Verdict::Repeat(_)));
        assert!(matches!(arrive(&mut room, 12), Verdict::Gap(Fault::Gap { .. })));
        // The gap is healed from history.
        assert!(room.is_paging());
        assert_eq!(arrive(&mut room, 13), Verdict::Skip);
        assert_eq!([11, 12].map(|seq| room.paged(Seq::new(seq))), [Verdict::HandOut, Verdict::HandOut]);
        assert_eq!(room.page_ended(2), Paged::More);
        assert_eq!(room.paged(Seq::new(13)), Verdict::HandOut);
        assert_eq!(room.page_ended(1), Paged::CaughtUp);
        assert_eq!(arrive(&mut room, 14), Verdict::HandOut);
    }

    #[test]
    fn history_is_paged_where_the_replay_is_not_whole() {
        let mut room = room(Some(2));
        assert_eq!(room.opened(answer(5, false)), Ok(Opened::Page));
        // A page may reach further than the connection has.
        for seq in 3..=6 {
            assert_eq!(room.paged(Seq::new(seq)), Verdict::HandOut);
        }
        assert_eq!(room.page_ended(4), Paged::CaughtUp);
        assert_eq!(arrive(&mut room, 6), Verdict::Skip);
        assert_eq!(arrive(&mut room, 7), Verdict::HandOut);
    }

    #[test]
    fn history_that_ends_too_early_is_told() {
        let mut room = room(Some(2));
        room.opened(answer(5, false)).unwrap();
        assert!(matches!(room.page_ended(0), Paged::Short(Fault::HistoryShort { .. })));
        assert!(matches!(room.paged(Seq::new(4)), Verdict::Gap(_)));
    }

    #[test]
    fn a_cursor_of_another_history_is_void() {
        let mut room = room(Some(7));
        let other = Answer { epoch: Epoch::new(2), from: Seq::new(3), complete: false };
        assert_eq!(room.opened(other), Ok(Opened::Reset { epoch: Epoch::new(2), from: Seq::new(3) }));
        assert_eq!(arrive(&mut room, 4), Verdict::HandOut);
    }

    #[test]
    fn a_replay_from_another_place_is_told() {
        let mut early = room(Some(7));
        assert!(matches!(early.opened(answer(5, true)), Err(Fault::WrongStart { .. })));
        assert_eq!(
            [6, 7, 8].map(|seq| arrive(&mut early, seq)),
            [Verdict::Skip, Verdict::Skip, Verdict::HandOut]
        );
        let mut late = room(Some(7));
        assert!(late.opened(answer(9, true)).is_err());
        assert!(late.is_paging());
    }
}
