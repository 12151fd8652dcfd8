//! The cursors of lists: opaque to callers, and checked when they come back. Each list has its place beside its operation.
//!
//! Each names the position of the last item in the list's own order. So an index finds the page, and items
//! that are added or removed meanwhile neither repeat nor hide others.

use madang_domain::{Timestamp, limits::PAGE_MAX_ITEMS};
use madang_rpc::store::PageQuery;
use uuid::Uuid;

use crate::{
    error::{OperationError, OperationResult},
    settings::COMMIT_DELAY,
    store::{Moving, Pass},
};

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

/// What names an item of a list whose order moves.
pub(crate) trait ItemId: Copy {
    /// Before all that there are.
    const BEFORE_ALL: Self;

    /// The id as text.
    fn text(&self) -> String;

    /// Reads what [`text`](Self::text) wrote.
    fn read(text: &str) -> Option<Self>;
}

impl ItemId for Uuid {
    const BEFORE_ALL: Self = Self::nil();

    fn text(&self) -> String {
        self.simple().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        uuid(text)
    }
}

impl<P: Place, I: ItemId> Place for Moving<P, I> {
    const LIST: &'static str = P::LIST;

    fn parts(&self) -> String {
        let since = self.since.as_micros();
        match &self.pass {
            Pass::Ordered(place) => format!("{since}.o.{}", place.parts()),
            Pass::Moved(id) => format!("{since}.m.{}", id.text()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (since, text) = text.split_once('.')?;
        let pass = match text.split_once('.')? {
            ("o", place) => Pass::Ordered(P::read(place)?),
            ("m", id) => Pass::Moved(I::read(id)?),
            _ => return None,
        };
        Some(Self { since: since.parse().ok().map(Timestamp::from_micros)?, pass })
    }
}

/// Reads a time in hexadecimal microseconds, as `{:x}` writes them: without a sign.
pub(super) fn micros(text: &str) -> Option<Timestamp> {
    u64::from_str_radix(text, 16).ok().map(|micros| Timestamp::from_micros(micros.cast_signed()))
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

/// Cuts what was read one item past `limit`, and says where to go on when there is more; `is_cut`: what was read ends before
/// that, since the rest does not fit into the bytes of a page.
pub(crate) fn cut<T, P: Place>(
    mut items: Vec<T>,
    limit: u32,
    is_cut: bool,
    place: impl Fn(&T) -> P,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = is_cut || items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| place(last).cursor());
    (items, next)
}

/// A page of a list whose order moves, in two passes: see [`Moving`].
pub(crate) struct MovingPage<P, I = Uuid> {
    pub(crate) since: Timestamp,
    limit: u32,
    after: Option<Pass<P, I>>,
}

impl<P: Place + Copy, I: ItemId> MovingPage<P, I> {
    /// What a caller asks for, at this time.
    pub(crate) fn begin(query: &PageQuery, now: Timestamp) -> OperationResult<Self> {
        let (limit, after) = check::<Moving<P, I>>(query)?;
        let since = after.as_ref().map_or(now.minus(COMMIT_DELAY), |after| after.since);
        Ok(Self { since, limit, after: after.map(|after| after.pass) })
    }

    /// What to read in the list's order: after which place, how many. None in the second pass.
    pub(crate) fn ordered(&self) -> Option<(Option<P>, u32)> {
        match self.after {
            None => Some((None, self.limit + 1)),
            Some(Pass::Ordered(place)) => Some((Some(place), self.limit + 1)),
            Some(Pass::Moved(_)) => None,
        }
    }

    /// What to read of what has moved, once so many were read in order: after which id, how many. None before the order
    /// has come to its end, and where the first page is the last one: it is of one moment.
    pub(crate) fn moved(&self, ordered: usize) -> Option<(I, u32)> {
        let left = (self.limit + 1).checked_sub(u32::try_from(ordered).unwrap_or(u32::MAX))?;
        match self.after {
            Some(Pass::Ordered(_)) if left > 0 => Some((I::BEFORE_ALL, left)),
            Some(Pass::Moved(id)) => Some((id, left)),
            None | Some(Pass::Ordered(_)) => None,
        }
    }

    /// Cuts what was read, of which the first `ordered` are of the list's order. `is_cut`: it ends where the page's bytes do.
    pub(crate) fn cut<T>(
        &self,
        items: Vec<T>,
        ordered: usize,
        is_cut: bool,
        place: impl Fn(&T) -> P,
        id: impl Fn(&T) -> I,
    ) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let in_order = limit.min(items.len()) <= ordered;
        cut(items, self.limit, is_cut, |last| Moving {
            since: self.since,
            pass: if in_order { Pass::Ordered(place(last)) } else { Pass::Moved(id(last)) },
        })
    }
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
        let activity = ByActivity { activity: Timestamp::from_micros(1_234_567), room: RoomId::new(uuid) };
        for pass in [Pass::Ordered(activity), Pass::Moved(uuid)] {
            let place = Moving { since: Timestamp::from_micros(-5), pass };
            assert_eq!(check(&query(&place.cursor())).unwrap(), (10, Some(place)));
        }
        // Before 1970.
        let activity = ByActivity { activity: Timestamp::from_micros(-5), room: RoomId::new(uuid) };
        let place = Moving { since: Timestamp::from_micros(0), pass: Pass::<_, Uuid>::Ordered(activity) };
        assert_eq!(check(&query(&place.cursor())).unwrap(), (10, Some(place)));
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
