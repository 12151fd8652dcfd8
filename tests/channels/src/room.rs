//! A room in both systems.

/// A room of the site, which is the same room at Madang.
#[derive(Debug, Clone)]
pub struct Room {
    /// The primary key at the site: Madang's external id.
    pub id: u64,
    /// Madang's own id.
    pub madang_id: String,
}
