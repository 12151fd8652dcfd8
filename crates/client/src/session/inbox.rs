//! The user's own inbox: what the connection has said of it, and what was handed out.
//!
//! The server follows the inbox for every socket from now on, and says where that is. Where the cursor is behind, the
//! inbox is asked for from there; until that is answered, notices are not handed out, for they come again.

use madang_contract::Inbox as Stands;
use madang_domain::{Cursor, Epoch, Seq};

use super::Fault;

/// What to do after the server has said where the inbox stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// Notices follow.
    Follows,
    /// The cursor is behind: ask for what was missed.
    Ask(Cursor),
    /// More was missed than is replayed, or the log is another one: page `GET /v1/inbox` for what lies between.
    Missed,
}

/// What to do with a notice.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    HandOut,
    /// It comes again, or has been.
    Skip,
    Repeat(Fault),
    /// Notices before it are missing: ask for them.
    Gap(Fault, Cursor),
}

#[derive(Debug)]
pub(super) struct Inbox {
    handed_out: Option<Seq>,
    epoch: Option<Epoch>,
    /// The last place that this connection spoke of; none while what it says is not what follows the cursor.
    wire: Option<Seq>,
}

impl Inbox {
    pub(super) fn new(since: Option<Cursor>) -> Self {
        Self {
            handed_out: since.map(|cursor| cursor.seq),
            epoch: since.and_then(|cursor| cursor.epoch),
            wire: None,
        }
    }

    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.handed_out.map(|seq| Cursor { seq, epoch: self.epoch })
    }

    pub(super) const fn disconnected(&mut self) {
        self.wire = None;
    }

    pub(super) fn opened(&mut self, stands: &Stands) -> Opened {
        let known = self.epoch.replace(stands.epoch);
        let is_other = known.is_some_and(|known| known != stands.epoch);
        match self.handed_out {
            Some(seen) if is_other || !stands.complete || stands.head < seen => {
                self.begin(stands.from);
                Opened::Missed
            }
            // From now on: what lies between is asked for.
            Some(seen) if stands.from > seen => {
                self.wire = None;
                Opened::Ask(Cursor { seq: seen, epoch: self.epoch })
            }
            Some(_) => {
                self.wire = Some(stands.from);
                Opened::Follows
            }
            None => {
                self.begin(stands.from);
                Opened::Follows
            }
        }
    }

    fn begin(&mut self, from: Seq) {
        self.wire = Some(from);
        self.handed_out = Some(from);
    }

    pub(super) fn arrived(&mut self, seq: Seq) -> Verdict {
        let (Some(last), Some(seen)) = (self.wire, self.handed_out) else { return Verdict::Skip };
        if seq <= last {
            return Verdict::Repeat(Fault::InboxRepeat { last, got: seq });
        }
        if seq > last.next() {
            self.wire = None;
            let fault = Fault::InboxGap { expected: last.next(), got: seq };
            return Verdict::Gap(fault, Cursor { seq: seen, epoch: self.epoch });
        }
        self.wire = Some(seq);
        // What was asked for twice.
        if seq <= seen {
            return Verdict::Skip;
        }
        self.handed_out = Some(seq);
        Verdict::HandOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch::new(1);

    fn inbox(since: Option<u64>) -> Inbox {
        Inbox::new(since.map(|seq| Cursor { seq: Seq::new(seq), epoch: Some(EPOCH) }))
    }

    fn stands(from: u64, head: u64, complete: bool) -> Stands {
        let (from, head) = (Seq::new(from), Seq::new(head));
        Stands { epoch: EPOCH, head, from, complete, read: Seq::START, unread: 0 }
    }

    fn arrive(inbox: &mut Inbox, seq: u64) -> Verdict {
        inbox.arrived(Seq::new(seq))
    }

    #[test]
    fn notices_follow_from_where_the_server_begins() {
        let mut inbox = inbox(None);
        assert_eq!(arrive(&mut inbox, 1), Verdict::Skip, "before it was said where");
        assert_eq!(inbox.opened(&stands(4, 4, true)), Opened::Follows);
        assert_eq!(arrive(&mut inbox, 5), Verdict::HandOut);
        assert!(matches!(arrive(&mut inbox, 5), Verdict::Repeat(_)));
        assert!(matches!(arrive(&mut inbox, 7), Verdict::Gap(_, Cursor { seq, .. }) if seq == Seq::new(5)));
    }

    #[test]
    fn what_was_missed_is_asked_for_and_handed_out_once() {
        let mut inbox = inbox(Some(4));
        assert!(
            matches!(inbox.opened(&stands(6, 6, true)), Opened::Ask(Cursor { seq, .. }) if seq == Seq::new(4))
        );
        assert_eq!(arrive(&mut inbox, 7), Verdict::Skip, "it comes again behind what was missed");
        assert_eq!(inbox.opened(&stands(4, 7, true)), Opened::Follows);
        assert_eq!([5, 6, 7, 8].map(|seq| arrive(&mut inbox, seq)), [const { Verdict::HandOut }; 4]);
        // Nothing was missed: nothing is asked.
        inbox.disconnected();
        assert_eq!(inbox.opened(&stands(8, 8, true)), Opened::Follows);
        assert_eq!(arrive(&mut inbox, 9), Verdict::HandOut);
    }

    #[test]
    fn what_is_not_replayed_is_told() {
        let mut long_away = inbox(Some(4));
        assert_eq!(long_away.opened(&stands(900, 900, false)), Opened::Missed);
        assert_eq!(arrive(&mut long_away, 901), Verdict::HandOut);
        let mut restored = inbox(Some(4));
        let other = Stands { epoch: Epoch::new(2), ..stands(9, 9, true) };
        assert_eq!(restored.opened(&other), Opened::Missed);
        let mut future = inbox(Some(4));
        assert_eq!(future.opened(&stands(3, 3, true)), Opened::Missed);
        assert_eq!(arrive(&mut future, 4), Verdict::HandOut);
    }
}
