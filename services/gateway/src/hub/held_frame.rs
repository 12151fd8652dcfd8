//! A frame that a hub holds behind a catch-up, which counts within the bound of the socket's outbox.

use std::sync::Arc;

use madang_contract::WireFrame;

use crate::outbox::Outbox;

/// The outbox is closing: the frame is not held.
#[derive(Debug)]
pub(super) struct Closing;

/// A frame that is held for a socket. It counts until it is let go of.
#[derive(Debug)]
pub(super) struct HeldFrame {
    frame: WireFrame,
    outbox: Arc<Outbox>,
}

impl HeldFrame {
    /// Holds a frame. Where that is more than may wait for the socket, the socket closes.
    pub(super) fn hold(outbox: &Arc<Outbox>, frame: WireFrame) -> Result<Self, Closing> {
        if outbox.hold(frame.len()) { Ok(Self { frame, outbox: Arc::clone(outbox) }) } else { Err(Closing) }
    }

    /// The frame, which is not held any more.
    pub(super) fn release(self) -> WireFrame {
        self.frame.clone()
    }
}

impl Drop for HeldFrame {
    fn drop(&mut self) {
        self.outbox.release(self.frame.len());
    }
}

#[cfg(test)]
impl Clone for HeldFrame {
    fn clone(&self) -> Self {
        self.outbox.hold(self.frame.len());
        Self { frame: self.frame.clone(), outbox: Arc::clone(&self.outbox) }
    }
}
