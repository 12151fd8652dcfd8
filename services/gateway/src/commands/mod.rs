//! The operations of users, and of the embedding site for them: one method for each command and each query.
//!
//! A command takes values and returns values: it touches no socket and knows no frame. Every change of the store goes
//! through [`Commands::commit`], the one write path, which also publishes the events that the change committed.

mod blocks;
mod costs;
mod erasures;
mod everybody;
mod exports;
mod files;
mod fixed_limits;
mod history;
mod inbox;
mod invitations;
mod limits;
mod members;
mod message_changes;
mod messages;
mod moderation;
mod notices;
mod people;
mod presence;
mod profiles;
mod read_marks;
mod received;
mod received_marks;
mod reports;
mod reserved_slugs;
mod rooms;
mod search;
mod settings;
mod sync;
mod threads;
mod typing;
mod users;

use std::sync::Arc;

use madang_bus::Presence;
use madang_domain::{Code, Error, IdempotencyKey, Result, RoomId, RoomRef, UserId, event::Event};
use madang_kit::{
    clock::{Clock, Random, new_id},
    lifecycle::Tasks,
};
use madang_rpc::{Auth, MessageStore, store::Changed};
use tokio::sync::Notify;
use tracing::Instrument as _;

pub(crate) use self::{
    costs::Action,
    files::Upload,
    fixed_limits::FixedLimits,
    history::{HistoryRange, page_limit},
    messages::NewMessage,
    moderation::Terms,
    profiles::SiteProfile,
    received_marks::ReceivedMarks,
    reports::ReportsAsked,
    reserved_slugs::ReservedSlugs,
    rooms::{Members, RoomToCreate, RoomUpdate},
    search::SearchFor,
};
use crate::{
    admission::{Actor, Budgets, ReadBudgets, Reads, Spent},
    fanout::{Fanout, Publication},
    files::Files,
    hub::Hubs,
    metrics::Counters,
    room_names::RoomNames,
};

/// What commands need.
pub(crate) struct Commands {
    /// The message store.
    pub(crate) store: Arc<dyn MessageStore>,
    /// What the names of rooms mean.
    pub(crate) room_names: RoomNames,
    /// The auth service.
    pub(crate) auth: Arc<dyn Auth>,
    /// The hubs, which know the subscribers at this gateway.
    pub(crate) hubs: Hubs,
    pub(crate) fanout: Fanout,
    /// Presence over all gateways.
    pub(crate) presence: Arc<dyn Presence>,
    pub(crate) presence_settings: PresenceSettings,
    /// The slugs that users may not choose.
    pub(crate) reserved_slugs: ReservedSlugs,
    /// From which the commands of users are paid.
    pub(crate) budgets: Arc<Budgets>,
    /// From which what users read is paid.
    pub(crate) reads: Arc<ReadBudgets>,
    /// What of the limits nothing uses up.
    pub(crate) fixed_limits: FixedLimits,
    /// What devices have received and is still to be noted.
    pub(crate) received: Arc<ReceivedMarks>,
    /// Uploaded files; none where none are kept.
    pub(crate) files: Option<Arc<Files>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Tells the task that carries erasures out that one has begun.
    pub(crate) erasures: Notify,
    /// Runs tasks that must not end with the request that started them.
    pub(crate) tasks: Tasks,
}

/// The settings of presence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PresenceSettings {
    /// Whether presence is on.
    pub(crate) enabled: bool,
    /// The most users of a room that are named. Of more users only the number is sent.
    pub(crate) names_max: usize,
}

/// The result of a change: its value, and the publications for listeners.
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
    /// Executes a change of the store, publishes what it committed and answers its value. Whoever gives up, for example
    /// because its client disconnects, does not end it: every committed change is published.
    ///
    /// Other gateways are told first, then the listeners here, then the caller.
    ///
    /// The change has been paid for: see [`Action`]. What is refused gives the room's part back.
    async fn commit<T, C>(
        &self,
        spent: Spent,
        name: &'static str,
        change: impl Future<Output = Result<C>> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        C: Into<Committed<T>>,
    {
        let fanout = self.fanout.clone();
        let work = async move {
            let Committed { value, publications } = change.await?.into();
            spent.keep_told(publications.len());
            fanout.publish(&publications);
            fanout.deliver_all(publications).await;
            Ok(value)
        };
        let done = self.tasks.carry_through(name, work.in_current_span()).await;
        done.unwrap_or_else(|| {
            Err(Error::internal("the change ended early; whether it was made is not known"))
        })
    }

    /// Pays for one read of a user. `rate_limited`: a budget has less, and no service is to be asked.
    pub(crate) fn pay_read(&self, actor: &Actor) -> Result<()> {
        self.reads.take(actor, Reads::ONE)
    }

    /// The id of a room that a user names. A slug, and the site's own name of a room, are looked up, which is a read.
    pub(crate) async fn room_id(&self, actor: &Actor, room: &RoomRef) -> Result<RoomId> {
        if let RoomRef::Id(id) = room {
            return Ok(*id);
        }
        self.pay_read(actor)?;
        self.look_up(actor.profile.id, room).await
    }

    /// The id of a room that the site names.
    async fn look_up(&self, user: UserId, room: &RoomRef) -> Result<RoomId> {
        match room {
            RoomRef::Id(id) => Ok(*id),
            RoomRef::Slug(_) | RoomRef::External(_) => self
                .room_names
                .resolve(user, vec![room.clone()], false)
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
