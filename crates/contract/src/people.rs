//! What users say of themselves, and when they were last seen.

use madang_domain::{StatusText, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;

/// What a user says of what the user does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The text.
    pub text: StatusText,
    /// The time at which the status ends by itself; null if it has no end.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A user's profile, with the user's status and when the user was last seen, for those who may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person<'a> {
    /// The profile with the username. In JSON its fields stand beside `status`.
    #[serde(flatten)]
    pub account: Account<'a>,
    /// The status of the user; absent if there is none, or if the caller does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The time at which the user's last socket closed; absent if that is not known, or if the caller does not see it.
    /// A user who is present has none that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}
