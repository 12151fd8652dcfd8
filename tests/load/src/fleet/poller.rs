//! Readiness of thousands of sockets: epoll(7), edge-triggered.
//!
//! Edge-triggered, so that a socket is registered once, for both directions, and never touched again; its wait
//! takes nanoseconds, so that a send that is due in 300 µs is not a millisecond late.

use std::{io, os::fd::AsFd, time::Duration};

use rustix::{
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    fd::OwnedFd,
};

/// Sockets handled between two looks at the clock: a few hundred microseconds of work, which bounds how late a
/// send can be because of them.
const EVENTS_PER_WAIT: usize = 256;

/// What a socket is ready for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    /// The number under which it was registered.
    pub token: u32,
    /// The peer has closed, or the connection failed: read to the end.
    pub closing: bool,
}

/// An epoll instance.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let events = Vec::with_capacity(EVENTS_PER_WAIT);
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events })
    }

    /// Registers a socket for as long as it is open.
    pub(super) fn add(&self, socket: impl AsFd, token: u32) -> io::Result<()> {
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, socket, EventData::new_u64(u64::from(token)), interest)?;
        Ok(())
    }

    /// Waits for at most `timeout`. What became ready is read with [`Poller::ready`].
    pub(super) fn wait(&mut self, timeout: Duration) -> io::Result<usize> {
        self.events.clear();
        let timeout = Timespec::try_from(timeout).map_err(|_| io::ErrorKind::InvalidInput)?;
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, room, Some(&timeout)) {
            Ok(count) => Ok(count),
            Err(rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// The `at`-th of what the last wait found.
    pub(super) fn ready(&self, at: usize) -> Option<Ready> {
        let event = self.events.get(at)?;
        // Copies out of a packed struct.
        let (flags, data) = (event.flags, event.data);
        Some(Ready {
            token: u32::try_from(data.u64()).ok()?,
            closing: flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR),
        })
    }
}
