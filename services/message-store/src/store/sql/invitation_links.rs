//! Invitation links. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{RoomId, Timestamp};
use madang_rpc::store::Invitation;
use sqlx::{FromRow, query, query_as, query_scalar};
use uuid::Uuid;

use super::{
    connection::Connection,
    driver::Db,
    profiles::{ProfileColumns, Reader},
};
use crate::store::{
    invitation_links::{CodeDigest, InvitationLink, InvitationLinks},
    values::unsigned,
};

/// Of `invitation_links l`, those that can be used at `$2`.
macro_rules! usable {
    () => {
        "l.expires_at > $2 AND (l.uses = 0 OR l.used < l.uses)"
    };
}

const ROOM_OF_LINK: &str = concat!("SELECT l.room FROM invitation_links l WHERE l.code = $1 AND ", usable!());
const USE_LINK: &str = "\
    UPDATE invitation_links SET used = used + 1 \
    WHERE code = $1 AND expires_at > $2 AND (uses = 0 OR used < uses)";
const INSERT_LINK: &str = "\
    INSERT INTO invitation_links (id, room, code, actor, created_at, expires_at, uses, used) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
const FORGET_LINKS: &str = "\
    DELETE FROM invitation_links WHERE room = $1 AND (expires_at <= $2 OR (uses > 0 AND used >= uses))";
const COUNT_LINKS: &str = "SELECT count(*) FROM invitation_links WHERE room = $1";
const LINKS: &str = concat!(
    "SELECT l.id, l.actor, l.created_at, l.expires_at, l.uses, l.used, p.username, p.name, p.avatar_url, \
     p.external_id, p.version FROM invitation_links l LEFT JOIN profiles p ON p.user_id = l.actor \
     WHERE l.room = $1 AND ",
    usable!(),
    " ORDER BY l.created_at DESC, l.id DESC"
);
const DELETE_LINK: &str = "DELETE FROM invitation_links WHERE room = $1 AND (id = $2 OR code = $3)";

#[derive(Debug, FromRow)]
struct LinkRow {
    id: Uuid,
    actor: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
    created_at: i64,
    expires_at: i64,
    uses: i64,
    used: i64,
}

fn uses(number: i64) -> DatabaseResult<u32> {
    u32::try_from(number).map_err(|error| DatabaseError::corrupt("uses of an invitation link", error))
}

#[async_trait]
impl InvitationLinks for Connection {
    async fn room_of_link(&mut self, code: &CodeDigest, now: Timestamp) -> DatabaseResult<Option<RoomId>> {
        let query = query_scalar::<Db, Uuid>(ROOM_OF_LINK).bind(code.as_slice()).bind(now.as_micros());
        Ok(run!(self, query, fetch_optional)?.map(RoomId::new))
    }

    async fn use_link(&mut self, code: &CodeDigest, now: Timestamp) -> DatabaseResult<bool> {
        let query = query::<Db>(USE_LINK).bind(code.as_slice()).bind(now.as_micros());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn insert_link(&mut self, link: &InvitationLink) -> DatabaseResult<()> {
        let query = query::<Db>(INSERT_LINK)
            .bind(link.id)
            .bind(link.room.uuid())
            .bind(link.code.as_slice())
            .bind(link.actor.uuid())
            .bind(link.created_at.as_micros())
            .bind(link.expires_at.as_micros())
            .bind(i64::from(link.uses.unwrap_or(0)));
        run!(self, query, execute).map(drop)
    }

    async fn count_links(&mut self, room: RoomId, now: Timestamp) -> DatabaseResult<u64> {
        run!(self, query::<Db>(FORGET_LINKS).bind(room.uuid()).bind(now.as_micros()), execute)?;
        unsigned(run!(self, query_scalar::<Db, i64>(COUNT_LINKS).bind(room.uuid()), fetch_one)?)
    }

    async fn links(&mut self, room: RoomId, now: Timestamp) -> DatabaseResult<Vec<Invitation>> {
        let query = query_as::<Db, LinkRow>(LINKS).bind(room.uuid()).bind(now.as_micros());
        let mut reader = Reader::default();
        let link = |row: LinkRow| {
            Ok(Invitation {
                id: row.id.to_string(),
                by: reader.profile(row.actor, row.profile)?,
                created_at: Timestamp::from_micros(row.created_at),
                expires_at: Timestamp::from_micros(row.expires_at),
                uses: Some(uses(row.uses)?).filter(|uses| *uses > 0),
                used: uses(row.used)?,
            })
        };
        run!(self, query, fetch_all)?.into_iter().map(link).collect()
    }

    async fn delete_link(
        &mut self,
        room: RoomId,
        id: Option<Uuid>,
        code: &CodeDigest,
    ) -> DatabaseResult<bool> {
        let query = query::<Db>(DELETE_LINK).bind(room.uuid()).bind(id).bind(code.as_slice());
        Ok(run!(self, query, execute)?.rows_affected() > 0)
    }
}
