//! The cursors of lists: opaque to callers, and checked when they come back. Each list has its place beside its operation.
//!
//! Each names the position of the last item in the list's own order. So an index finds the page, and items
//! that are added or removed meanwhile neither repeat nor hide others.

use madang_domain::{Timestamp, limits::PAGE_MAX_ITEMS};
use madang_rpc::store::PageQuery;
use uuid::Uuid;

use crate::error::{OperationError, OperationResult};

/// A place in one of the lists.
pub(crate) trait Place: Sized {
    /// What cursors of this list begin with, so that another list's is refused.
    const LIST: &'static str;

    /// The parts of the place as text.
    fn parts(&self) -> String;

    /// Reads what [`parts`](Self::parts) wrote.
    fn read(text: &str) -> Option<Self>;

    /// The cursor that asks for what comes after this place.
    fn cursor(&self) -> String {
        format!("{}.{}", Self::LIST, self.parts())
    }
}

/// Reads a time in hexadecimal microseconds.
pub(super) fn micros(text: &str) -> Option<Timestamp> {
    i64::from_str_radix(text, 16).ok().map(Timestamp::from_micros)
}

/// Only the form that this module writes: 32 hexadecimal digits.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    if text.len() == 32 { Uuid::try_parse(text).ok() } else { None }
}

/// Checks what a caller asks for: how many items, after which place.
pub(crate) fn check<P: Place>(query: &PageQuery) -> OperationResult<(u32, Option<P>)> {
    let after = match &query.cursor {
        None => None,
        Some(cursor) => {
            let parts = cursor.strip_prefix(P::LIST).and_then(|rest| rest.strip_prefix('.'));
            Some(parts.and_then(P::read).ok_or(OperationError::BadCursor)?)
        }
    };
    Ok((check_limit(query.limit)?, after))
}

/// Checks how many items a caller asks for.
pub(crate) fn check_limit(limit: u32) -> OperationResult<u32> {
    if (1..=PAGE_MAX_ITEMS).contains(&limit) { Ok(limit) } else { Err(OperationError::BadLimit) }
}

/// Cuts what was read one item past `limit`, and says where to go on when there is more.
pub(crate) fn cut<T, P: Place>(
    mut items: Vec<T>,
    limit: u32,
    place: impl Fn(&T) -> P,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| place(last).cursor());
    (items, next)
}

#[cfg(test)]
mod tests {
    use madang_domain::{Role, RoomId, UserId};

    use super::*;
    use crate::store::{ByActivity, ByAge, ByRank};

    fn query(cursor: &str) -> PageQuery {
        PageQuery { limit: 10, cursor: Some(cursor.to_owned()) }
    }

    #[test]
    fn a_cursor_comes_back_as_the_place_it_was() {
        let uuid = Uuid::from_u128(0xfeed);
        let activity = ByActivity { active_at: Timestamp::from_micros(1_234_567), room: RoomId::new(uuid) };
        assert_eq!(check(&query(&activity.cursor())).unwrap(), (10, Some(activity)));
        let age = ByAge { room: RoomId::new(uuid) };
        assert_eq!(check(&query(&age.cursor())).unwrap(), (10, Some(age)));
        let joined_at = Timestamp::from_micros(7);
        let rank = ByRank { role: Role::Moderator, joined_at, user: UserId::new(uuid) };
        assert_eq!(check(&query(&rank.cursor())).unwrap(), (10, Some(rank)));
    }

    #[test]
    fn another_lists_cursor_is_refused() {
        let cursor = ByAge { room: RoomId::new(Uuid::from_u128(1)) }.cursor();
        assert!(check::<ByActivity>(&query(&cursor)).is_err());
        assert!(check::<ByRank>(&query(&cursor)).is_err());
        for bad in ["", "p", "p.", "p.1", "a.zz.00000000000000000000000000000000", "é"] {
            assert!(check::<ByAge>(&query(bad)).is_err(), "{bad}");
            assert!(check::<ByActivity>(&query(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_has_bounds() {
        assert!(check_limit(0).is_err());
        assert!(check_limit(PAGE_MAX_ITEMS + 1).is_err());
        assert!(check_limit(PAGE_MAX_ITEMS).is_ok());
    }
}
