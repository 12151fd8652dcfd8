//! Changes of profiles, of which everybody hears who shares a room with the user.

use std::{iter, sync::Arc};

use madang_domain::{AvatarUrl, Code, DisplayName, Error, Profile, Result, TopicId, UserRef, Username};
use madang_rpc::{
    auth::{ExternalUser, RecognizeUser, UpdateProfile},
    store::{RememberProfile, RememberedProfile},
};
use tokio::sync::mpsc;

use super::{Action, Commands, Committed};
use crate::{
    admission::{Actor, Spent},
    credentials::ChangedUser,
    fanout::{ProfileChange, Publication},
    log,
};

/// What the site says of a user. What is absent stays; `Some(None)` removes the picture.
#[derive(Debug, Clone, Default)]
pub(crate) struct SiteProfile {
    pub(crate) username: Option<Username>,
    pub(crate) name: Option<DisplayName>,
    pub(crate) avatar_url: Option<Option<AvatarUrl>>,
}

impl Commands {
    /// Changes the actor's own profile.
    pub(crate) async fn update_profile(&self, actor: &Actor, change: UpdateProfile) -> Result<Profile> {
        let spent = self.spend(actor, Action::UpdateProfile, None).await?;
        let auth = Arc::clone(&self.auth);
        self.commit_profile(spent, async move { auth.update_profile(change).await }).await
    }

    /// The site creates or changes a user by its own id, or changes a user who registered here.
    pub(crate) async fn put_user_as_site(&self, user: UserRef, said: SiteProfile) -> Result<Profile> {
        let SiteProfile { username, name, avatar_url } = said;
        let external_id = match &user {
            UserRef::External(id) => Some(id.clone()),
            UserRef::Id(_) => self.find_user(&user).await?.external_id.clone(),
        };
        let (spent, auth) = (Spent::by_site(), Arc::clone(&self.auth));
        match (external_id, user) {
            (None, UserRef::Id(_)) if username.is_some() => Err(Error::new(
                Code::FailedPrecondition,
                "a user who signs in here has chosen the username: the site cannot change it",
            )),
            (None, UserRef::Id(user)) => {
                let change = UpdateProfile { user, name, avatar_url, presented: None };
                self.commit_profile(spent, async move { auth.update_profile(change).await }).await
            }
            (Some(external_id), _) | (None, UserRef::External(external_id)) => {
                let user = ExternalUser { external_id, username, name, avatar_url, as_of: None };
                let change = RecognizeUser { user, by_backend: true };
                self.commit_profile(spent, async move { Ok(auth.recognize_user(change).await?.profile) })
                    .await
            }
        }
    }

    /// Tells of the profiles that the auth service changed as the site's tokens said, until none can come any more.
    pub(crate) async fn tell_profiles(self: Arc<Self>, mut changed: mpsc::Receiver<ChangedUser>) {
        while let Some(ChangedUser { profile, was_known }) = changed.recv().await {
            let store = Arc::clone(&self.store);
            let told = self.commit(Spent::by_site(), "tell profile", async move {
                let seen = store.remember_profile(RememberProfile { user: Arc::new(profile) }).await?;
                // Of a user who is new here nobody else knows.
                let is_news = was_known || !seen.rooms.is_empty();
                let publications = if is_news { publications(seen) } else { Vec::new() };
                Ok(Committed { value: (), publications })
            });
            if let Err(error) = told.await {
                log::failed_request(&error);
            }
        }
    }

    /// Changes a profile, has the message store show it, and tells of it. Where the store does not answer, the change
    /// stands and its repetition is told.
    async fn commit_profile(
        &self,
        spent: Spent,
        change: impl Future<Output = Result<Profile>> + Send + 'static,
    ) -> Result<Profile> {
        let store = Arc::clone(&self.store);
        self.commit(spent, "change profile", async move {
            let value = change.await?;
            let seen = store.remember_profile(RememberProfile { user: Arc::new(value.clone()) }).await?;
            Ok(Committed { value, publications: publications(seen) })
        })
        .await
    }
}

/// One for the user's own devices, and one for each room. A socket that hears several is told once.
pub(super) fn publications(RememberedProfile { user, rooms }: RememberedProfile) -> Vec<Publication> {
    let topics = iter::once(TopicId::Inbox(user.id)).chain(rooms.into_iter().map(TopicId::Room));
    topics.map(|topic| Publication::Profile(ProfileChange { topic, user: Arc::clone(&user) })).collect()
}
