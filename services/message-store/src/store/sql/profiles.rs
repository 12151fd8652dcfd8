//! Profiles, of which every other row has some. Compiled once for each database: see [`crate::store`].

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use madang_database::{DatabaseError, DatabaseResult, run};
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, RoomId, Timestamp, UserId, Username};
use sqlx::{FromRow, QueryBuilder, query_scalar};
use uuid::Uuid;

use super::{connection::Connection, driver::Db};
use crate::store::profiles::Profiles;

const PROFILES: &str = "\
    SELECT p.user_id, p.username, p.name, p.avatar_url, p.external_id, p.version FROM profiles p WHERE p.user_id IN (";
const ROOMS_OF: &str = "\
    SELECT m.room FROM members m JOIN rooms r ON r.id = m.room WHERE m.user_id = $1 \
    ORDER BY r.active_at DESC, r.id DESC LIMIT $2";

/// Null where there is no profile: an event is shown even so.
#[derive(Debug, FromRow)]
pub(super) struct ProfileColumns {
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) version: Option<i64>,
}

/// A user's profile.
#[derive(Debug, FromRow)]
struct ProfileRow {
    user_id: Uuid,
    #[sqlx(flatten)]
    profile: ProfileColumns,
}

/// Makes values of rows. Holds each profile once, however many events name it.
#[derive(Debug, Default)]
pub(super) struct Reader {
    profiles: HashMap<UserId, Arc<Profile>>,
}

impl Reader {
    /// The profile of a row, shared with the rows that name it too.
    pub(super) fn profile(&mut self, id: Uuid, columns: ProfileColumns) -> DatabaseResult<Arc<Profile>> {
        let id = UserId::new(id);
        if let Some(profile) = self.profiles.get(&id) {
            return Ok(Arc::clone(profile));
        }
        let profile = Arc::new(read(id, columns)?);
        self.profiles.insert(id, Arc::clone(&profile));
        Ok(profile)
    }
}

impl ProfileColumns {
    /// The profile; none where there is none.
    pub(super) fn known(self, id: UserId) -> DatabaseResult<Option<Arc<Profile>>> {
        if self.username.is_none() { Ok(None) } else { read(id, self).map(|profile| Some(Arc::new(profile))) }
    }

    fn into_profile(self, id: UserId) -> Result<Profile, madang_domain::TextError> {
        /// What stands for a user of whom only the id is left. Events must not vanish with a profile.
        const UNKNOWN: &str = "unknown";
        Ok(Profile {
            id,
            username: Username::recorded(self.username.unwrap_or_else(|| UNKNOWN.to_owned()))?,
            name: DisplayName::recorded(self.name.unwrap_or_else(|| UNKNOWN.to_owned()))?,
            avatar_url: self.avatar_url.and_then(AvatarUrl::recorded),
            external_id: self.external_id.map(ExternalId::new).transpose()?,
            version: Timestamp::from_micros(self.version.unwrap_or(0)),
        })
    }
}

fn read(id: UserId, columns: ProfileColumns) -> DatabaseResult<Profile> {
    columns.into_profile(id).map_err(|error| DatabaseError::corrupt("profile", error))
}

#[async_trait]
impl Profiles for Connection {
    async fn profiles(&mut self, users: &[UserId]) -> DatabaseResult<Vec<Profile>> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Db>::new(PROFILES);
        let mut list = query.separated(", ");
        for user in users {
            list.push_bind(user.uuid());
        }
        query.push(")");
        // The statement is not cached as prepared, since there would be one for each length of the list.
        let query = query.build_query_as::<ProfileRow>().persistent(false);
        let rows = run!(self, query, fetch_all)?;
        rows.into_iter().map(|row| read(UserId::new(row.user_id), row.profile)).collect()
    }

    async fn rooms_of(&mut self, user: UserId, limit: u32) -> DatabaseResult<Vec<RoomId>> {
        let query = query_scalar::<Db, Uuid>(ROOMS_OF).bind(user.uuid()).bind(i64::from(limit));
        Ok(run!(self, query, fetch_all)?.into_iter().map(RoomId::new).collect())
    }
}
