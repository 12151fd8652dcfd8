//! What came of a fault.

use std::time::Duration;

use super::Fault;
use crate::{history::Span, watch::Moment};

/// A fault that was injected, and what came of it.
#[derive(Debug)]
pub struct Injection {
    /// Which.
    pub fault: Fault,
    /// When.
    pub began: Moment,
    /// What came of it.
    pub end: End,
}

/// What came of a fault.
#[derive(Debug)]
pub enum End {
    /// This machine cannot inject it.
    Impossible(String),
    /// It is over.
    Over {
        /// When it ended.
        ended: Moment,
        /// From its end until everybody had everything; none when that did not happen in time.
        complete: Option<Duration>,
        /// From its end until the markers of all rooms were acknowledged.
        marked: Duration,
        /// From its end until every gateway knew who is in each room.
        present: Duration,
        /// What happened that should not have; who missed what.
        complaints: Vec<String>,
    },
}

impl End {
    /// In a few words.
    #[must_use]
    pub fn outcome(&self) -> String {
        match self {
            Self::Impossible(reason) => format!("not possible: {reason}"),
            Self::Over { complete, complaints, .. } => {
                let complaints: String =
                    complaints.iter().map(|complaint| format!("; {complaint}")).collect();
                match complete {
                    Some(took) => format!("complete after {:.2} s{complaints}", took.as_secs_f64()),
                    None => format!("never complete{complaints}"),
                }
            }
        }
    }
}

impl Injection {
    /// From its beginning to its end; none where nothing was injected.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match &self.end {
            End::Impossible(_) => None,
            End::Over { ended, .. } => Some(Span { from: self.began, until: *ended }),
        }
    }

    /// Whether everybody was complete again, in time; `None` where nothing was injected.
    #[must_use]
    pub fn in_time(&self, within: Duration) -> Option<bool> {
        match &self.end {
            End::Impossible(_) => None,
            End::Over { complete, .. } => Some(complete.is_some_and(|took| took <= within)),
        }
    }
}
