//! Requests of one connection that have no answer yet.

use std::{collections::HashMap, time::Duration};

use madang_contract::RequestId;
use madang_domain::RoomId;
use tokio::time::Instant;

/// What was asked.
pub(super) enum Question {
    Subscribe(Vec<RoomId>),
    History(RoomId),
    Send,
    /// Something that is not waited for.
    Other,
}

struct Asked {
    what: Question,
    until: Instant,
}

/// Bounded by who asks: one subscription and one page a room, the outbox's messages.
pub(super) struct Requests {
    answer_deadline: Duration,
    counted: u64,
    asked: HashMap<Box<str>, Asked>,
}

impl Requests {
    pub(super) fn new(answer_deadline: Duration) -> Self {
        Self { answer_deadline, counted: 0, asked: HashMap::new() }
    }

    /// Names a request. Names are never used twice, so that a late answer is nobody's.
    pub(super) fn ask(&mut self, what: Question, now: Instant) -> RequestId {
        self.counted += 1;
        let id = self.counted.to_string();
        if !matches!(what, Question::Other) {
            self.asked.insert(id.clone().into(), Asked { what, until: now + self.answer_deadline });
        }
        RequestId::new(id)
    }

    /// What a request was, the first time that it is answered.
    pub(super) fn answered(&mut self, id: &RequestId) -> Option<Question> {
        self.asked.remove(id.as_str()).map(|asked| asked.what)
    }

    /// When the first answer is overdue.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.asked.values().map(|asked| asked.until).min()
    }

    pub(super) fn disconnected(&mut self) {
        self.asked.clear();
    }
}
