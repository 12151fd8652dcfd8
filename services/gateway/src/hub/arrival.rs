//! An event on its way through a hub.

use std::sync::Arc;

use madang_domain::event::Event;
use madang_trace::Kept;

/// An event on its way to the subscribers.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) event: Arc<Event>,
    /// The span that lasts until the sockets have written the event; none where it is not sampled.
    pub(crate) span: Option<Kept>,
}

impl From<Arc<Event>> for Arrival {
    fn from(event: Arc<Event>) -> Self {
        Self { event, span: None }
    }
}
