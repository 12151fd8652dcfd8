//! What a defect means.

/// What a defect means to those who promised otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Something is missing.
    Lost,
    /// Something is there twice.
    Duplicated,
    /// Something is out of its order.
    OutOfOrder,
    /// Something else.
    Other,
}
