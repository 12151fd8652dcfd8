//! The queue of frames that wait to be written to one socket.
//!
//! Hubs, commands and the heartbeat push frames. Only the session takes and writes them. The bound is in
//! bytes, and taken frames count until they are written, so that a socket never holds more than the bound. A
//! socket that would exceed it is closed with `4508`. Its client reconnects with its cursors, and other
//! clients are not affected.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use madang_contract::WireFrame;
use madang_domain::{RoomId, Timestamp, UserId};

use super::{
    close::Close,
    profiles_told::{ProfilesTold, VersionsTold},
};

/// A queue that was larger than this frees its memory when it becomes empty.
const KEPT_CAPACITY_FRAMES: usize = 16;

/// The frames that wait for one socket, and the reason to close it, if any.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Whether `state` has a reason to close; never unset. Read without the lock, on each turn of a session.
    is_closing: AtomicBool,
    bound_bytes: usize,
    /// The heartbeat's tick at which the client last sent something.
    heard_at_tick: AtomicU32,
    /// When the credential expires, in microseconds; 0 before there is one.
    expires_at_micros: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<WireFrame>,
    /// The events among the frames that are queued.
    queued_events: Events,
    /// The events among the frames that are taken and not all written.
    taken_events: Events,
    /// The bytes that are queued or taken, but not yet written.
    bytes: usize,
    /// What hubs hold behind a catch-up. It is within the same bound.
    held: usize,
    /// Of which changed profiles the client was told.
    profiles_told: ProfilesTold,
    /// Statuses are told as profiles are.
    statuses_told: ProfilesTold,
    /// Of what is set for rooms, and of the user's own settings.
    settings_told: VersionsTold<Option<RoomId>>,
    closing: Option<Close>,
    /// The waker of the writer. It waits for frames, or, if `blocked`, for the client to read.
    writer: Option<Waker>,
    /// The writer has frames that the client does not read. Further frames need not wake it.
    blocked: bool,
    /// Who waits for room: replays, and pages of history.
    waiting: Vec<Waker>,
}

/// Events that were queued together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// How many there are.
    pub(crate) count: u32,
    /// When the oldest of them was committed.
    pub(crate) oldest_at: Timestamp,
}

impl Events {
    fn add(&mut self, other: Self) {
        let oldest_at = if self.count == 0 { other.oldest_at } else { self.oldest_at.min(other.oldest_at) };
        *self = Self { count: self.count.saturating_add(other.count), oldest_at };
    }
}

impl State {
    fn wait(&mut self, context: &Context<'_>, blocked: bool) {
        self.blocked = blocked;
        if !self.writer.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.writer = Some(context.waker().clone());
        }
    }
}

/// The next step of the session.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Write the taken frames.
    Frames,
    /// Close the socket; nothing is left to write.
    Close(Close),
}

impl Outbox {
    pub(crate) fn new(bound_bytes: usize, tick: u32) -> Self {
        Self {
            state: Mutex::default(),
            is_closing: AtomicBool::new(false),
            bound_bytes,
            heard_at_tick: AtomicU32::new(tick),
            expires_at_micros: AtomicI64::new(0),
        }
    }

    /// Queues a frame. On overflow the socket is told to close instead. False when it is closing.
    pub(crate) fn push(&self, frame: WireFrame) -> bool {
        self.push_locked(self.lock(), frame)
    }

    /// Queues the frame of an event that was committed then.
    pub(crate) fn push_event(&self, frame: WireFrame, committed_at: Timestamp) -> bool {
        let mut state = self.lock();
        state.queued_events.add(Events { count: 1, oldest_at: committed_at });
        self.push_locked(state, frame)
    }

    fn push_locked(&self, mut state: MutexGuard<'_, State>, frame: WireFrame) -> bool {
        if state.closing.is_some() {
            return false;
        }
        // A frame alone may be larger than the bound: it passes when nothing else waits.
        if state.bytes > 0 && state.bytes + state.held + frame.len() > self.bound_bytes {
            state.frames = VecDeque::new();
            state.closing = Some(Close::TooSlow);
            self.is_closing.store(true, Ordering::Release);
        } else {
            state.bytes += frame.len();
            state.frames.push_back(frame);
        }
        let overflowed = state.closing.is_some();
        let writer = if state.blocked && !overflowed { None } else { state.writer.take() };
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        !overflowed
    }

    /// Notes that the client is told of a version of a profile by another frame.
    pub(crate) fn note_profile(&self, user: UserId, version: Timestamp) {
        self.lock().profiles_told.note(user, version);
    }

    /// Queues the frame of a changed profile, unless the client was told of this version or of a later one. False when the
    /// socket is closing.
    pub(crate) fn push_profile(&self, user: UserId, version: Timestamp, frame: &WireFrame) -> bool {
        // Under one lock: between the note and the push another hub must not queue a later version.
        let mut state = self.lock();
        if !state.profiles_told.note(user, version) {
            return state.closing.is_none();
        }
        self.push_locked(state, frame.clone())
    }

    /// Queues the frame of a status, unless the client was told of this version or of a later one. False when the socket is
    /// closing.
    pub(crate) fn push_status(&self, user: UserId, version: Timestamp, frame: &WireFrame) -> bool {
        let mut state = self.lock();
        if !state.statuses_told.note(user, version) {
            return state.closing.is_none();
        }
        self.push_locked(state, frame.clone())
    }

    /// Queues the frame of what is set for a room, or for the user, unless the client was told of this version or of a later
    /// one. False when the socket is closing.
    pub(crate) fn push_settings(&self, of: Option<RoomId>, version: Timestamp, frame: &WireFrame) -> bool {
        let mut state = self.lock();
        if !state.settings_told.note(of, version) {
            return state.closing.is_none();
        }
        self.push_locked(state, frame.clone())
    }

    /// Closes the socket after its queued frames are written. The first reason is kept.
    pub(crate) fn close(&self, close: Close) {
        let mut state = self.lock();
        if state.closing.is_none() {
            state.closing = Some(close);
            self.is_closing.store(true, Ordering::Release);
        }
        let (writer, waiting) = (state.writer.take(), std::mem::take(&mut state.waiting));
        drop(state);
        for waker in writer.into_iter().chain(waiting) {
            waker.wake();
        }
    }

    /// Whether the socket is closing or closed. Hubs remove such subscribers.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Moves all queued frames into an empty queue, or waits for a frame.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>, into: &mut VecDeque<WireFrame>) -> Poll<Taken> {
        let mut state = self.lock();
        if !state.frames.is_empty() {
            std::mem::swap(&mut state.frames, into);
            let events = std::mem::take(&mut state.queued_events);
            if events.count > 0 {
                state.taken_events.add(events);
            }
            return Poll::Ready(Taken::Frames);
        }
        if let Some(close) = state.closing {
            return Poll::Ready(Taken::Close(close));
        }
        state.wait(context, false);
        Poll::Pending
    }

    /// Waits until the socket must close, while its client does not read the taken frames.
    pub(crate) fn poll_closing(&self, context: &mut Context<'_>) -> Poll<Close> {
        let mut state = self.lock();
        if let Some(close) = state.closing {
            return Poll::Ready(close);
        }
        state.wait(context, true);
        Poll::Pending
    }

    /// Records that `bytes` have been written. Once all taken frames are, answers the events among them.
    pub(crate) fn written(&self, bytes: usize, emptied: &mut VecDeque<WireFrame>) -> Events {
        let are_all = emptied.is_empty();
        if emptied.is_empty() && emptied.capacity() > KEPT_CAPACITY_FRAMES {
            *emptied = VecDeque::new();
        }
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        let is_low = state.bytes <= self.bound_bytes / 4;
        let waiting = if is_low { std::mem::take(&mut state.waiting) } else { Vec::new() };
        let events = if are_all { std::mem::take(&mut state.taken_events) } else { Events::default() };
        drop(state);
        for waker in waiting {
            waker.wake();
        }
        events
    }

    /// The bytes that wait for the socket, in its queue or behind a catch-up.
    pub(crate) fn waiting_bytes(&self) -> usize {
        let state = self.lock();
        state.bytes + state.held
    }

    /// Waits until at most half of the bound is in use, so that a replay never overflows the queue that it
    /// fills. Returns at once if the socket is closing.
    pub(crate) async fn room(&self) {
        self.until(|bytes| bytes <= self.bound_bytes / 2).await;
    }

    /// Waits until a frame of so many bytes fits, or nothing else waits. Ends at once when the socket is closing.
    pub(crate) async fn room_for(&self, frame_bytes: usize) {
        self.until(|bytes| bytes == 0 || bytes.saturating_add(frame_bytes) <= self.bound_bytes).await;
    }

    async fn until(&self, is_enough: impl Fn(usize) -> bool) {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.closing.is_some() || is_enough(state.bytes) {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Notes bytes that a hub holds for the socket until its catch-up is written. On overflow the socket is told to close
    /// instead. False when it is closing.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        if state.closing.is_some() {
            return false;
        }
        let before = state.held.saturating_add(state.bytes);
        if before > 0 && before.saturating_add(bytes) > self.bound_bytes {
            drop(state);
            self.close(Close::TooSlow);
            return false;
        }
        state.held += bytes;
        true
    }

    /// Notes that a hub does not hold bytes any more: it has queued them, or let go of them.
    pub(crate) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        state.held = state.held.saturating_sub(bytes);
    }

    /// Notes that the client was heard at a tick of the heartbeat.
    pub(crate) fn heard(&self, tick: u32) {
        self.heard_at_tick.store(tick, Ordering::Relaxed);
    }

    /// The tick at which the client last sent something.
    pub(crate) fn heard_at(&self) -> u32 {
        self.heard_at_tick.load(Ordering::Relaxed)
    }

    /// Stores the expiry of the credential.
    pub(crate) fn set_expiry(&self, at: Timestamp) {
        self.expires_at_micros.store(at.as_micros(), Ordering::Relaxed);
    }

    /// Whether there is a credential and it has expired.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        let at = self.expires_at_micros.load(Ordering::Relaxed);
        at != 0 && at <= now.as_micros()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is used on, since no code under it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Woken {
        fn times(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn frame(bytes: usize) -> WireFrame {
        // Two bytes of header and two quotes.
        WireFrame::json(&"x".repeat(bytes - 4))
    }

    fn take(outbox: &Outbox, into: &mut VecDeque<WireFrame>) -> Option<Taken> {
        let mut context = Context::from_waker(Waker::noop());
        match outbox.poll_take(&mut context, into) {
            Poll::Ready(taken) => Some(taken),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_taken_counts_until_it_is_written() {
        let outbox = Outbox::new(100, 0);
        let mut taken = VecDeque::new();
        assert!(outbox.push(frame(60)));
        assert!(matches!(take(&outbox, &mut taken), Some(Taken::Frames)));
        assert!(!outbox.push(frame(60)), "60 of 100 bytes are not written yet");
        assert!(matches!(take(&outbox, &mut VecDeque::new()), Some(Taken::Close(Close::TooSlow))));
    }

    #[test]
    fn what_was_written_makes_room() {
        let outbox = Outbox::new(100, 0);
        let mut taken = VecDeque::new();
        for _ in 0..10 {
            assert!(outbox.push(frame(60)));
            assert!(matches!(take(&outbox, &mut taken), Some(Taken::Frames)));
            taken.clear();
            outbox.written(60, &mut taken);
        }
    }

    #[test]
    fn what_was_queued_leaves_before_the_close() {
        let outbox = Outbox::new(100, 0);
        let mut taken = VecDeque::new();
        outbox.push(frame(20));
        outbox.close(Close::Revoked);
        outbox.close(Close::TooSlow);
        assert!(!outbox.push(frame(20)));
        assert!(matches!(take(&outbox, &mut taken), Some(Taken::Frames)));
        taken.clear();
        outbox.written(20, &mut taken);
        assert!(matches!(take(&outbox, &mut taken), Some(Taken::Close(Close::Revoked))));
    }

    #[test]
    fn a_writer_that_is_blocked_hears_of_the_overflow_and_of_nothing_before() {
        let outbox = Outbox::new(100, 0);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        assert!(outbox.push(frame(40)));
        assert!(matches!(take(&outbox, &mut VecDeque::new()), Some(Taken::Frames)));
        assert!(outbox.poll_closing(&mut context).is_pending());
        assert!(outbox.push(frame(40)));
        assert_eq!(woken.times(), 0);
        assert!(!outbox.push(frame(40)));
        assert_eq!(woken.times(), 1);
        assert_eq!(outbox.poll_closing(&mut context), Poll::Ready(Close::TooSlow));
    }

    #[test]
    fn what_hubs_hold_counts_with_what_is_queued() {
        let outbox = Outbox::new(100, 0);
        assert!(outbox.hold(60));
        assert!(outbox.push(frame(40)));
        outbox.release(30);
        assert!(outbox.hold(30));
        assert!(!outbox.push(frame(20)), "40 are queued and 60 are held");
        assert!(outbox.is_closing() && !outbox.hold(1));
        assert!(matches!(take(&outbox, &mut VecDeque::new()), Some(Taken::Close(Close::TooSlow))));
        let outbox = Outbox::new(100, 0);
        assert!(outbox.hold(120), "one large frame alone");
        assert!(!outbox.hold(1) && outbox.is_closing());
    }

    #[test]
    fn all_who_wait_for_room_are_woken() {
        let outbox = Outbox::new(100, 0);
        let woken = [Arc::new(Woken::default()), Arc::new(Woken::default())];
        assert!(outbox.push(frame(80)));
        let mut waits: Vec<_> = woken
            .iter()
            .enumerate()
            .map(|(number, woken)| {
                let outbox = &outbox;
                let wait =
                    async move { if number == 0 { outbox.room().await } else { outbox.room_for(40).await } };
                (Box::pin(wait), Waker::from(Arc::clone(woken)))
            })
            .collect();
        for (wait, waker) in &mut waits {
            assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        outbox.written(80, &mut VecDeque::new());
        for ((wait, waker), woken) in waits.iter_mut().zip(&woken) {
            assert_eq!(woken.times(), 1);
            assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_ready());
        }
    }

    #[test]
    fn events_are_told_when_all_that_was_taken_with_them_is_written() {
        let outbox = Outbox::new(1_000, 0);
        let at = Timestamp::from_micros;
        let mut taken = VecDeque::new();
        outbox.push(frame(20));
        for micros in [7, 5, 9] {
            outbox.push_event(frame(20), at(micros));
        }
        assert!(matches!(take(&outbox, &mut taken), Some(Taken::Frames)));
        outbox.push_event(frame(20), at(3));
        assert_eq!(outbox.waiting_bytes(), 100);
        taken.truncate(1);
        assert_eq!(outbox.written(60, &mut taken), Events::default(), "one is half written");
        taken.clear();
        assert_eq!(outbox.written(20, &mut taken), Events { count: 3, oldest_at: at(5) });
        assert!(matches!(take(&outbox, &mut taken), Some(Taken::Frames)));
        taken.clear();
        assert_eq!(outbox.written(20, &mut taken), Events { count: 1, oldest_at: at(3) });
        assert_eq!(outbox.written(0, &mut taken), Events::default());
    }

    #[test]
    fn one_large_frame_passes_alone() {
        let outbox = Outbox::new(100, 0);
        assert!(outbox.push(frame(120)));
        assert!(!outbox.push(frame(20)));
    }
}
