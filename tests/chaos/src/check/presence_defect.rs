//! What can be wrong with what is said of presence.

use std::fmt;

use madang_domain::UserId;

use crate::watch::Moment;

/// What can be wrong with what is said of presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceDefect {
    /// A user was said to have gone, and had not been away for the grace.
    FalseDeparture {
        /// Who.
        user: UserId,
    },
    /// A departure, or a return, was not told as often as it should be.
    Told {
        /// Who.
        user: UserId,
        /// It was a return.
        on: bool,
        /// How often it was told.
        times: usize,
        /// What the client was told of the user in all, and when.
        heard: Vec<(bool, Moment)>,
    },
}

impl fmt::Display for PresenceDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FalseDeparture { user } => {
                write!(f, "was told that {user} has gone, who had not been away for the grace")
            }
            Self::Told { user, on, times, heard } => {
                let what = if *on { "the return" } else { "the departure" };
                write!(f, "was told {times} times of {what} of {user}; in all:")?;
                for (on, at) in heard {
                    let what = if *on { "came" } else { "gone" };
                    write!(f, " {what} {:.2} s", at.since_start().as_secs_f64())?;
                }
                Ok(())
            }
        }
    }
}
