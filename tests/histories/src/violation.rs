//! What a case can come to, other than nothing.

/// Why a case failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Something was seen that must never be.
    #[error("broken: {0}")]
    Broken(String),
    /// Something that must come has not come, long after it had to.
    #[error("missing: {0}")]
    Missing(String),
    /// The stage could not be set.
    #[error("the stage could not be set: {0}")]
    Stage(String),
}

impl Violation {
    /// Of a stage that could not be set.
    pub(crate) fn stage(error: impl std::fmt::Display) -> Self {
        Self::Stage(error.to_string())
    }
}

/// Answers [`Violation::Broken`] where a condition does not hold.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err($crate::Violation::Broken(format!($($words)+)));
        }
    };
}

pub(crate) use ensure;
