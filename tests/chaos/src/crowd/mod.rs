//! The clients of a run: accounts, rooms, sessions, what they say and what they remember.

mod client;
mod line;
mod people;
mod talk;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all, stream};
use madang_vocabulary::RoomId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

pub(crate) use self::talk::outcome;
pub use self::{
    client::{Client, Heads},
    line::ClientLine,
    talk::Talk,
};
use crate::{
    error::Result,
    history::{Attempt, History, RoomIndex},
    settings::Settings,
    site::Site,
    watch::Watch,
};

/// Clients that are set up at once: registering hashes a password.
const SET_UP_AT_ONCE: usize = 16;

/// What has happened so far, for those who watch.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages that were begun.
    pub sent: AtomicU64,
    /// Messages that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Events that were received.
    pub delivered: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// All clients.
#[derive(Debug)]
pub struct Crowd {
    rooms: Vec<RoomId>,
    /// The clients of each room, by their places in the list of them.
    members: Vec<Vec<usize>>,
    clients: Vec<Client>,
    tally: Arc<Tally>,
}

impl Crowd {
    /// Makes accounts and rooms, connects everybody, half of them to each gateway first, and subscribes them.
    ///
    /// # Errors
    /// When the set-up fails; nothing is broken yet.
    pub async fn gather(site: &Site, settings: &Settings, watch: Watch) -> Result<Self> {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let members = members(settings, &mut random);
        let gateways = site.gateway_addresses();
        let people = people::register(&gateways, settings.clients).await?;
        let rooms = people::make_rooms(&gateways, &people, &members).await?;
        let tally = Arc::new(Tally::default());
        let starts = people.into_iter().enumerate().map(|(number, person)| {
            let theirs: Vec<RoomIndex> = (0..rooms.len())
                .filter(|room| members.get(*room).is_some_and(|m| m.contains(&number)))
                .collect();
            let (seed, tally, rooms, gateways) = (random.random(), Arc::clone(&tally), &rooms, &gateways);
            async move {
                let line = ClientLine::start(gateways, number)?;
                Client::start(person, line, &theirs, rooms, seed, tally, watch).await
            }
        });
        // Collected first, so that the random numbers are drawn in order.
        let starts: Vec<_> = starts.collect();
        let clients = stream::iter(starts).buffered(SET_UP_AT_ONCE).try_collect().await?;
        Ok(Self { rooms, members, clients, tally })
    }

    /// The clients.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The rooms.
    #[must_use]
    pub fn rooms(&self) -> &[RoomId] {
        &self.rooms
    }

    /// The members of a room, by their places among the clients.
    #[must_use]
    pub fn members(&self, room: RoomIndex) -> &[usize] {
        self.members.get(room).map(Vec::as_slice).unwrap_or_default()
    }

    /// The network of each client.
    #[must_use]
    pub fn lines(&self) -> Vec<&ClientLine> {
        self.clients.iter().map(Client::line).collect()
    }

    /// What has happened so far.
    #[must_use]
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Sends everybody home and takes their memories, with what was sent in their names.
    ///
    /// # Errors
    /// When the task of a client panicked.
    pub async fn disperse(self, sent: Vec<(usize, Attempt)>) -> Result<History> {
        let ends = join_all(self.clients.into_iter().map(Client::end)).await;
        let mut clients = ends.into_iter().collect::<Result<Vec<_>>>()?;
        for (client, attempt) in sent {
            if let Some(client) = clients.get_mut(client) {
                client.sent.push(attempt);
            }
        }
        Ok(History { rooms: self.rooms, clients })
    }
}

/// Who is in which room: each client in one after the other, so that none is empty, and in others by chance.
fn members(settings: &Settings, random: &mut StdRng) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); settings.rooms];
    let mut others: Vec<RoomIndex> = (0..settings.rooms).collect();
    for client in 0..settings.clients {
        let first = client % settings.rooms.max(1);
        others.shuffle(random);
        let more = others.iter().copied().filter(|room| *room != first);
        for room in std::iter::once(first).chain(more).take(settings.rooms_each) {
            if let Some(members) = members.get_mut(room) {
                members.push(client);
            }
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everybody_is_in_as_many_rooms_and_no_room_is_empty() {
        let settings = Settings { clients: 30, rooms: 7, rooms_each: 3, ..Settings::new(1, Duration::ZERO) };
        let members = members(&settings, &mut StdRng::seed_from_u64(1));
        assert!(members.iter().all(|members| members.len() >= 4), "{members:?}");
        for client in 0..30 {
            assert_eq!(members.iter().filter(|members| members.contains(&client)).count(), 3, "{client}");
        }
    }
}
