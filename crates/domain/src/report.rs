//! Reports of messages, and words that are not accepted.

use serde::{Deserialize, Serialize};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// Nobody has settled it.
    Open,
    /// Something was done about it.
    Resolved,
    /// Nothing was to be done.
    Dismissed,
}

impl ReportStatus {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Open, Self::Resolved, Self::Dismissed];
}

/// What becomes of a message with a word that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordAction {
    /// It is refused.
    #[default]
    Refuse,
    /// It is sent, and reported to the moderators.
    Flag,
}
