//! Users as others see them: statuses, and when somebody was last seen.

use std::{collections::HashMap, iter, sync::Arc, time::Duration};

use madang_domain::{Profile, Result, TopicId, UserId};
use madang_rpc::{
    MessageStore,
    store::{
        GetPeople, NoteSeen, PEOPLE_MAX, Person, PutStatus, RememberProfile, Status, ToldStatus, UserSettings,
    },
};
use tokio_util::sync::CancellationToken;

use super::{Action, Commands, Committed};
use crate::{
    admission::{Actor, Departures, Hides},
    fanout::{Publication, ShownChange, StatusChange},
    formats::native,
    hub::StatusNews,
    log,
};

/// Who has left within so long is noted together.
const COLLECT: Duration = Duration::from_secs(1);
/// The pause after the store did not answer.
const PAUSE: Duration = Duration::from_secs(5);

impl Commands {
    /// Sets the actor's status, or ends it.
    pub(crate) async fn put_status(&self, actor: &Actor, status: Option<Status>) -> Result<()> {
        let spent = self.spend(actor, Action::PutStatus, None).await?;
        let (store, user) = (Arc::clone(&self.store), self.budgets.present_profile(actor));
        self.commit(spent, "put status", async move {
            let put = PutStatus { user: Arc::clone(&user), status: status.clone() };
            let told = store.put_status(put).await?;
            Ok(Committed { value: (), publications: publications(user.id, status.as_ref(), told) })
        })
        .await
    }

    /// A user's profile with what the actor sees of the user.
    pub(crate) async fn read_person(&self, actor: &Actor, user: UserId) -> Result<(Profile, Option<Person>)> {
        let profile = self.read_user(actor, user).await?;
        let person = self.people(actor, vec![user]).await?.remove(&user);
        Ok((profile, person))
    }

    /// What the actor sees of users, of each of whom there is something to see.
    pub(crate) async fn people(&self, actor: &Actor, users: Vec<UserId>) -> Result<HashMap<UserId, Person>> {
        let people = self.store.get_people(GetPeople { viewer: actor.profile.id, users }).await?;
        Ok(people.into_iter().map(|person| (person.user, person)).collect())
    }

    /// Has the store note of users who have left when that was, until the gateway has no sockets any more.
    pub(crate) async fn note_departures(
        self: Arc<Self>,
        departures: Arc<Departures>,
        stop: CancellationToken,
    ) {
        loop {
            let next = async {
                departures.any().await;
                tokio::time::sleep(COLLECT).await;
            };
            let goes_on = stop.run_until_cancelled(next).await.is_some();
            if !self.note_all(&departures).await && goes_on {
                let _ = stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Notes who has left. False where the store does not answer: then it is to be tried again.
    async fn note_all(&self, departures: &Departures) -> bool {
        loop {
            let seen = departures.take(PEOPLE_MAX, self.clock.now());
            if seen.is_empty() {
                return true;
            }
            if let Err(error) = self.store.note_seen(NoteSeen { seen: seen.clone() }).await {
                log::failed_request(&error);
                departures.put_back(seen);
                return false;
            }
        }
    }
}

/// What tells all gateways that a user shows other things from now on: in the user's rooms, and for the user's sockets.
pub(super) async fn shown(
    store: &dyn MessageStore,
    user: Arc<Profile>,
    set: UserSettings,
) -> Result<Vec<Publication>> {
    let hides = Hides { presence: set.hides_presence, typing: set.hides_typing };
    let seen = store.remember_profile(RememberProfile { user }).await?;
    let topics = iter::once(TopicId::Inbox(seen.user.id)).chain(seen.rooms.into_iter().map(TopicId::Room));
    let change = |topic| Publication::Shown(ShownChange { topic, user: Arc::clone(&seen.user), hides });
    Ok(topics.map(change).collect())
}

/// One for the user's own devices, and one for each room. A socket that hears several is told once.
fn publications(user: UserId, status: Option<&Status>, told: ToldStatus) -> Vec<Publication> {
    let ToldStatus { version, rooms } = told;
    let frame = native::status_frame(user, status);
    let rooms = rooms.into_iter().map(|told| (TopicId::Room(told.room), told.but_for));
    let change = |(topic, but_for)| {
        let news = StatusNews::new(user, version, but_for, frame.clone());
        Publication::Status(StatusChange { topic, news })
    };
    iter::once((TopicId::Inbox(user), Vec::new())).chain(rooms).map(change).collect()
}
