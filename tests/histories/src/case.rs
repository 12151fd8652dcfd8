//! What can happen, and how it is drawn. People, rooms and sockets are named by their numbers, so that a
//! history stays meaningful when parts of it are taken out.

use madang_domain::Role;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
};

/// Few people, rooms and sockets, so that what they do meets.
pub(crate) const USERS: usize = 4;
/// Room 0 is public; room 1 is private.
pub(crate) const ROOMS: usize = 2;
/// Sockets that are open at the same time, at most. Socket `n` is of user `n % USERS`.
pub(crate) const SLOTS: usize = 6;
/// Gateways that run at the same time.
pub(crate) const GATEWAYS: usize = 2;
/// The steps of a history, at most.
const STEPS_MAX: usize = 24;
/// What happens at the same time, at most.
const AT_ONCE_MAX: usize = 5;
/// How slow a call to the store is made, at most, in milliseconds.
const SLOW_MAX_MS: u8 = 12;

/// A history to be played.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// One after another; the actions of one step at the same time.
    pub(crate) steps: Vec<Vec<Action>>,
    /// How the end is found.
    pub(crate) settle: Settle,
}

/// By which of its ways the fan-out is to become whole at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// One more message in each room: whoever misses something sees the gap and fills it.
    Bell,
    /// The bus says that entries may have been lost: heads are compared at once.
    Reset,
    /// Nothing: the periodic comparison of heads finds what is missing.
    Sweep,
}

/// Who asks for something, and by which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By REST.
    Rest {
        /// Who.
        user: usize,
        /// At which gateway.
        gateway: usize,
    },
    /// Over a socket, as its user.
    Socket(usize),
}

/// Which idempotency key a message is sent under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// One of its own.
    Fresh,
    /// One that the user has used in the room in an earlier step, where there is one.
    Again(u8),
}

/// From where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// No cursor.
    Now,
    /// The last place that the slot's sockets have seen.
    Seen,
    /// So many places before that.
    Older(u8),
    /// The beginning.
    Start,
    /// A place that does not exist yet.
    Future,
    /// The last place seen, in another history.
    WrongEpoch,
}

/// What befalls the entries that a gateway gets from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BusFault {
    /// The next ones are lost.
    Drop(u8),
    /// The next ones come at the very end.
    Hold(u8),
    /// The next ones come in the reverse order, when the last of them is there.
    Reverse(u8),
    /// The next ones come twice.
    Repeat(u8),
    /// The bus says that entries may have been lost.
    Reset,
    /// New registrations are put off until the end.
    Deaf,
}

/// A kind of call to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A message.
    Append,
    /// A change of members or of the room, or of a read mark.
    Change,
    /// The opening of a subscription.
    Open,
    /// A repair's read.
    Read,
    /// A comparison of heads.
    Heads,
}

/// What befalls a call to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It fails, and nothing was done.
    FailBefore,
    /// It fails, and yet it was done.
    FailAfter,
    /// It leaves late, by milliseconds.
    SlowBefore(u8),
    /// Its answer comes late, by milliseconds.
    SlowAfter(u8),
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A message.
    Send { by: By, room: usize, key: Key },
    /// A user joins.
    Join { user: usize, room: usize, gateway: usize },
    /// A user leaves.
    Leave { user: usize, room: usize, gateway: usize },
    /// A user is added, or gets a role.
    Put { actor: usize, user: usize, room: usize, role: Role, gateway: usize },
    /// A user is removed.
    Remove { actor: usize, user: usize, room: usize, gateway: usize },
    /// A room gets another name.
    Rename { actor: usize, room: usize, name: u8, gateway: usize },
    /// A read mark moves.
    Read { by: By, room: usize, seq: u8 },
    /// A socket is opened; one that was there is cut.
    Open { slot: usize, gateway: usize },
    /// A socket is cut.
    Cut { slot: usize },
    /// A socket subscribes.
    Subscribe { slot: usize, rooms: Vec<(usize, From)> },
    /// A socket subscribes to every room that its user is in.
    SubscribeAll { slot: usize, seen: bool },
    /// A socket unsubscribes.
    Unsubscribe { slot: usize, room: usize },
    /// The bus fails for a gateway.
    Bus { gateway: usize, fault: BusFault },
    /// The next call of a kind fails for a gateway.
    Store { gateway: usize, call: Call, how: How },
    /// A gateway is killed, and another takes its place.
    Kill { gateway: usize },
}

fn user() -> impl Strategy<Value = usize> {
    0..USERS
}

fn room() -> impl Strategy<Value = usize> {
    // Most of it in one room, so that it meets.
    prop_oneof![3 => Just(0), 1 => Just(1)]
}

fn gateway() -> impl Strategy<Value = usize> {
    0..GATEWAYS
}

fn slot() -> impl Strategy<Value = usize> {
    0..SLOTS
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        1 => (user(), gateway()).prop_map(|(user, gateway)| By::Rest { user, gateway }),
        2 => slot().prop_map(By::Socket),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![3 => Just(Key::Fresh), 1 => any::<u8>().prop_map(Key::Again)]
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        3 => Just(From::Now),
        5 => Just(From::Seen),
        2 => (1_u8..8).prop_map(From::Older),
        3 => Just(From::Start),
        1 => Just(From::Future),
        1 => Just(From::WrongEpoch),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![3 => Just(Role::Member), 1 => Just(Role::Moderator), 1 => Just(Role::Owner)]
}

fn member_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (user(), room(), gateway()).prop_map(|(user, room, gateway)| Action::Join { user, room, gateway }),
        2 => (user(), room(), gateway()).prop_map(|(user, room, gateway)| Action::Leave { user, room, gateway }),
        3 => (0..2_usize, user(), room(), role(), gateway())
            .prop_map(|(actor, user, room, role, gateway)| Action::Put { actor, user, room, role, gateway }),
        3 => (0..2_usize, user(), room(), gateway())
            .prop_map(|(actor, user, room, gateway)| Action::Remove { actor, user, room, gateway }),
        1 => (0..2_usize, room(), any::<u8>(), gateway())
            .prop_map(|(actor, room, name, gateway)| Action::Rename { actor, room, name, gateway }),
    ]
}

fn socket_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => (slot(), gateway()).prop_map(|(slot, gateway)| Action::Open { slot, gateway }),
        1 => slot().prop_map(|slot| Action::Cut { slot }),
        8 => (slot(), room(), from())
            .prop_map(|(slot, room, from)| Action::Subscribe { slot, rooms: vec![(room, from)] }),
        2 => (slot(), from(), from())
            .prop_map(|(slot, a, b)| Action::Subscribe { slot, rooms: vec![(0, a), (1, b)] }),
        1 => (slot(), any::<bool>()).prop_map(|(slot, seen)| Action::SubscribeAll { slot, seen }),
        1 => (slot(), room()).prop_map(|(slot, room)| Action::Unsubscribe { slot, room }),
    ]
}

fn bus_fault() -> impl Strategy<Value = BusFault> {
    let few = || 1_u8..4;
    prop_oneof![
        3 => few().prop_map(BusFault::Drop),
        2 => few().prop_map(BusFault::Hold),
        3 => (2_u8..4).prop_map(BusFault::Reverse),
        1 => few().prop_map(BusFault::Repeat),
        1 => Just(BusFault::Reset),
        1 => Just(BusFault::Deaf),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => Just(Call::Append),
        2 => Just(Call::Change),
        3 => Just(Call::Open),
        1 => Just(Call::Read),
        1 => Just(Call::Heads),
    ]
}

fn how() -> impl Strategy<Value = How> {
    let ms = || 1..=SLOW_MAX_MS;
    prop_oneof![
        1 => Just(How::FailBefore),
        2 => Just(How::FailAfter),
        2 => ms().prop_map(How::SlowBefore),
        3 => ms().prop_map(How::SlowAfter),
    ]
}

fn fault_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => (gateway(), bus_fault()).prop_map(|(gateway, fault)| Action::Bus { gateway, fault }),
        5 => (gateway(), call(), how()).prop_map(|(gateway, call, how)| Action::Store { gateway, call, how }),
        1 => gateway().prop_map(|gateway| Action::Kill { gateway }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        10 => (by(), room(), key()).prop_map(|(by, room, key)| Action::Send { by, room, key }),
        6 => member_action(),
        3 => (by(), room(), 0_u8..40).prop_map(|(by, room, seq)| Action::Read { by, room, seq }),
        10 => socket_action(),
        4 => fault_action(),
    ]
}

/// Sockets of one gateway subscribe at once, while something is said and answers come in any order: so a hub begins.
fn rush() -> impl Strategy<Value = Vec<Action>> {
    let subscribers = vec((0..SLOTS / GATEWAYS, from()), 2..=3);
    let sends = vec((by(), key()), 1..=3);
    (gateway(), room(), subscribers, sends, vec(how(), 0..=2)).prop_map(
        |(gateway, room, subscribers, sends, slow)| {
            let slow = slow.into_iter().map(|how| Action::Store { gateway, call: Call::Open, how });
            // Where none is open yet, slot n opens at gateway n % GATEWAYS.
            let subscribes = subscribers.into_iter().map(|(nth, from)| Action::Subscribe {
                slot: nth * GATEWAYS + gateway,
                rooms: vec![(room, from)],
            });
            let sends = sends.into_iter().map(|(by, key)| Action::Send { by, room, key });
            slow.chain(subscribes).chain(sends).collect()
        },
    )
}

/// A history that ends by one of these ways.
pub(crate) fn case(settles: &'static [Settle]) -> impl Strategy<Value = Case> {
    let single = || vec(action(), 1);
    let several = || vec(action(), 2..=AT_ONCE_MAX);
    let first = prop_oneof![1 => single(), 1 => rush()];
    let step = prop_oneof![6 => single(), 4 => several(), 1 => rush()];
    (first, vec(step, 0..STEPS_MAX), proptest::sample::select(settles)).prop_map(|(first, rest, settle)| {
        Case { steps: std::iter::once(first).chain(rest).collect(), settle }
    })
}
