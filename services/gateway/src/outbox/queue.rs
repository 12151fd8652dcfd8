//! What waits to be written to one socket.
//!
//! Hubs, commands and the heartbeat push; the session alone takes and writes. The bound is in bytes, and what
//! is taken counts until it has been written, so a socket never holds more than the bound. One that would is
//! closed with `4508`: its client comes back with its cursors, and nobody else feels it.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use madang_contract::WireFrame;
use madang_domain::Timestamp;

use crate::outbox::Close;

/// A queue that was larger than this when it emptied gives its memory back.
const KEPT_CAPACITY_FRAMES: usize = 16;

/// The frames that wait for one socket, and why it is to close.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Whether `state` has a reason to close; never unset. Read without the lock, on each turn of a session.
    is_closing: AtomicBool,
    bound_bytes: usize,
    /// The heartbeat's tick at which the client was last heard.
    heard_at_tick: AtomicU32,
    /// When the credential ends, in microseconds; 0 before there is one.
    expires_at_micros: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<WireFrame>,
    /// Queued and taken, not yet written.
    bytes: usize,
    closing: Option<Close>,
    /// Who writes: it waits for frames, or, where `blocked`, for the client to take what was written.
    writer: Option<Waker>,
    /// The writer has frames that the client does not take: more of them need not wake it.
    blocked: bool,
    /// Who waits for room: the replay of a subscription.
    replay: Option<Waker>,
}

impl State {
    fn wait(&mut self, context: &Context<'_>, blocked: bool) {
        self.blocked = blocked;
        if !self.writer.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.writer = Some(context.waker().clone());
        }
    }
}

/// What the session is to do next.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Write what was taken.
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
        let mut state = self.lock();
        if state.closing.is_some() {
            return false;
        }
        // A frame alone may be larger than the bound: it passes when nothing else waits.
        if state.bytes > 0 && state.bytes + frame.len() > self.bound_bytes {
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

    /// Closes the socket once what is queued has been written. The first reason stands.
    pub(crate) fn close(&self, close: Close) {
        let mut state = self.lock();
        if state.closing.is_none() {
            state.closing = Some(close);
            self.is_closing.store(true, Ordering::Release);
        }
        let (writer, replay) = (state.writer.take(), state.replay.take());
        drop(state);
        for waker in [writer, replay].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Whether the socket is closing or closed: subscribers that are get dropped.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Takes all that is queued into an empty queue, or waits for something.
    pub(crate) fn poll_take(&self, context: &mut Context<'_>, into: &mut VecDeque<WireFrame>) -> Poll<Taken> {
        let mut state = self.lock();
        if !state.frames.is_empty() {
            std::mem::swap(&mut state.frames, into);
            return Poll::Ready(Taken::Frames);
        }
        if let Some(close) = state.closing {
            return Poll::Ready(Taken::Close(close));
        }
        state.wait(context, false);
        Poll::Pending
    }

    /// Waits until the socket is to close, while its client does not take what was taken from here.
    pub(crate) fn poll_closing(&self, context: &mut Context<'_>) -> Poll<Close> {
        let mut state = self.lock();
        if let Some(close) = state.closing {
            return Poll::Ready(close);
        }
        state.wait(context, true);
        Poll::Pending
    }

    /// Says that `bytes` have been written.
    pub(crate) fn written(&self, bytes: usize, emptied: &mut VecDeque<WireFrame>) {
        if emptied.is_empty() && emptied.capacity() > KEPT_CAPACITY_FRAMES {
            *emptied = VecDeque::new();
        }
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        let replay = if state.bytes <= self.bound_bytes / 4 { state.replay.take() } else { None };
        drop(state);
        if let Some(waker) = replay {
            waker.wake();
        }
    }

    /// Waits until at most half of the bound is taken, so that a replay never overflows the queue it fills.
    /// Ends at once when the socket is closing.
    pub(crate) async fn room(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.closing.is_some() || state.bytes <= self.bound_bytes / 2 {
                return Poll::Ready(());
            }
            state.replay = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Notes that the client was heard at a tick of the heartbeat.
    pub(crate) fn heard(&self, tick: u32) {
        self.heard_at_tick.store(tick, Ordering::Relaxed);
    }

    /// The tick at which the client was last heard.
    pub(crate) fn heard_at(&self) -> u32 {
        self.heard_at_tick.load(Ordering::Relaxed)
    }

    /// Notes when the credential ends.
    pub(crate) fn set_expiry(&self, at: Timestamp) {
        self.expires_at_micros.store(at.as_micros(), Ordering::Relaxed);
    }

    /// Whether there is a credential and it has ended.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        let at = self.expires_at_micros.load(Ordering::Relaxed);
        at != 0 && at <= now.as_micros()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock.
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
    fn one_large_frame_passes_alone() {
        let outbox = Outbox::new(100, 0);
        assert!(outbox.push(frame(120)));
        assert!(!outbox.push(frame(20)));
    }
}
