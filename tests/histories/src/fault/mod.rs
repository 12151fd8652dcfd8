//! A bus and a store that fail on demand, in front of real ones.

mod bus;
mod store;

pub(crate) use bus::FaultyBus;
pub(crate) use store::{StoreFaults, faulty};
