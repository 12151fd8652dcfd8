//! What a session decides: given what arrived and what time it is, what to write and what to tell. It does
//! no I/O and starts no timers.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use madang_contract::{
    Ack, Answer as Done, ClientFrame, ErrorFrame, Hello, Request, RoomSince, ServerFrame, Subscribe,
    SubscribedRoom,
};
use madang_domain::{Code, Cursor, RoomId, Seq, limits::PAGE_MAX_ITEMS};
use madang_flow_control::Backoff;
use rand::{RngExt as _, rngs::StdRng};
use tokio::{sync::oneshot, time::Instant};

use super::{
    Fault, Sent, SessionEvent, SessionOptions, SubscribeError,
    inbox::{self, Inbox},
    outbox::{Outbox, Unsent},
    refusal::{passes, retry_after},
    requests::{Question, Requests},
    room::{Answer, Opened, Paged, Room, Verdict},
};
use crate::socket::{Close, Incoming, RoomEvent};

type SubscribeReply = oneshot::Sender<Result<Cursor, SubscribeError>>;

/// A room that somebody wants to listen to.
struct Wanted {
    room: Room,
    /// Callers who wait for the first answer.
    waiting: Vec<SubscribeReply>,
    /// When to ask for it; none while an answer is on its way or the room is open.
    ask_at: Option<Instant>,
    refusals: u32,
    /// To be asked for by itself: together with others it was refused, and the refusal may be theirs.
    alone: bool,
}

/// The connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GiveUpConnection(pub(super) &'static str);

pub(super) struct Core {
    backoff: Backoff,
    send_deadline: Duration,
    random: StdRng,
    rooms: HashMap<RoomId, Wanted>,
    inbox: Inbox,
    outbox: Outbox,
    requests: Requests,
    /// The rooms of one `subscribe`; none while there is no connection.
    connected: Option<usize>,
    /// What the server said of when to come back.
    reconnect_after: Option<Duration>,
    writes: VecDeque<Request>,
    told: VecDeque<Result<SessionEvent, Fault>>,
}

impl Core {
    pub(super) fn new(options: &SessionOptions, random: StdRng) -> Self {
        Self {
            backoff: options.backoff,
            send_deadline: options.send_deadline,
            random,
            rooms: HashMap::new(),
            inbox: Inbox::new(options.inbox),
            outbox: Outbox::default(),
            requests: Requests::new(options.answer_deadline),
            connected: None,
            reconnect_after: None,
            writes: VecDeque::new(),
            told: VecDeque::new(),
        }
    }

    /// What to tell, oldest first. It grows by what one frame holds, and the actor reads no further
    /// frame before it is empty.
    pub(super) const fn told(&mut self) -> &mut VecDeque<Result<SessionEvent, Fault>> {
        &mut self.told
    }

    pub(super) fn next_write(&mut self) -> Option<Request> {
        self.writes.pop_front()
    }

    // What callers want.

    pub(super) fn subscribe(
        &mut self,
        id: RoomId,
        since: Option<Cursor>,
        reply: SubscribeReply,
        now: Instant,
    ) {
        let wanted = self.rooms.entry(id).or_insert_with(|| Wanted {
            room: Room::new(id, since),
            waiting: Vec::new(),
            ask_at: Some(now),
            refusals: 0,
            alone: false,
        });
        match wanted.room.cursor() {
            Some(cursor) if wanted.room.is_open() => drop(reply.send(Ok(cursor))),
            _ => wanted.waiting.push(reply),
        }
    }

    pub(super) fn unsubscribe(&mut self, id: RoomId, now: Instant) {
        if self.rooms.remove(&id).is_some() {
            self.tell_server(ClientFrame::Unsubscribe { rooms: vec![id.into()] }, now);
        }
    }

    pub(super) fn send(&mut self, unsent: Unsent, now: Instant) {
        self.outbox.push(unsent, now, self.send_deadline);
    }

    /// A frame for this connection alone.
    pub(super) fn tell_server(&mut self, frame: ClientFrame, now: Instant) {
        if self.connected.is_some() {
            self.ask(frame, Question::Other, now);
        }
    }

    pub(super) fn cursor(&self, id: RoomId) -> Option<Cursor> {
        self.rooms.get(&id).and_then(|wanted| wanted.room.cursor())
    }

    pub(super) fn inbox_cursor(&self) -> Option<Cursor> {
        self.inbox.cursor()
    }

    // What happens to the connection.

    pub(super) fn connected(&mut self, hello: Hello<'static>, now: Instant) {
        self.connected = Some(hello.limits.subscribe_rooms.max(1));
        self.reconnect_after = None;
        for wanted in self.rooms.values_mut() {
            wanted.ask_at = Some(now);
            wanted.refusals = 0;
        }
        self.told.push_back(Ok(SessionEvent::Connected(hello)));
    }

    /// The server has said when to come back, should the connection end.
    pub(super) const fn come_back_after(&mut self, after: Duration) {
        self.reconnect_after = Some(after);
    }

    /// The connection is lost, or was not made for the `failures`-th time in a row; returns how long to
    /// wait before the next one.
    pub(super) fn disconnected(&mut self, close: Close, failures: u32, now: Instant) -> Duration {
        for wanted in self.rooms.values_mut() {
            wanted.room.disconnected();
        }
        self.inbox.disconnected();
        self.outbox.disconnected(now);
        self.requests.disconnected();
        self.writes.clear();
        let jitter = self.backoff.pause(failures, self.random.random());
        let retry_in = match self.reconnect_after.take() {
            // The server has spread its clients over the delays that it named.
            Some(after) => after,
            None => jitter,
        };
        if self.connected.take().is_some() {
            self.told.push_back(Ok(SessionEvent::Disconnected { close, retry_in }));
        }
        retry_in
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) -> Result<(), GiveUpConnection> {
        self.outbox.expire(now);
        if self.requests.next_at().is_some_and(|at| at <= now) {
            return Err(GiveUpConnection("a request was left without an answer"));
        }
        let Some(rooms_at_once) = self.connected else { return Ok(()) };
        let due = |wanted: &Wanted| wanted.ask_at.is_some_and(|at| at <= now);
        let due = self.rooms.iter().filter(|(_, wanted)| due(wanted));
        let (alone, mut together): (Vec<_>, Vec<_>) =
            due.map(|(id, wanted)| (*id, wanted.alone)).partition(|(_, alone)| *alone);
        together.sort_unstable();
        for chunk in together.chunks(rooms_at_once).chain(alone.chunks(1)) {
            let rooms: Vec<_> = chunk.iter().map(|(id, _)| *id).collect();
            self.ask_for_rooms(&rooms, now);
        }
        let requests = &mut self.requests;
        self.writes.extend(self.outbox.due(now, || requests.ask(Question::Send, now)));
        Ok(())
    }

    /// When [`Core::tick`] has something to do next.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let rooms =
            self.rooms.values().filter_map(|wanted| wanted.ask_at.filter(|_| self.connected.is_some()));
        rooms.chain(self.requests.next_at()).chain(self.outbox.next_at(self.connected.is_some())).min()
    }

    pub(super) fn arrived(&mut self, incoming: Incoming, now: Instant) -> Result<(), GiveUpConnection> {
        let asked = incoming.re().and_then(|id| self.requests.answered(id));
        match incoming {
            Incoming::Event(event) => self.event(event, now),
            Incoming::Notice(notice) => match self.inbox.arrived(notice.seq) {
                inbox::Verdict::HandOut => self.told.push_back(Ok(SessionEvent::Notice(notice))),
                inbox::Verdict::Skip => {}
                inbox::Verdict::Repeat(fault) => self.told.push_back(Err(fault)),
                inbox::Verdict::Gap(fault, cursor) => {
                    self.told.push_back(Err(fault));
                    self.ask_for_inbox(cursor, now);
                }
            },
            Incoming::Unknown(_) => {}
            Incoming::Ok(ok) => {
                if let Some(Question::History(room)) = asked {
                    return self.page(room, ok.answer, now);
                }
            }
            Incoming::Frame(frame) => match frame {
                ServerFrame::Subscribed(answer) => {
                    for room in answer.rooms {
                        self.subscribed(room, now)?;
                    }
                }
                ServerFrame::Inbox(stands) => match self.inbox.opened(&stands) {
                    inbox::Opened::Follows => {
                        self.told.push_back(Ok(SessionEvent::Inbox { stands, missed: false }));
                    }
                    inbox::Opened::Ask(cursor) => self.ask_for_inbox(cursor, now),
                    inbox::Opened::Missed => {
                        self.told.push_back(Ok(SessionEvent::Inbox { stands, missed: true }));
                    }
                },
                ServerFrame::CaughtUp(caught_up) => self.caught_up(caught_up.room, caught_up.seq),
                ServerFrame::Ack(ack) => self.acknowledged(ack),
                ServerFrame::Error(error) => return self.refused(asked, &error, now),
                ServerFrame::Reconnect(reconnect) => {
                    self.come_back_after(Duration::from_millis(reconnect.after_ms));
                }
                ServerFrame::Read(_)
                | ServerFrame::Delivered(_)
                | ServerFrame::InboxRead(_)
                | ServerFrame::Settings(_)
                | ServerFrame::Typing(_)
                | ServerFrame::Presence(_)
                | ServerFrame::Profile(_)
                | ServerFrame::Status(_)
                | ServerFrame::ThreadRead(_)
                | ServerFrame::MentionedHere(_) => {
                    self.told.push_back(Ok(SessionEvent::Ephemeral(frame)));
                }
                // A second `hello` does not come; events, notices and `ok` are told apart above; a pong says nothing.
                ServerFrame::Hello(_)
                | ServerFrame::Event(_)
                | ServerFrame::Notice(_)
                | ServerFrame::Ok(_)
                | ServerFrame::Pong(_) => {}
            },
        }
        Ok(())
    }

    /// Has the inbox followed anew, after the last notice that was handed out.
    fn ask_for_inbox(&mut self, cursor: Cursor, now: Instant) {
        let (inbox_since, inbox_epoch) = (Some(cursor.seq), cursor.epoch);
        let frame = ClientFrame::Subscribe(Subscribe { inbox_since, inbox_epoch, ..Subscribe::default() });
        self.ask(frame, Question::Other, now);
    }

    // Rooms.

    fn ask_for_rooms(&mut self, ids: &[RoomId], now: Instant) {
        let mut rooms = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(wanted) = self.rooms.get_mut(id) {
                wanted.ask_at = None;
                let cursor = wanted.room.cursor();
                rooms.push(RoomSince {
                    room: (*id).into(),
                    since: cursor.map(|cursor| cursor.seq),
                    epoch: cursor.and_then(|cursor| cursor.epoch),
                });
            }
        }
        let frame = ClientFrame::Subscribe(Subscribe { rooms, ..Subscribe::default() });
        self.ask(frame, Question::Subscribe(ids.to_vec()), now);
    }

    fn subscribed(&mut self, answer: SubscribedRoom<'static>, now: Instant) -> Result<(), GiveUpConnection> {
        match answer {
            SubscribedRoom::Failed { room, error } => {
                if let Ok(id) = room.parse() {
                    self.room_refused(id, error.code, &error.message, None, now);
                }
                Ok(())
            }
            SubscribedRoom::Open { room: id, epoch, from, complete, .. } => {
                let Some(wanted) = self.rooms.get_mut(&id) else { return Ok(()) };
                wanted.refusals = 0;
                wanted.alone = false;
                match wanted.room.opened(Answer { epoch, from, complete }) {
                    Ok(Opened::Follows | Opened::Page) => {}
                    Ok(Opened::Reset { epoch, from }) => {
                        self.told.push_back(Ok(SessionEvent::Reset { room: id, epoch, from }));
                    }
                    Err(fault) => self.told.push_back(Err(fault)),
                }
                if let Some(cursor) = wanted.room.cursor() {
                    for reply in wanted.waiting.drain(..) {
                        drop(reply.send(Ok(cursor)));
                    }
                }
                if wanted.room.is_paging() {
                    self.ask_for_page(id, now);
                }
                Ok(())
            }
        }
    }

    fn room_refused(&mut self, id: RoomId, code: Code, message: &str, after: Option<Duration>, now: Instant) {
        let Some(wanted) = self.rooms.get_mut(&id) else { return };
        if passes(code) {
            let delay = after.unwrap_or_else(|| self.backoff.pause(wanted.refusals, self.random.random()));
            wanted.ask_at = Some(now + delay);
            wanted.refusals += 1;
            return;
        }
        let Some(wanted) = self.rooms.remove(&id) else { return };
        if wanted.waiting.is_empty() {
            let message = message.to_owned();
            self.told.push_back(Ok(SessionEvent::RoomClosed { room: id, code, message }));
        }
        for reply in wanted.waiting {
            drop(reply.send(Err(SubscribeError::Refused { code, message: message.to_owned() })));
        }
    }

    fn event(&mut self, event: RoomEvent, now: Instant) {
        let id = event.room;
        let Some(wanted) = self.rooms.get_mut(&id) else { return };
        let was_paging = wanted.room.is_paging();
        match wanted.room.arrived(event.seq) {
            Some(Verdict::HandOut) => self.told.push_back(Ok(SessionEvent::Event(event))),
            Some(Verdict::Repeat(fault)) => self.told.push_back(Err(fault)),
            Some(Verdict::Gap(fault)) => {
                self.told.push_back(Err(fault));
                if !was_paging {
                    self.ask_for_page(id, now);
                }
            }
            Some(Verdict::Skip) | None => {}
        }
    }

    fn caught_up(&mut self, id: RoomId, seq: Seq) {
        // While history is paged, the end of the pages is where one has caught up.
        if self.rooms.get(&id).is_some_and(|wanted| wanted.room.is_open() && !wanted.room.is_paging()) {
            self.told.push_back(Ok(SessionEvent::CaughtUp { room: id, seq }));
        }
    }

    fn ask_for_page(&mut self, id: RoomId, now: Instant) {
        let after = Some(self.cursor(id).map_or(Seq::START, |cursor| cursor.seq));
        let frame =
            ClientFrame::History { room: id.into(), before: None, after, limit: Some(PAGE_MAX_ITEMS) };
        self.ask(frame, Question::History(id), now);
    }

    fn page(
        &mut self,
        id: RoomId,
        answer: Done<'static, RoomEvent>,
        now: Instant,
    ) -> Result<(), GiveUpConnection> {
        let Done::History(page) = answer else {
            return Err(GiveUpConnection("an answer to `history` has no events"));
        };
        let Some(wanted) = self.rooms.get_mut(&id) else { return Ok(()) };
        let items = page.events.len();
        for event in page.events {
            match wanted.room.paged(event.seq) {
                Verdict::HandOut => self.told.push_back(Ok(SessionEvent::Event(event))),
                Verdict::Skip => {}
                Verdict::Repeat(fault) | Verdict::Gap(fault) => {
                    self.told.push_back(Err(fault));
                    return Err(GiveUpConnection("a page of history has a gap"));
                }
            }
        }
        match wanted.room.page_ended(items) {
            Paged::More => self.ask_for_page(id, now),
            Paged::CaughtUp => {
                if let Some(Cursor { seq, .. }) = wanted.room.cursor() {
                    self.told.push_back(Ok(SessionEvent::CaughtUp { room: id, seq }));
                }
            }
            Paged::Short(fault) => {
                self.told.push_back(Err(fault));
                return Err(GiveUpConnection("history is shorter than its head"));
            }
        }
        Ok(())
    }

    // Requests.

    fn acknowledged(&mut self, ack: Ack<'static>) {
        let Some(id) = ack.re else { return };
        let Some(key) = self.outbox.key_of(&id) else { return };
        let Ack { id: message, seq, at, duplicate, .. } = ack;
        self.outbox.acknowledged(&id, Sent { id: message, seq, at, duplicate, key });
    }

    fn refused(
        &mut self,
        asked: Option<Question>,
        error: &ErrorFrame<'static>,
        now: Instant,
    ) -> Result<(), GiveUpConnection> {
        let (after, Some(id)) = (retry_after(error), &error.re) else { return Ok(()) };
        match asked {
            Some(Question::Send) if passes(error.code) => {
                let (backoff, random) = (self.backoff, &mut self.random);
                self.outbox.put_off(id, now, |refusals| {
                    after.unwrap_or_else(|| backoff.pause(refusals, random.random()))
                });
            }
            Some(Question::Send) => self.outbox.refused(id, error.code, &error.message),
            Some(Question::Subscribe(rooms)) => {
                let is_one = rooms.len() == 1;
                for room in rooms {
                    if is_one {
                        self.room_refused(room, error.code, &error.message, after, now);
                    } else if let Some(wanted) = self.rooms.get_mut(&room) {
                        wanted.alone = true;
                        wanted.ask_at = Some(now + after.unwrap_or_default());
                    }
                }
            }
            // Subscribing again asks for what is missing, after the back-off.
            Some(Question::History(_)) => return Err(GiveUpConnection("a page of history was refused")),
            Some(Question::Other) | None => {}
        }
        Ok(())
    }

    fn ask(&mut self, frame: ClientFrame, what: Question, now: Instant) {
        let id = self.requests.ask(what, now);
        self.writes.push_back(Request { id: Some(id), frame });
    }
}
