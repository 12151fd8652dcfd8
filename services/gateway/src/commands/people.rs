//! Users as others see them: statuses, and when somebody was last seen.

use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::Arc,
    time::Duration,
};

use madang_domain::{Profile, Result, TopicId, UserId};
use madang_flow_control::{Backoff, Pauses};
use madang_kit::clock::fraction;
use madang_rpc::{
    MessageStore, is_unknown_method,
    store::{
        GetHides, GetPeople, NoteSeen, PEOPLE_MAX, Person, PutStatus, ReadHides, RememberProfile,
        RememberedProfile, Status, ToldStatus, UserBlocks, UserHides, UserSettings,
    },
};
use tokio_util::sync::CancellationToken;

use super::{Action, Commands, Committed};
use crate::{
    admission::{Actor, Departures, Hides, UserLimits},
    fanout::{Publication, ShownChange, StatusChange},
    formats::native,
    hub::StatusNews,
    log,
};

/// Who has left within so long is noted together.
const COLLECT: Duration = Duration::from_secs(1);
/// The pause after the store did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// The pauses before what users hide is read again or told again. They are random, since all gateways begin at once.
pub(super) const RETRY_PAUSES: Backoff =
    Backoff::equal_jitter(Duration::from_millis(500), Duration::from_secs(8));

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

    /// Reads again what the users who are here hide, and whom they have blocked, each time that it may have been missed.
    pub(crate) async fn reread_hides(self: Arc<Self>, users: Arc<UserLimits>) {
        loop {
            self.fanout.may_have_lost().await;
            let mut pauses = RETRY_PAUSES.pauses();
            for page in users.with_sockets().chunks(PEOPLE_MAX) {
                let mut left = page.to_vec();
                // Whom all have blocked may be too much for one answer.
                while !left.is_empty() {
                    let ReadHides { hides, blocks } = self.read_hides(&left, &mut pauses).await;
                    let hidden = |UserHides { user, presence, typing, version }| {
                        (user, Hides { presence, typing, version })
                    };
                    self.fanout.hide(hides.into_iter().map(hidden)).await;
                    // A store of the version before says it of nobody, and is not asked again.
                    let answered: HashSet<UserId> = blocks.iter().map(|of| of.user).collect();
                    let asked = left.len();
                    left.retain(|user| !answered.contains(user));
                    if left.len() == asked {
                        left.clear();
                    }
                    for UserBlocks { user, blocked, version } in blocks {
                        users.note_reread_blocked(user, blocked, version);
                    }
                }
            }
        }
    }

    async fn read_hides(&self, users: &[UserId], pauses: &mut Pauses) -> ReadHides {
        loop {
            match self.store.get_hides(GetHides { users: users.to_vec() }).await {
                Ok(read) => return read,
                Err(error) => {
                    log::failed_request(&error);
                    // A store of the version before cannot be asked.
                    if is_unknown_method(&error) {
                        return ReadHides::default();
                    }
                }
            }
            tokio::time::sleep(pauses.after_failure(fraction(&*self.random))).await;
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

/// Tells the user's sockets at all gateways that the user shows other things from now on.
pub(super) fn shown_to_sockets(user: Arc<Profile>, set: UserSettings) -> Publication {
    Publication::Shown(ShownChange { topic: TopicId::Inbox(user.id), user, hides: hides(set) })
}

/// Tells all gateways the same in the user's rooms.
pub(super) async fn shown_in_rooms(
    store: &dyn MessageStore,
    user: Arc<Profile>,
    set: UserSettings,
) -> Result<Vec<Publication>> {
    let RememberedProfile { user, rooms } = store.remember_profile(RememberProfile { user }).await?;
    let change = |room| {
        let (topic, user) = (TopicId::Room(room), Arc::clone(&user));
        Publication::Shown(ShownChange { topic, user, hides: hides(set) })
    };
    Ok(rooms.into_iter().map(change).collect())
}

fn hides(set: UserSettings) -> Hides {
    Hides { presence: set.hides_presence, typing: set.hides_typing, version: set.version }
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
