//! Those who come and go while things break: guests, who are removed from a room and added again; truants, who close their
//! sockets and stay away; renewers, who renew their tokens in the middle of a fault; and the doomed, whose session is
//! revoked.
//!
//! Each is in one busy room, so that whatever they should no longer hear is said all the time.

use std::time::Duration;

use futures_util::future::join_all;
use madang_client::Client as Api;
use madang_domain::{Code, Cursor, Role, Seq, UserId};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::timeout;

use super::{
    Client, ClientLine,
    people::Person,
    retry::passes,
    stage::{GIVE_UP_AFTER, Stage},
};
use crate::{
    error::Result,
    history::{Absence, ClientHistory, RoomIndex, Walk},
    watch::Moment,
};

/// Members of the cast with each part.
const EACH: usize = 2;
/// How long the end of a revoked session is awaited: far longer than is promised, so that it is seen how late it is.
const END_WITHIN: Duration = Duration::from_secs(10);
/// A truant stays away for so many faults.
const AWAY_FAULTS: usize = 3;

/// One of the cast.
struct Player {
    person: Person,
    room: RoomIndex,
    /// Decides which gateway is asked first.
    number: usize,
    client: Option<Client>,
    absences: Vec<Absence>,
    revoked: Option<Moment>,
}

/// The cast.
pub struct Cast {
    stage: Stage,
    random: StdRng,
    guests: Vec<Player>,
    truants: Vec<Player>,
    renewers: Vec<Player>,
    doomed: Vec<Player>,
    /// The memories of those clients that have ended.
    past: Vec<ClientHistory>,
    walks: Vec<Walk>,
}

impl std::fmt::Debug for Cast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cast").finish_non_exhaustive()
    }
}

impl Player {
    async fn appear(&mut self, stage: &Stage, seed: u64) -> std::result::Result<(), String> {
        let line = ClientLine::start(&stage.addresses, self.number).map_err(|error| error.to_string())?;
        let rooms = [self.room];
        let start = Client::start(self.person.clone(), line, &rooms, seed, stage);
        match timeout(GIVE_UP_AFTER, start).await {
            Ok(Ok(client)) => self.client = Some(client),
            Ok(Err(error)) => return Err(format!("somebody cannot come in: {error}")),
            Err(_) => return Err(format!("somebody cannot come in within {GIVE_UP_AFTER:?}")),
        }
        Ok(())
    }

    /// Ends the client and takes its memory.
    async fn leave(&mut self, gone: Option<Moment>) -> Result<Option<ClientHistory>> {
        let Some(client) = self.client.take() else { return Ok(None) };
        let mut history = client.end().await?;
        history.gone = gone;
        history.absences = std::mem::take(&mut self.absences);
        history.revoked = self.revoked.take();
        Ok(Some(history))
    }

    /// Is removed from the room by its owner, over and over until that is answered.
    async fn removed(&mut self, stage: &Stage) -> std::result::Result<(), String> {
        let (room, user, owner) = (stage.rooms[self.room], self.person.id, stage.owners[self.room].token());
        let asked = stage.watch.now();
        let remove = |gateway: Api| {
            let owner = gateway.with_token(&owner);
            async move {
                match owner.remove_member(room, user).await {
                    // An earlier try has removed it, and was not answered.
                    Err(error) if error.code() == Some(Code::NotFound) => Ok(()),
                    answer => answer,
                }
            }
        };
        stage.answered("a member cannot be removed", self.number, remove).await?;
        self.absences.push(Absence { room: self.room, asked, from: stage.watch.now(), until: None });
        Ok(())
    }

    /// Is added again, and listens on from where it was.
    async fn added(&mut self, stage: &Stage) -> std::result::Result<(), String> {
        let Some(absence) = self.absences.last_mut().filter(|absence| absence.until.is_none()) else {
            return Ok(());
        };
        let (room, user, owner) = (stage.rooms[self.room], self.person.id, stage.owners[self.room].token());
        absence.until = Some(stage.watch.now());
        let gateway = &stage.gateways[self.number % stage.gateways.len()];
        let added = gateway.with_token(owner).put_member(room, user, Role::Member).await;
        added.map_err(|error| format!("a member cannot be added in a calm time: {error}"))?;
        let Some(client) = &self.client else { return Ok(()) };
        let last = client.heads().borrow().rooms.get(&self.room).copied().unwrap_or_default();
        client.session().unsubscribe(room).await;
        let since = Some(Cursor { seq: Seq::new(last), epoch: None });
        match timeout(END_WITHIN, client.session().subscribe(room, since)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("a member who was added again cannot listen: {error}")),
            Err(_) => Err("a member who was added again cannot listen".to_owned()),
        }
    }

    /// Its session is revoked, over and over until that is answered.
    async fn signed_out(&mut self, stage: &Stage) -> std::result::Result<(), String> {
        let token = self.person.refresh_token();
        let asked = stage.watch.now();
        let sign_out = |gateway: Api| {
            let token = token.clone();
            async move { gateway.logout(&token).await }
        };
        stage.answered("a session cannot be revoked", self.number, sign_out).await?;
        let now = stage.watch.now();
        self.revoked = Some(now);
        // What it hears from now on is not for it.
        self.absences.push(Absence { room: self.room, asked, from: now, until: None });
        Ok(())
    }

    /// Takes new tokens. Where it is not known whether the old ones are used up, only a new sign-in helps: the client begins
    /// anew, and its memory until then is returned.
    async fn renewed(
        &mut self,
        stage: &Stage,
        seed: u64,
    ) -> std::result::Result<Option<ClientHistory>, String> {
        let Some(client) = &self.client else { return Ok(None) };
        let gateway = &stage.gateways[self.number % stage.gateways.len()];
        match client.renew_now(gateway, stage.token_life, stage.watch).await {
            Ok(()) => return Ok(None),
            Err(error) if !passes(&error) => return Err(format!("a renewal was refused: {error}")),
            Err(_) => {}
        }
        let person = self.person.clone();
        let sign_in = |gateway: Api| {
            let person = person.clone();
            async move { person.signed_in(&gateway).await }
        };
        self.person = stage.answered("nobody can sign in", self.number, sign_in).await?;
        let past = self.leave(Some(stage.watch.now())).await.map_err(|error| error.to_string())?;
        self.appear(stage, seed).await?;
        Ok(past)
    }
}

impl Cast {
    /// How many they are.
    pub const PEOPLE: usize = 4 * EACH;

    /// All of them come in.
    pub(super) async fn gather(
        stage: Stage,
        people: Vec<(Person, Vec<RoomIndex>)>,
        seed: u64,
    ) -> Result<Self> {
        let mut players = people.into_iter().enumerate().map(|(number, (person, rooms))| Player {
            person,
            room: rooms.first().copied().unwrap_or_default(),
            number,
            client: None,
            absences: Vec::new(),
            revoked: None,
        });
        let [guests, truants, renewers, doomed] =
            [(); 4].map(|()| players.by_ref().take(EACH).collect::<Vec<_>>());
        let random = StdRng::seed_from_u64(seed);
        let (past, walks) = (Vec::new(), Vec::new());
        let mut cast = Self { stage, random, guests, truants, renewers, doomed, past, walks };
        let troubles = cast.appear().await;
        if let Some(trouble) = troubles.into_iter().next() {
            return Err(crate::Error::Cast(trouble));
        }
        Ok(cast)
    }

    /// Acts in the middle of a fault, and ends when each has been answered; says what was not.
    pub async fn act(&mut self, round: usize) -> Vec<String> {
        let stage = &self.stage;
        let seeds: Vec<u64> = self.renewers.iter().map(|_| self.random.random()).collect();
        let removed = join_all(self.guests.iter_mut().map(|guest| guest.removed(stage)));
        let signed_out = join_all(self.doomed.iter_mut().map(|doomed| doomed.signed_out(stage)));
        let renewed = self.renewers.iter_mut().zip(seeds).map(|(renewer, seed)| renewer.renewed(stage, seed));
        let walks = &mut self.walks;
        let leaving = self.truants.iter_mut().filter(|truant| {
            truant.client.is_some() && round.wrapping_add(truant.number).is_multiple_of(AWAY_FAULTS)
        });
        let left = join_all(leaving.map(|truant| {
            let (user, room, left) = (truant.person.id, truant.room, stage.watch.now());
            walks.push(Walk { user, room, left, back: None, in_calm: false });
            truant.leave(Some(left))
        }));
        let (removed, signed_out, renewed, left) = tokio::join!(removed, signed_out, join_all(renewed), left);
        let mut troubles: Vec<String> =
            removed.into_iter().chain(signed_out).filter_map(std::result::Result::err).collect();
        for renewed in renewed {
            match renewed {
                Ok(past) => self.past.extend(past),
                Err(trouble) => troubles.push(trouble),
            }
        }
        for left in left {
            match left {
                Ok(past) => self.past.extend(past),
                Err(error) => troubles.push(error.to_string()),
            }
        }
        troubles
    }

    /// Puts everybody back, for the next fault; nothing is broken meanwhile. Says what was not possible.
    pub async fn recover(&mut self, round: usize) -> Vec<String> {
        let stage = &self.stage;
        let added = join_all(self.guests.iter_mut().map(|guest| guest.added(stage)));
        let ended = join_all(self.doomed.iter_mut().map(|doomed| async move {
            if let Some(client) = &doomed.client {
                client.dismissed(END_WITHIN).await;
            }
            let past = doomed.leave(Some(stage.watch.now())).await.map_err(|error| error.to_string())?;
            let gateway = &stage.gateways[doomed.number % stage.gateways.len()];
            let again = doomed.person.signed_in(gateway).await;
            doomed.person = again.map_err(|error| format!("nobody can sign in in a calm time: {error}"))?;
            Ok::<_, String>(past)
        }));
        let (added, ended) = tokio::join!(added, ended);
        let mut troubles: Vec<String> = added.into_iter().filter_map(std::result::Result::err).collect();
        for ended in ended {
            match ended {
                Ok(past) => self.past.extend(past),
                Err(trouble) => troubles.push(trouble),
            }
        }
        troubles.extend(self.renew().await);
        // Those who have been away for long enough come back, and with them those whose sessions were revoked.
        let stay = |truant: &Player| !round.wrapping_add(truant.number + 1).is_multiple_of(AWAY_FAULTS);
        troubles.extend(self.appear_but(stay).await);
        troubles
    }

    /// Renews the tokens of those whose token is not fresh, and of the owners of rooms, whoever they are, by their clients.
    async fn renew(&self) -> Vec<String> {
        let stage = &self.stage;
        let players = self.guests.iter().chain(&self.truants).chain(&self.renewers);
        let renewed = join_all(players.map(|player| async move {
            let gateway = &stage.gateways[player.number % stage.gateways.len()];
            match &player.client {
                Some(client) => client.renew(gateway, stage.token_life, stage.watch).await,
                None => {
                    let renewed = player.person.renew(gateway).await;
                    renewed.err().map(|error| format!("tokens were not renewed in a calm time: {error}"))
                }
            }
        }));
        renewed.await.into_iter().flatten().collect()
    }

    async fn appear(&mut self) -> Vec<String> {
        self.appear_but(|_| false).await
    }

    async fn appear_but(&mut self, stay_away: impl Fn(&Player) -> bool) -> Vec<String> {
        let stage = &self.stage;
        let truants = self.truants.iter_mut().filter(|truant| !stay_away(truant));
        let players = self.guests.iter_mut().chain(truants).chain(&mut self.renewers).chain(&mut self.doomed);
        let absent: Vec<_> = players.filter(|player| player.client.is_none()).collect();
        let back: Vec<UserId> = absent.iter().map(|player| player.person.id).collect();
        let now = stage.watch.now();
        for walk in self.walks.iter_mut().filter(|walk| back.contains(&walk.user)) {
            walk.back.get_or_insert(now);
        }
        let random = &mut self.random;
        let appear = absent.into_iter().map(|player| player.appear(stage, random.random()));
        join_all(appear).await.into_iter().filter_map(std::result::Result::err).collect()
    }

    /// The truants leave, though nothing is broken.
    ///
    /// # Errors
    /// When the task of a client panicked.
    pub async fn leave_in_calm(&mut self) -> Result<()> {
        for truant in &mut self.truants {
            let (user, room, left) = (truant.person.id, truant.room, self.stage.watch.now());
            self.walks.push(Walk { user, room, left, back: None, in_calm: true });
            self.past.extend(truant.leave(Some(left)).await?);
        }
        Ok(())
    }

    /// The truants come back.
    pub async fn come_back(&mut self) -> Vec<String> {
        self.appear().await
    }

    /// Those who listen now, each in one room.
    pub fn listening(&self) -> impl Iterator<Item = (UserId, RoomIndex, &Client)> {
        let players = self.guests.iter().chain(&self.truants).chain(&self.renewers).chain(&self.doomed);
        players.filter_map(|player| Some((player.person.id, player.room, player.client.as_ref()?)))
    }

    /// Those who went away before a moment and have not come back.
    pub fn away_since(&self, moment: Moment) -> impl Iterator<Item = (UserId, RoomIndex)> {
        let away = self.walks.iter().filter(move |walk| walk.back.is_none() && walk.left < moment);
        away.map(|walk| (walk.user, walk.room))
    }

    /// All of them and their rooms, whether they are there or not.
    pub fn everybody(&self) -> impl Iterator<Item = (UserId, RoomIndex)> {
        let players = self.guests.iter().chain(&self.truants).chain(&self.renewers).chain(&self.doomed);
        players.map(|player| (player.person.id, player.room))
    }

    /// Sends everybody home and takes their memories.
    ///
    /// # Errors
    /// When the task of a client panicked.
    pub async fn disperse(mut self) -> Result<(Vec<ClientHistory>, Vec<Walk>)> {
        let players = [&mut self.guests, &mut self.truants, &mut self.renewers, &mut self.doomed];
        for player in players.into_iter().flatten() {
            self.past.extend(player.leave(None).await?);
        }
        Ok((self.past, self.walks))
    }
}
