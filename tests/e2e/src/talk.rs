//! Somebody who talks on and on, and keeps what was acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use madang_client::{Sent, Session};
use madang_domain::RoomId;
use tokio::{sync::watch, task::JoinSet};

use crate::{PATIENCE, within};

/// Between two messages of one talker.
const PAUSE: Duration = Duration::from_millis(5);

/// A stream of messages, each awaited before the next: `<name> 1`, `<name> 2`, and so on.
#[derive(Debug)]
pub struct Talk {
    stop: Arc<AtomicBool>,
    acknowledged: watch::Receiver<usize>,
    /// One task, which ends with this value.
    talking: JoinSet<Vec<Sent>>,
}

impl Talk {
    /// Starts to talk.
    #[must_use]
    pub fn start(session: &Session, room: RoomId, name: &str) -> Self {
        let (session, name) = (session.clone(), name.to_owned());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (count, acknowledged) = watch::channel(0);
        let mut talking = JoinSet::new();
        talking.spawn(async move {
            let mut sent = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let number = sent.len() + 1;
                match session
                    .send_with_key(room, &format!("{name} {number}"), &format!("{name}-{number}"))
                    .await
                {
                    Ok(message) => sent.push(message),
                    Err(error) => panic!("{name} {number} was not sent: {error}"),
                }
                count.send_replace(sent.len());
                tokio::time::sleep(PAUSE).await;
            }
            sent
        });
        Self { stop, acknowledged, talking }
    }

    /// How many were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        *self.acknowledged.borrow()
    }

    /// Waits until so many more were acknowledged.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn more(&mut self, count: usize) {
        let until = self.acknowledged() + count;
        let more = self.acknowledged.wait_for(|acknowledged| *acknowledged >= until);
        assert!(
            within(PATIENCE, "more acknowledged messages", more).await.is_ok(),
            "the talker has given up"
        );
    }

    /// Falls silent, once the message under way is acknowledged; returns all that was.
    ///
    /// # Panics
    /// When a message was refused or given up.
    pub async fn stop(mut self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        let sent =
            within(PATIENCE * 2, "the last acknowledgement of a talker", self.talking.join_next()).await;
        sent.expect("a talker").expect("a talker whose messages were all acknowledged")
    }
}
