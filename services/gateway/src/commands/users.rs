//! Users by their ids, and as the site names them.

use std::sync::Arc;

use madang_domain::{Code, Error, Profile, Result, UserId, UserRef};
use madang_rpc::auth::{FindUsers, GetUsers};

use super::Commands;
use crate::admission::Actor;

impl Commands {
    /// A user's profile, as another user asks for it.
    pub(crate) async fn read_user(&self, actor: &Actor, user: UserId) -> Result<Profile> {
        self.pay_read(actor)?;
        self.user(user).await
    }

    /// A user's profile.
    pub(super) async fn user(&self, user: UserId) -> Result<Profile> {
        let found = self.auth.get_users(GetUsers { ids: vec![user] }).await?.pop();
        found.ok_or_else(|| Error::new(Code::NotFound, "there is no such user"))
    }

    /// The profiles of users. `not_found`: one of them does not exist.
    pub(super) async fn users(&self, ids: &[UserId]) -> Result<Vec<Arc<Profile>>> {
        let users = if ids.is_empty() {
            Vec::new()
        } else {
            self.auth.get_users(GetUsers { ids: ids.to_vec() }).await?
        };
        if let Some(unknown) = ids.iter().find(|id| !users.iter().any(|user| user.id == **id)) {
            return Err(Error::new(Code::NotFound, format!("there is no user {unknown}")));
        }
        Ok(users.into_iter().map(Arc::new).collect())
    }

    /// The user whom the site names.
    pub(crate) async fn find_user(&self, user: &UserRef) -> Result<Arc<Profile>> {
        let found = self.auth.find_users(FindUsers { users: vec![user.clone()] }).await?.pop();
        found.map(Arc::new).ok_or_else(|| unknown(user))
    }

    /// The users whom the site names, each at the place of its name.
    pub(super) async fn find_users(&self, names: &[UserRef]) -> Result<Vec<Arc<Profile>>> {
        let found: Vec<Arc<Profile>> = self
            .auth
            .find_users(FindUsers { users: names.to_vec() })
            .await?
            .into_iter()
            .map(Arc::new)
            .collect();
        names.iter().map(|name| named(&found, name)).collect()
    }
}

fn named(found: &[Arc<Profile>], name: &UserRef) -> Result<Arc<Profile>> {
    let is_named = |profile: &&Arc<Profile>| match name {
        UserRef::Id(id) => profile.id == *id,
        UserRef::External(id) => profile.external_id.as_ref() == Some(id),
    };
    found.iter().find(is_named).cloned().ok_or_else(|| unknown(name))
}

fn unknown(user: &UserRef) -> Error {
    let message = match user {
        UserRef::Id(_) => format!("there is no user {user}"),
        UserRef::External(_) => {
            format!("there is no user {user} yet: create the user by PUT /v1/server/users/{user}")
        }
    };
    Error::new(Code::NotFound, message)
}
