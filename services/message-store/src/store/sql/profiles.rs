//! Profiles, of which every other row has some. Compiled once for each database: see [`crate::store`].

use std::{collections::HashMap, sync::Arc};

use madang_database::{DatabaseError, DatabaseResult};
use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, Timestamp, UserId, Username};
use sqlx::FromRow;
use uuid::Uuid;

/// Null where there is no profile: an event is shown even so.
#[derive(Debug, FromRow)]
pub(super) struct ProfileColumns {
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) version: Option<i64>,
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
        let profile =
            Arc::new(columns.into_profile(id).map_err(|error| DatabaseError::corrupt("profile", error))?);
        self.profiles.insert(id, Arc::clone(&profile));
        Ok(profile)
    }
}

impl ProfileColumns {
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
