//! The crowd: everybody who takes part in a run, but for the cast, and their rooms.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all, stream};
use madang_client::Client as Api;
use madang_domain::RoomId;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Cast, Client, ClientLine, Tally,
    people::{self, SET_UP_AT_ONCE},
    seats::Seats,
    stage::Stage,
    whisperer::Whisperer,
};
use crate::{
    error::Result,
    history::{Attempt, ClientHistory, History, RoomIndex},
    settings::Settings,
    watch::Watch,
};

/// Before a sign-in that was refused is tried again.
const SIGN_IN_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// All clients.
#[derive(Debug)]
pub struct Crowd {
    /// Those in which something is always said, then the quiet ones.
    rooms: Vec<RoomId>,
    quiet_from: RoomIndex,
    /// The clients that listen to each room, by their places in the list of them.
    members: Vec<Vec<usize>>,
    clients: Vec<Client>,
    whisperers: Vec<Whisperer>,
    /// The API of each gateway, in nobody's name.
    gateways: Vec<Api>,
    tally: Arc<Tally>,
}

impl Crowd {
    /// Makes accounts and rooms, connects everybody, half of them to each gateway first, and subscribes them. The cast
    /// comes with them.
    ///
    /// # Errors
    /// When the set-up fails; nothing is broken yet.
    pub async fn gather(gateways: &[SocketAddr], settings: &Settings, watch: Watch) -> Result<(Self, Cast)> {
        let mut random = StdRng::seed_from_u64(settings.seed);
        let addresses = gateways.to_vec();
        let plan = Seats::new(settings, addresses.len(), Cast::PEOPLE, &mut random);
        let people = people::register(&addresses, plan.people()).await?;
        let rooms = people::make_rooms(&addresses, &people, &plan.rooms).await?;
        let tally = Arc::new(Tally::default());
        let stage = Stage {
            owners: plan
                .rooms
                .iter()
                .map(|members| people[members.first().copied().unwrap_or_default()].clone())
                .collect(),
            rooms: rooms.clone(),
            gateways: people::apis(&addresses)?,
            addresses,
            token_life: settings.token_life,
            tally: Arc::clone(&tally),
            watch,
        };
        let mut members = vec![Vec::new(); rooms.len()];
        let mut starts = Vec::new();
        for (number, person) in people.iter().take(plan.listening()).enumerate() {
            let theirs = plan.rooms_of(number);
            for room in &theirs {
                if let Some(members) = members.get_mut(*room) {
                    members.push(number);
                }
            }
            let line = match plan.only_gateway_of(number).and_then(|gateway| stage.addresses.get(gateway)) {
                Some(only) => ClientLine::start(&[*only], 0)?,
                None => ClientLine::start(&stage.addresses, number)?,
            };
            let (person, stage, seed) = (person.clone(), &stage, random.random());
            starts.push(async move { Client::start(person, line, &theirs, seed, stage).await });
        }
        let clients = stream::iter(starts).buffered(SET_UP_AT_ONCE).try_collect().await?;
        let silent = people.iter().enumerate().take(plan.cast_from()).skip(plan.listening());
        let whisperers = silent.map(|(number, person)| {
            let gateway = plan.only_gateway_of(number).and_then(|gateway| stage.addresses.get(gateway));
            let api = people::api_at(gateway.copied(), person)?;
            Ok(Whisperer { person: person.clone(), api, rooms: plan.rooms_of(number) })
        });
        let whisperers = whisperers.collect::<Result<_>>()?;
        let gateways = stage.gateways.clone();
        let cast = people.iter().enumerate().skip(plan.cast_from());
        let cast = cast.map(|(number, person)| (person.clone(), plan.rooms_of(number)));
        let cast = Cast::gather(stage, cast.collect(), random.random()).await?;
        let crowd = Self { rooms, quiet_from: settings.rooms, members, clients, whisperers, gateways, tally };
        Ok((crowd, cast))
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

    /// Whether a room is one in which something is said only while a fault lasts.
    #[must_use]
    pub fn is_quiet(&self, room: RoomIndex) -> bool {
        room >= self.quiet_from
    }

    /// The rooms that are not quiet.
    #[must_use]
    pub fn busy_rooms(&self) -> std::ops::Range<RoomIndex> {
        0..self.quiet_from
    }

    /// The API of each gateway, in nobody's name.
    #[must_use]
    pub fn gateways(&self) -> &[Api] {
        &self.gateways
    }

    /// The members of a room who listen, by their places among the clients.
    #[must_use]
    pub fn members(&self, room: RoomIndex) -> &[usize] {
        self.members.get(room).map(Vec::as_slice).unwrap_or_default()
    }

    /// The network of each client.
    #[must_use]
    pub fn lines(&self) -> Vec<&ClientLine> {
        self.clients.iter().map(Client::line).collect()
    }

    /// Those who whisper in quiet rooms. Their places follow those of the clients.
    pub(super) fn whisperers(&self) -> &[Whisperer] {
        &self.whisperers
    }

    /// What has happened so far.
    #[must_use]
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Somebody signs in at each gateway, as often as it takes. Returns the gateways, counted from 0, at which that was not
    /// possible in time, with the last refusal.
    pub async fn sign_in(&self, until: Instant) -> Vec<(usize, String)> {
        let sign_ins = self.gateways.iter().enumerate().map(|(gateway, guest)| async move {
            let mut refusal = "no answer".to_owned();
            while let Ok(answer) = timeout_at(until, people::sign_in(guest, gateway)).await {
                match answer {
                    Ok(_) => return None,
                    Err(error) => refusal = error.to_string(),
                }
                sleep(SIGN_IN_AGAIN_AFTER).await;
            }
            Some((gateway, refusal))
        });
        join_all(sign_ins).await.into_iter().flatten().collect()
    }

    /// Renews the access tokens of everybody whose token is not fresh; nothing may be broken meanwhile. Returns what was
    /// refused.
    pub async fn renew(&self, token_life: Duration, watch: Watch) -> Vec<String> {
        let listening = self.clients.iter().enumerate().map(|(number, client)| async move {
            let gateway = &self.gateways[number % self.gateways.len()];
            client.renew(gateway, token_life, watch).await
        });
        let silent = self.whisperers.iter().map(|whisperer| async move {
            let renewed = whisperer.person.renew(&whisperer.api).await;
            renewed.err().map(|error| format!("tokens were not renewed in a calm time: {error}"))
        });
        let (listening, silent) = tokio::join!(
            stream::iter(listening).buffered(SET_UP_AT_ONCE).collect::<Vec<_>>(),
            join_all(silent)
        );
        listening.into_iter().chain(silent).flatten().collect()
    }

    /// Sends everybody home and takes their memories, with what was sent in their names.
    ///
    /// # Errors
    /// When the task of a client panicked.
    pub async fn disperse(self, sent: Vec<(usize, Attempt)>) -> Result<History> {
        let ends = join_all(self.clients.into_iter().map(Client::end)).await;
        let mut clients = ends.into_iter().collect::<Result<Vec<ClientHistory>>>()?;
        clients.extend(self.whisperers.iter().map(Whisperer::history));
        for (client, attempt) in sent {
            if let Some(client) = clients.get_mut(client) {
                client.sent.push(attempt);
            }
        }
        Ok(History { rooms: self.rooms, clients, ..History::default() })
    }
}
