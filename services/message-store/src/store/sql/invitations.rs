//! Who may make whom a member, and invitations. Compiled once for each database: see [`crate::store`].

use async_trait::async_trait;
use madang_database::{DatabaseResult, run};
use madang_domain::{AddedBy, Role, RoomId, Timestamp, UserId};
use sqlx::{query, query_scalar};

use super::{connection::Connection, driver::Db};
use crate::store::{
    columns::{guest_column, role_column, role_of},
    invitations::{Invitation, Invitations},
    values::{added_by_from_number, added_by_number, role_from_number, role_number, unsigned},
};

const ADDED_BY: &str = "SELECT added_by FROM user_settings WHERE user_id = $1";
const SET_ADDED_BY: &str = "\
    INSERT INTO user_settings (user_id, added_by) VALUES ($1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET added_by = excluded.added_by";
const DO_NOT_DISTURB_UNTIL: &str = "SELECT do_not_disturb_until FROM user_settings WHERE user_id = $1";
const SET_DO_NOT_DISTURB_UNTIL: &str = "\
    INSERT INTO user_settings (user_id, do_not_disturb_until) VALUES ($1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET do_not_disturb_until = excluded.do_not_disturb_until";
const SHARE_A_ROOM: &str = "\
    SELECT count(*) FROM (SELECT 1 FROM members a JOIN members b ON b.room = a.room AND b.user_id = $2 \
                          WHERE a.user_id = $1 LIMIT 1) AS shared";
const INSERT_INVITATION: &str = concat!(
    "INSERT INTO invitations (room, user_id, inviter, role, guest, at) VALUES ($1, $2, $3, ",
    role_column!("$4"),
    ", ",
    guest_column!("$4"),
    ", $5) ON CONFLICT DO NOTHING"
);
const TAKE_INVITATION: &str =
    concat!("DELETE FROM invitations WHERE room = $1 AND user_id = $2 RETURNING ", role_of!("invitations"));
const TAKE_BACK_INVITATIONS: &str = "DELETE FROM invitations WHERE inviter = $1 AND user_id = $2";
// Mostly it is one row that is too many; without a limit SQLite knows no offset.
const DROP_OLDEST_INVITATIONS: &str = "\
    DELETE FROM invitations WHERE user_id = $1 AND room IN ( \
        SELECT room FROM invitations WHERE user_id = $1 AND room <> $2 ORDER BY at DESC, room DESC LIMIT 1000 OFFSET $3)";
const INVITATIONS_OF: &str =
    "SELECT count(*) FROM (SELECT 1 FROM invitations WHERE inviter = $1 LIMIT $2) AS open";

#[async_trait]
impl Invitations for Connection {
    async fn added_by(&mut self, user: UserId) -> DatabaseResult<Option<AddedBy>> {
        let query = query_scalar::<Db, Option<i16>>(ADDED_BY).bind(user.uuid());
        run!(self, query, fetch_optional)?.flatten().map(added_by_from_number).transpose()
    }

    async fn set_added_by(&mut self, user: UserId, added_by: AddedBy) -> DatabaseResult<()> {
        let query = query::<Db>(SET_ADDED_BY).bind(user.uuid()).bind(added_by_number(added_by));
        run!(self, query, execute).map(drop)
    }

    async fn do_not_disturb_until(&mut self, user: UserId) -> DatabaseResult<Timestamp> {
        let query = query_scalar::<Db, i64>(DO_NOT_DISTURB_UNTIL).bind(user.uuid());
        Ok(Timestamp::from_micros(run!(self, query, fetch_optional)?.unwrap_or(0)))
    }

    async fn set_do_not_disturb_until(&mut self, user: UserId, until: Timestamp) -> DatabaseResult<()> {
        let query = query::<Db>(SET_DO_NOT_DISTURB_UNTIL).bind(user.uuid()).bind(until.as_micros());
        run!(self, query, execute).map(drop)
    }

    async fn share_a_room(&mut self, one: UserId, other: UserId) -> DatabaseResult<bool> {
        let query = query_scalar::<Db, i64>(SHARE_A_ROOM).bind(one.uuid()).bind(other.uuid());
        Ok(run!(self, query, fetch_one)? > 0)
    }

    async fn insert_invitation(&mut self, invitation: &Invitation) -> DatabaseResult<bool> {
        let query = query::<Db>(INSERT_INVITATION)
            .bind(invitation.room.uuid())
            .bind(invitation.user.uuid())
            .bind(invitation.inviter.uuid())
            .bind(role_number(invitation.role))
            .bind(invitation.at.as_micros());
        Ok(run!(self, query, execute)?.rows_affected() == 1)
    }

    async fn take_invitation(&mut self, room: RoomId, user: UserId) -> DatabaseResult<Option<Role>> {
        let query = query_scalar::<Db, i16>(TAKE_INVITATION).bind(room.uuid()).bind(user.uuid());
        run!(self, query, fetch_optional)?.map(role_from_number).transpose()
    }

    async fn take_back_invitations(&mut self, inviter: UserId, user: UserId) -> DatabaseResult<()> {
        let query = query::<Db>(TAKE_BACK_INVITATIONS).bind(inviter.uuid()).bind(user.uuid());
        run!(self, query, execute).map(drop)
    }

    async fn drop_oldest_invitations(&mut self, user: UserId, room: RoomId, kept: u32) -> DatabaseResult<()> {
        let query =
            query::<Db>(DROP_OLDEST_INVITATIONS).bind(user.uuid()).bind(room.uuid()).bind(i64::from(kept));
        run!(self, query, execute).map(drop)
    }

    async fn invitations_of(&mut self, inviter: UserId, most: u32) -> DatabaseResult<u64> {
        let query = query_scalar::<Db, i64>(INVITATIONS_OF).bind(inviter.uuid()).bind(i64::from(most));
        unsigned(run!(self, query, fetch_one)?)
    }
}
