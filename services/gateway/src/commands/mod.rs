//! What users, and the embedding site for them, may do: one method for each command and each query.
//!
//! A command takes values and returns values: it touches no socket and knows no frame. Every change of the store goes
//! through [`Commands::commit`], the one write path, which also publishes the events that the change committed.

mod history;
mod inbox;
mod members;
mod messages;
mod notices;
mod presence;
mod read_marks;
mod reserved_slugs;
mod rooms;
mod typing;
mod users;

use std::sync::Arc;

use madang_bus::Presence;
use madang_domain::{Code, Error, IdempotencyKey, Result, RoomId, RoomRef, UserId, event::Event};
use madang_kit::{
    clock::{Clock, Random, new_id},
    lifecycle::Tasks,
};
use madang_rpc::{
    Auth, MessageStore,
    store::{Changed, Resolve},
};
use tokio::sync::oneshot;
use tracing::Instrument as _;

pub(crate) use self::{
    history::{HistoryRange, page_limit},
    messages::NewMessage,
    reserved_slugs::ReservedSlugs,
    rooms::{Members, RoomToCreate},
};
use crate::{
    admission::UserLimits,
    fanout::{Fanout, Publication},
    hub::Hubs,
    metrics::Counters,
};

/// What commands work with.
pub(crate) struct Commands {
    /// What happened, and who may do what.
    pub(crate) store: Arc<dyn MessageStore>,
    /// Who the users are.
    pub(crate) auth: Arc<dyn Auth>,
    /// Who subscribes at this gateway.
    pub(crate) hubs: Hubs,
    pub(crate) fanout: Fanout,
    /// Who is in which room, over all gateways.
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) presence_settings: PresenceSettings,
    /// The slugs that users do not choose.
    pub(crate) reserved_slugs: ReservedSlugs,
    pub(crate) user_limits: Arc<UserLimits>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// For work that must not end with the request that began it.
    pub(crate) tasks: Tasks,
}

/// What is told of presence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PresenceSettings {
    /// Whether anything is told.
    pub(crate) enabled: bool,
    /// The most users of a room that are named; of more only the number is told.
    pub(crate) names_max: usize,
}

/// What a change came to: its value, and what listeners are to be told of it.
struct Committed<T> {
    value: T,
    publications: Vec<Publication>,
}

impl<T> From<Changed<T>> for Committed<T> {
    fn from(Changed { value, events }: Changed<T>) -> Self {
        Self { value, publications: events.into_iter().map(publication).collect() }
    }
}

fn publication(event: Event) -> Publication {
    Publication::Event(Arc::new(event))
}

impl Commands {
    /// Carries out a change of the store and publishes what it committed, in a task of its own. Whoever awaits this may
    /// give up, as a client that hangs up does: the task goes on, so that no committed change is left unpublished.
    ///
    /// Other gateways are told first, then the caller, then the listeners here. So a sender's own copy finds the
    /// acknowledgement in the queue, and both leave in one write.
    async fn commit<T, C>(
        &self,
        name: &'static str,
        change: impl Future<Output = Result<C>> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        C: Into<Committed<T>>,
    {
        let (answer, answered) = oneshot::channel();
        let fanout = self.fanout.clone();
        let work = async move {
            match change.await.map(Into::into) {
                Ok(Committed { value, publications }) => {
                    for publication in &publications {
                        fanout.publish(publication);
                    }
                    // The caller may have gone; the change is published all the same.
                    let _ = answer.send(Ok(value));
                    for publication in publications {
                        fanout.deliver(publication).await;
                    }
                }
                Err(error) => drop(answer.send(Err(error))),
            }
        };
        self.tasks.spawn_contained(name, work.in_current_span());
        answered.await.unwrap_or_else(|_| Err(Error::unavailable("the server is stopping")))
    }

    /// The id of a room that a user names. A slug, and the site's own name of a room, are looked up.
    pub(crate) async fn room_id(&self, user: UserId, room: &RoomRef) -> Result<RoomId> {
        match room {
            RoomRef::Id(id) => Ok(*id),
            RoomRef::Slug(_) | RoomRef::External(_) => self
                .store
                .resolve(Resolve { user, rooms: vec![room.clone()], memberships: false })
                .await?
                .rooms
                .first()
                .copied()
                .flatten()
                .ok_or_else(|| Error::new(Code::NotFound, "there is no such room")),
        }
    }

    /// A key for a request whose client gave none: such a request is never a repeat of another.
    pub(crate) fn new_key(&self) -> Result<IdempotencyKey> {
        Ok(IdempotencyKey::new(new_id(&*self.clock, &*self.random).to_string())?)
    }
}
