//! Users, as rooms show them.

use std::sync::Arc;

use madang_domain::Profile;
use madang_rpc::store::{
    GetPeople, NoteSeen, PEOPLE_MAX, PROFILE_ROOMS_MAX, Person, PutStatus, RememberedProfile, StatusRoom,
    ToldStatus,
};

use super::engine::Engine;
use crate::{
    error::{OperationError, OperationResult},
    transaction::{finish, in_transaction},
};

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
        in_transaction!(self, "put_status", |transaction| {
            if transaction.is_any_erased(&[user]).await? {
                return Err(OperationError::UserErased);
            }
            let version = transaction.set_status(user, status.as_ref(), self.clock.now()).await?;
            let blocked = transaction.blocked_in_rooms(user).await?;
            let rooms = transaction.rooms_of(user, PROFILE_ROOMS_MAX).await?.into_iter().map(|room| {
                let blocked = blocked.iter().filter(|(of, _)| *of == room);
                StatusRoom { room, but_for: blocked.map(|(_, user)| *user).collect() }
            });
            Ok(ToldStatus { version, rooms: rooms.collect() })
        })
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
