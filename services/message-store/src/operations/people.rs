//! Users, as rooms show them.

use std::sync::Arc;

use madang_domain::Profile;
use madang_rpc::store::{PROFILE_ROOMS_MAX, RememberedProfile};

use super::engine::Engine;
use crate::{error::OperationResult, transaction::finish};

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
}
