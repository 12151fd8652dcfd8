//! What members of a room are shown of how far the others have read.

use serde::{Deserialize, Serialize};

/// What members of a room are shown of how far the others have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// Nothing.
    None,
    /// How many members have read up to where.
    #[default]
    Count,
    /// Which members have read up to where.
    Names,
}

impl Receipts {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::None, Self::Count, Self::Names];

    /// Whether it is what every room begins with.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether members are shown anything.
    #[must_use]
    pub const fn are_shown(self) -> bool {
        !matches!(self, Self::None)
    }
}
