//! Which list a cursor belongs to.

use madang_rpc::store::PageQuery;

use super::{
    edits::ByRevision,
    page::{Place, check},
    pins::ByPin,
};
use crate::store::{ByActivity, ByAge, ByBlock, ByRank, ByReply, Moving, ThreadId};

/// Reads a cursor for every list. Answers, of each list that takes it, the list's name and the cursor as that list writes
/// it.
#[must_use]
pub fn read_cursor(cursor: &str) -> Vec<(&'static str, String)> {
    fn of<P: Place>(cursor: &str) -> Option<(&'static str, String)> {
        let query = PageQuery { limit: 1, cursor: Some(cursor.to_owned()) };
        let (_, place) = check::<P>(&query).ok()?;
        place.map(|place| (P::LIST, place.cursor()))
    }
    let lists = [
        of::<Moving<ByActivity>>,
        of::<Moving<ByRank>>,
        of::<ByAge>,
        of::<ByBlock>,
        of::<ByPin>,
        of::<ByRevision>,
        of::<Moving<ByReply, ThreadId>>,
    ];
    lists.into_iter().filter_map(|of| of(cursor)).collect()
}
