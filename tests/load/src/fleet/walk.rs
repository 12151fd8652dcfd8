//! Clients that enter and leave their rooms, with their sockets open.

use std::time::{Duration, Instant};

use super::{Fleet, FleetError, WAIT_MAX};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Into the room: a subscription from now on.
    In,
    /// Out of it.
    Out,
}

impl Fleet {
    /// All clients enter or leave their rooms, one after the other, spread evenly over a time.
    ///
    /// # Errors
    /// When the generator's own system calls fail, or a client is refused.
    pub fn walk(&mut self, step: Step, over: Duration) -> Result<(), FleetError> {
        let (start, clients) = (Instant::now(), self.sockets.len());
        let mut next = 0;
        while next < clients {
            // As many as the time that has passed is due.
            let share = start.elapsed().as_secs_f64() / over.as_secs_f64();
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of some thousands"
            )]
            let due = ((clients as f64 * share.min(1.0)) as usize).max(next);
            for client in next..due {
                self.tell(client, step);
            }
            next = due;
            let mut refused = None;
            self.poll(Duration::from_millis(1).min(WAIT_MAX), &mut |client, _, signal| {
                if let super::Signal::Refused { code } = signal {
                    refused = Some((client, code.to_owned()));
                }
            })?;
            if let Some((client, code)) = refused {
                return Err(FleetError::Client { client, clients, why: format!("refused: {code}") });
            }
        }
        Ok(())
    }

    fn tell(&mut self, client: usize, step: Step) {
        let Some(slot) = self.sockets.get_mut(client) else { return };
        let Some(socket) = slot else { return };
        let room = &self.plan.rooms[self.plan.seats[client].room];
        let frame = match step {
            Step::In => format!(r#"{{"type":"subscribe","id":"i","rooms":[{{"room":"{room}"}}]}}"#),
            Step::Out => format!(r#"{{"type":"unsubscribe","id":"o","rooms":["{room}"]}}"#),
        };
        if let Err(ended) = socket.send(frame.as_bytes(), &mut self.shared) {
            *self.ended.entry(ended.to_string()).or_default() += 1;
            *slot = None;
        }
    }
}
