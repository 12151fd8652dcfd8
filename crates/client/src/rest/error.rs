//! Why a call failed.

use std::{fmt, time::Duration};

use madang_domain::Code;
use serde::Deserialize;

/// A refusal, as `application/problem+json` says it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem, as a URI reference.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short title that is the same for all problems of the kind.
    pub title: String,
    /// What to do next.
    pub detail: String,
    /// The code.
    pub code: Code,
    /// When to try again.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail)
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused.
    #[error("{0}")]
    Problem(Problem),
    /// The request or its answer did not arrive.
    #[error("the server was not reached: {0}")]
    Transport(#[from] reqwest::Error),
    /// The answer is not what the contract says.
    #[error("an answer outside the contract: status {status}, content type {content_type:?}: {reason}")]
    Contract {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The base address is none.
    #[error("not an http address: {0}")]
    Base(String),
}

impl Error {
    /// The refusal, where the server answered with one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Transport(_) | Self::Contract { .. } | Self::Base(_) => None,
        }
    }

    /// The code, where the server answered with one.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }
}
