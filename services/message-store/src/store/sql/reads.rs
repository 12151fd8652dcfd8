//! How far the members of a room have read it. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{RoomId, UserId};
use madang_rpc::store::DeliveredMark;
use sqlx::{FromRow, QueryBuilder, query_as};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::{
    reads::{MarkCounts, MemberMarks, Reads},
    values::{seq, signed, unsigned},
};

/// The place up to which a member has read: who has written has read what stood above.
macro_rules! read_mark {
    () => {
        "CASE WHEN m.sent_seq > m.read_seq THEN m.sent_seq ELSE m.read_seq END"
    };
}

const MEMBER_MARKS: &str = concat!(
    "SELECT m.user_id, ",
    read_mark!(),
    " AS mark, m.delivered_seq FROM members m WHERE m.room = $1 ORDER BY m.user_id LIMIT $2"
);
/// One statement for all, since devices acknowledge at the same moment what was sent to all of them. Who has read or
/// written further has received it, and costs no write.
const MARK_DELIVERED: &str = "WITH a (in_room, in_user, in_seq) AS (";
const WHERE_IT_IS_NEWS: &str = "\
    ), b AS ( \
        SELECT a.in_room, a.in_user, CASE WHEN a.in_seq < r.head THEN a.in_seq ELSE r.head END AS place \
        FROM a JOIN rooms r ON r.id = a.in_room WHERE r.receipts > 1 AND r.member_count <= ";
const MARKED: &str = ") UPDATE members SET delivered_seq = b.place FROM b \
    WHERE room = b.in_room AND user_id = b.in_user \
        AND delivered_seq < b.place AND read_seq < b.place AND sent_seq < b.place RETURNING room";
/// One pass over the room's members: their number is not in the way of the memory, but in that of the time.
const MARK_COUNTS: &str = concat!(
    "SELECT c.mark, c.members, CAST(sum(c.members) OVER () AS bigint) AS total FROM (SELECT ",
    read_mark!(),
    " AS mark, count(*) AS members FROM members m WHERE m.room = $1 GROUP BY ",
    read_mark!(),
    ") c ORDER BY c.mark DESC LIMIT $2"
);

#[derive(Debug, FromRow)]
struct MemberMarksRow {
    user_id: Uuid,
    mark: i64,
    delivered_seq: i64,
}

#[async_trait]
impl Reads for Connection {
    async fn member_marks(&mut self, room: RoomId, limit: u32) -> DatabaseResult<Vec<MemberMarks>> {
        let query = query_as::<Db, MemberMarksRow>(MEMBER_MARKS).bind(room.uuid()).bind(i64::from(limit));
        let marks = |row: MemberMarksRow| {
            let (read, delivered) = (seq(row.mark)?, seq(row.delivered_seq)?);
            Ok(MemberMarks { user: UserId::new(row.user_id), read, delivered: delivered.max(read) })
        };
        run!(self, query, fetch_all)?.into_iter().map(marks).collect()
    }

    async fn mark_delivered(
        &mut self,
        marks: &[DeliveredMark],
        members_max: u32,
    ) -> DatabaseResult<Vec<RoomId>> {
        if marks.is_empty() {
            return Ok(Vec::new());
        }
        // It is not cached as prepared, since there would be one for each number of marks.
        let mut query = QueryBuilder::<Db>::new(MARK_DELIVERED);
        query.push_values(marks, |mut row, mark| {
            row.push_bind(mark.room.uuid()).push_bind(mark.user.uuid()).push_bind(signed(mark.seq.get()));
        });
        query.push(WHERE_IT_IS_NEWS).push_bind(i64::from(members_max)).push(MARKED);
        let query = query.build_query_scalar::<Uuid>().persistent(false);
        let mut rooms: Vec<RoomId> = run!(self, query, fetch_all)?.into_iter().map(RoomId::new).collect();
        rooms.sort_unstable();
        rooms.dedup();
        Ok(rooms)
    }

    async fn mark_counts(&mut self, room: RoomId, limit: u32) -> DatabaseResult<MarkCounts> {
        let query = query_as::<Db, (i64, i64, i64)>(MARK_COUNTS).bind(room.uuid()).bind(i64::from(limit));
        let rows = run!(self, query, fetch_all)?;
        let members = unsigned(rows.first().map_or(0, |(_, _, total)| *total))?;
        let latest = rows.into_iter().map(|(mark, members, _)| Ok((seq(mark)?, unsigned(members)?)));
        Ok(MarkCounts { latest: latest.collect::<DatabaseResult<_>>()?, members })
    }
}
