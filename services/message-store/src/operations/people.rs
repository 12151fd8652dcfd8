//! Users, as rooms show them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use madang_domain::{Profile, RoomId, Timestamp, UserId};
use madang_rpc::store::{
    GetHides, GetPeople, NoteSeen, PEOPLE_MAX, PROFILE_ROOMS_MAX, Person, PutStatus, ReadHides,
    RememberedProfile, STATUS_BUT_FOR_MAX, StatusRoom, ToldStatus, UserBlocks,
};
use tokio::time::timeout;

use super::engine::Engine;
use crate::{
    error::{OperationError, OperationResult},
    store::BlockedMost,
    transaction::{finish, in_transaction},
};

/// Past it a status is told to the user's own devices alone: others see it when they ask for people.
const BLOCKED_MOST: BlockedMost = BlockedMost { blockers: 1_000, places: 10_000 };

/// The blocks of one answer about many users: 16 bytes each, within what one answer may weigh.
const BLOCKS_READ_MAX: u32 = 50_000;
/// How long it may take to find out who is told of a status that is committed: much less than the caller waits.
const ROOMS_WITHIN: Duration = Duration::from_secs(2);

impl Engine {
    /// Keeps a user's present profile, and answers the rooms in which it is seen.
    pub(crate) async fn remember_profile(&self, user: Arc<Profile>) -> OperationResult<RememberedProfile> {
        self.remember([&user]).await?;
        let mut connection = self.database.reader().await?;
        let outcome = async {
            // A later profile than this one may be there.
            let present = connection.profiles(&[user.id]).await?.pop().map_or(user, Arc::new);
            let rooms = connection.rooms_of(present.id, PROFILE_ROOMS_MAX).await?;
            Ok(RememberedProfile { user: present, rooms })
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    pub(crate) async fn put_status(&self, request: PutStatus) -> OperationResult<ToldStatus> {
        let PutStatus { user, status } = request;
        // So that there is one: it is locked against an erasure.
        self.remember([&user]).await?;
        let user = user.id;
        let version = in_transaction!(self, "put_status", |transaction| {
            if transaction.is_any_erased(&[user]).await? {
                return Err(OperationError::UserErased);
            }
            Ok(transaction.set_status(user, status.as_ref(), self.clock.now()).await?)
        })?;
        // After the commit: no other writer waits while it is found out who is told. Where it cannot be found out, the user's
        // own devices are told alone: the status stands.
        let rooms = match timeout(ROOMS_WITHIN, self.told_rooms(user)).await {
            Ok(Ok(rooms)) => rooms,
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a status is told in no room");
                Vec::new()
            }
            Err(_elapsed) => Vec::new(),
        };
        Ok(ToldStatus { version, rooms })
    }

    /// The rooms in which a user's status is told; none where too many are not to hear of it.
    async fn told_rooms(&self, user: UserId) -> OperationResult<Vec<StatusRoom>> {
        let mut connection = self.database.reader().await?;
        let outcome = async {
            let rooms = connection.rooms_of(user, PROFILE_ROOMS_MAX).await?;
            let blocked = connection.blocked_in_rooms(user, BLOCKED_MOST).await?;
            Ok(blocked.map_or_else(Vec::new, |blocked| told_in(rooms, blocked)))
        };
        let outcome = outcome.await;
        finish(connection, outcome).await
    }

    /// What a user sees of others.
    pub(crate) async fn people(&self, request: GetPeople) -> OperationResult<Vec<Person>> {
        let GetPeople { viewer, mut users } = request;
        users.truncate(PEOPLE_MAX);
        let mut connection = self.database.reader().await?;
        let people = connection.people(viewer, &users, self.clock.now()).await?;
        connection.commit().await?;
        Ok(people)
    }

    pub(crate) async fn hides(&self, request: GetHides) -> OperationResult<ReadHides> {
        let GetHides { mut users } = request;
        users.truncate(PEOPLE_MAX);
        users.sort_unstable();
        users.dedup();
        let mut connection = self.database.reader().await?;
        let hides = connection.hides_of(&users).await?;
        let rows = connection.blocks_of(&users, BLOCKS_READ_MAX + 1).await?;
        connection.commit().await?;
        Ok(ReadHides { hides, blocks: blocks(&users, rows, BLOCKS_READ_MAX as usize) })
    }

    pub(crate) async fn note_seen(&self, request: NoteSeen) -> OperationResult<()> {
        let NoteSeen { mut seen } = request;
        // Each user once, with the latest time; in one order, as locks are taken.
        seen.sort_by(|a, b| a.user.cmp(&b.user).then(b.at.cmp(&a.at)));
        seen.dedup_by_key(|seen| seen.user);
        seen.truncate(PEOPLE_MAX);
        in_transaction!(self, "note_seen", |transaction| {
            transaction.note_seen(&seen).await?;
            Ok(())
        })
    }
}

/// Whom users have blocked, of rows in the order of the users. Of more than so many, the last user's may be missing in part:
/// that user is left out, with all who would come after.
fn blocks(
    users: &[UserId],
    rows: Vec<(UserId, Timestamp, Option<UserId>)>,
    rows_max: usize,
) -> Vec<UserBlocks> {
    let end = rows.get(rows_max).map(|(user, ..)| *user);
    // Who has no settings has changed nothing since there are versions.
    let unknown =
        |user: &UserId| UserBlocks { user: *user, blocked: Vec::new(), version: Timestamp::default() };
    let asked = users.iter().filter(|user| end.is_none_or(|end| **user < end));
    let mut all: BTreeMap<UserId, UserBlocks> = asked.map(|user| (*user, unknown(user))).collect();
    for (user, version, other) in rows {
        if let Some(of) = all.get_mut(&user) {
            of.version = version;
            of.blocked.extend(other);
        }
    }
    all.into_values().collect()
}

/// The rooms in which a status is told, each with those who are not told. A room in which these are many is left out.
fn told_in(rooms: Vec<RoomId>, blocked: Vec<(RoomId, UserId)>) -> Vec<StatusRoom> {
    let mut in_rooms: HashMap<RoomId, Vec<UserId>> = HashMap::new();
    for (room, user) in blocked {
        in_rooms.entry(room).or_default().push(user);
    }
    let told = rooms.into_iter().map(|room| {
        let mut but_for = in_rooms.remove(&room).unwrap_or_default();
        but_for.sort_unstable();
        StatusRoom { room, but_for }
    });
    told.filter(|told| told.but_for.len() <= STATUS_BUT_FOR_MAX).collect()
}
