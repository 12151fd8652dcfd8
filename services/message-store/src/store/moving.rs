//! Places in lists whose order moves while they are paged.

use madang_domain::Timestamp;
use uuid::Uuid;

/// A place in a list whose items move up: a room that becomes active, a member who is given a role.
///
/// An item that moves up from below the last page to above it would be on no page. So such a list is read twice: first in
/// its order, then, by ids, what has moved since the first page was read. All that moves later was listed in its old
/// place, or is of the second pass: whoever is in the list for the whole time is on a page, and what moved may be on two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moving<P, I = Uuid> {
    /// What moved after this time is of the second pass.
    pub(crate) since: Timestamp,
    pub(crate) pass: Pass<P, I>,
}

/// Which time the list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass<P, I = Uuid> {
    /// In the order of the list, after this place.
    Ordered(P),
    /// What has moved, after this id.
    Moved(I),
}
