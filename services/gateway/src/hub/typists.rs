//! Who types in a room. Each gateway remembers it for the sockets that it told, so that nobody types for ever: typing ends
//! when the typist says so, when the socket that said it goes, when the typist leaves the room, or after a time.
//!
//! A state machine without a clock, tasks or I/O. The end that a socket's going makes is said to the other gateways too;
//! the ends by time and by leaving each gateway sees for itself.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use madang_contract::WireFrame;
use madang_domain::{ConnectionId, Seq, UserId};
use tokio::time::Instant;

/// How long somebody types who does not say it again.
pub(crate) const TYPING_EXPIRES: Duration = Duration::from_secs(6);
/// Before so much of that has passed, saying it again is not told: the others know.
const REPEAT_AFTER: Duration = Duration::from_secs(3);
/// The typists of a room who are told at once. Nobody reads more names; one more is not told.
const TYPISTS_MAX: usize = 100;

/// That somebody types, or has stopped.
#[derive(Debug, Clone)]
pub(crate) struct TypingSignal {
    pub(crate) user: UserId,
    /// The typist's socket, where it is here.
    pub(crate) connection: Option<ConnectionId>,
    /// The root of the thread in which it is.
    pub(crate) thread: Option<Seq>,
    /// Who is not told, in order: the typist has blocked them.
    pub(crate) but_for: Arc<[UserId]>,
    /// What the other subscribers are told.
    pub(crate) frame: WireFrame,
    /// How it ends without a word of the typist; none where the typist has stopped.
    pub(crate) end: Option<TypingEnd>,
}

/// The end of somebody's typing, as it will be told.
#[derive(Debug, Clone)]
pub(crate) struct TypingEnd {
    /// What subscribers are told.
    pub(crate) frame: WireFrame,
    /// What the other gateways are told; none where the typist's socket is at one of them.
    pub(crate) entry: Option<Bytes>,
}

/// The typists of one room.
#[derive(Debug, Default)]
pub(super) struct Typists(Vec<Typist>);

#[derive(Debug)]
struct Typist {
    user: UserId,
    connection: Option<ConnectionId>,
    thread: Option<Seq>,
    but_for: Arc<[UserId]>,
    until: Instant,
    end: TypingEnd,
}

/// Somebody's typing has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) user: UserId,
    /// Who is not told.
    pub(super) but_for: Arc<[UserId]>,
    /// What the other subscribers are told.
    pub(super) frame: WireFrame,
    /// What the other gateways are told, where they cannot see it for themselves.
    pub(super) entry: Option<Bytes>,
}

impl Typists {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a signal of a socket's is news to the others.
    pub(super) fn is_news(
        &self,
        user: UserId,
        connection: ConnectionId,
        on: bool,
        thread: Option<Seq>,
        now: Instant,
    ) -> bool {
        match self.0.iter().find(|typist| typist.user == user && typist.connection == Some(connection)) {
            // Who goes on in another place types there alone.
            Some(typist) if on && typist.thread != thread => true,
            Some(typist) if on => typist.until <= now + (TYPING_EXPIRES - REPEAT_AFTER),
            Some(_) => true,
            None => on,
        }
    }

    /// Notes a signal. Answers whether subscribers are to be told.
    pub(super) fn note(&mut self, signal: &TypingSignal, now: Instant) -> bool {
        let at = self.0.iter().position(|typist| typist.user == signal.user);
        let Some(end) = signal.end.clone() else {
            return at.map(|at| self.0.swap_remove(at)).is_some();
        };
        let TypingSignal { user, connection, thread, .. } = *signal;
        let (but_for, until) = (Arc::clone(&signal.but_for), now + TYPING_EXPIRES);
        let typist = Typist { user, connection, thread, but_for, until, end };
        match at {
            Some(at) => self.0[at] = typist,
            None if self.0.len() < TYPISTS_MAX => self.0.push(typist),
            None => return false,
        }
        true
    }

    /// The socket does not subscribe any more.
    pub(super) fn disconnected(&mut self, connection: ConnectionId) -> Option<Ended> {
        let at = self.0.iter().position(|typist| typist.connection == Some(connection))?;
        Some(self.0.swap_remove(at).ended(true))
    }

    /// The user is no member any more.
    pub(super) fn left(&mut self, user: UserId) -> Option<Ended> {
        let at = self.0.iter().position(|typist| typist.user == user)?;
        Some(self.0.swap_remove(at).ended(false))
    }

    /// Whose time is over, and whose socket, by `subscribes`, has gone without a word.
    pub(super) fn lapsed(&mut self, now: Instant, subscribes: impl Fn(ConnectionId) -> bool) -> Vec<Ended> {
        let gone = |typist: &Typist| typist.connection.is_some_and(|connection| !subscribes(connection));
        let over = self.0.extract_if(.., |typist| typist.until <= now || gone(typist));
        over.map(|typist| {
            let is_in_time = typist.until > now;
            typist.ended(is_in_time)
        })
        .collect()
    }
}

impl Typist {
    fn ended(self, is_told_elsewhere: bool) -> Ended {
        let Self { user, connection: _, thread: _, but_for, until: _, end } = self;
        Ended { user, but_for, frame: end.frame, entry: end.entry.filter(|_| is_told_elsewhere) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    fn signal(number: u128, connection: Option<u64>, on: bool) -> TypingSignal {
        let frame = |on: bool| WireFrame::json(&on);
        TypingSignal {
            user: user(number),
            connection: connection.map(ConnectionId::new),
            thread: None,
            but_for: Arc::default(),
            frame: frame(on),
            end: on.then(|| TypingEnd { frame: frame(false), entry: Some(Bytes::from_static(b"end")) }),
        }
    }

    fn lapsed(typists: &mut Typists, now: Instant) -> Vec<UserId> {
        typists.lapsed(now, |_| true).into_iter().map(|ended| ended.user).collect()
    }

    #[test]
    fn typing_ends_after_its_time_unless_it_is_said_again() {
        let (mut typists, start) = (Typists::default(), Instant::now());
        assert!(typists.note(&signal(1, Some(1), true), start));
        assert!(typists.note(&signal(2, None, true), start));
        assert!(typists.note(&signal(1, Some(1), true), start + REPEAT_AFTER));
        assert_eq!(lapsed(&mut typists, start + TYPING_EXPIRES - Duration::from_millis(1)), []);
        assert_eq!(lapsed(&mut typists, start + TYPING_EXPIRES), [user(2)]);
        assert_eq!(lapsed(&mut typists, start + REPEAT_AFTER + TYPING_EXPIRES), [user(1)]);
        assert!(typists.is_empty());
    }

    #[test]
    fn what_the_others_know_is_no_news() {
        let (mut typists, start) = (Typists::default(), Instant::now());
        let connection = ConnectionId::new(1);
        assert!(typists.is_news(user(1), connection, true, None, start));
        assert!(!typists.is_news(user(1), connection, false, None, start), "who does not type cannot stop");
        typists.note(&signal(1, Some(1), true), start);
        assert!(!typists.is_news(
            user(1),
            connection,
            true,
            None,
            start + REPEAT_AFTER - Duration::from_millis(1)
        ));
        assert!(typists.is_news(user(1), connection, true, None, start + REPEAT_AFTER));
        assert!(typists.is_news(user(1), connection, false, None, start));
        let thread = Some(Seq::new(3));
        assert!(typists.is_news(user(1), connection, true, thread, start), "in another place");
        assert!(!typists.is_news(user(1), ConnectionId::new(2), false, None, start), "another device types");
        assert!(typists.note(&signal(1, Some(1), false), start));
        assert!(!typists.note(&signal(1, None, false), start), "nobody types");
    }

    #[test]
    fn a_socket_that_goes_ends_the_typing_everywhere() {
        let (mut typists, start) = (Typists::default(), Instant::now());
        typists.note(&signal(1, Some(1), true), start);
        typists.note(&signal(2, Some(2), true), start);
        assert!(typists.disconnected(ConnectionId::new(3)).is_none());
        let ended = typists.disconnected(ConnectionId::new(1)).unwrap();
        assert_eq!((ended.user, ended.entry.is_some()), (user(1), true));
        let gone = typists.lapsed(start, |_| false);
        assert_eq!(gone.len(), 1);
        assert!(gone[0].user == user(2) && gone[0].entry.is_some());
        typists.note(&signal(3, Some(3), true), start);
        let left = typists.left(user(3)).unwrap();
        assert!(left.entry.is_none(), "each gateway hears of it by the log");
    }

    #[test]
    fn the_typists_of_a_room_are_bounded() {
        let (mut typists, now) = (Typists::default(), Instant::now());
        let told = (0..200).filter(|number| typists.note(&signal(*number, None, true), now)).count();
        assert_eq!(told, TYPISTS_MAX);
        assert!(typists.note(&signal(0, None, true), now), "who is told already goes on");
    }
}
