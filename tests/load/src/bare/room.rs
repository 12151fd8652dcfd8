//! Rooms: a counter and a list of queues.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Frames that may wait for a client; one that falls further behind is dropped from its room and closed.
const QUEUE_FRAMES: usize = 256;

/// The rooms by name. They are made by the first who asks.
#[derive(Default)]
pub(super) struct Rooms(Mutex<HashMap<String, Arc<Room>>>);

impl Rooms {
    pub(super) fn get(&self, name: &str) -> Arc<Room> {
        let mut rooms = lock(&self.0);
        if let Some(room) = rooms.get(name) {
            return Arc::clone(room);
        }
        let room = Arc::new(Room::default());
        rooms.insert(name.to_owned(), Arc::clone(&room));
        room
    }
}

/// A room.
#[derive(Default)]
pub(super) struct Room(Mutex<State>);

#[derive(Default)]
struct State {
    head: u64,
    members: Vec<mpsc::Sender<Bytes>>,
}

impl Room {
    /// Adds a member: the place after which it receives, and where it receives.
    pub(super) fn join(&self) -> (u64, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(QUEUE_FRAMES);
        let mut state = lock(&self.0);
        state.members.push(sender);
        (state.head, receiver)
    }

    /// Takes the next place and queues for every member the frame that `frame` makes for it.
    pub(super) fn publish(&self, frame: impl FnOnce(u64) -> Bytes) -> u64 {
        let mut state = lock(&self.0);
        state.head += 1;
        let frame = frame(state.head);
        // A queue that is full or gone is a member that is not there any more.
        state.members.retain(|member| member.try_send(frame.clone()).is_ok());
        state.head
    }
}

/// Nothing that holds these locks can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
