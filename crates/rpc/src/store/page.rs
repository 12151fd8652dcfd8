//! Lists in pages.

/// A page of a list. `next` is opaque and asks for the page after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// At most so many items, 1 to 200.
    pub limit: u32,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
