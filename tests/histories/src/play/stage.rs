//! The stage of a case: its rooms, gateways, sockets and tapes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use madang_domain::{Code, Epoch, IdempotencyKey, Role, RoomId, RoomName, Seq, TopicId};
use madang_rpc::store::{Authority, CreateRoom, DeleteRoom, Heads, NewRoom, Open, Read, RoomKind};
use tokio::{sync::RwLock, time::Instant};

use crate::{
    Services, Violation,
    case::{GATEWAYS, ROOMS, SLOTS},
    gateway::{Gateway, Network},
    judge::{Fact, Log, log::Member, socket},
    tape::{Line, Stir, Tape},
};

/// How long the store is asked for the stage's own sake, and the pause between two tries.
const STAGE_PATIENCE: Duration = Duration::from_secs(20);
const STAGE_PAUSE: Duration = Duration::from_millis(50);

/// Numbers the rooms of all cases.
static ROOMS_MADE: AtomicUsize = AtomicUsize::new(0);

/// A case on its stage.
pub(crate) struct Play<'s> {
    pub(crate) services: &'s Services,
    pub(super) network: Network,
    /// A room's number is its place here.
    pub(crate) rooms: [RoomId; ROOMS],
    pub(super) epoch: Epoch,
    pub(super) gateways: [RwLock<Gateway>; GATEWAYS],
    pub(super) lines: [Mutex<Option<Arc<Line>>>; SLOTS],
    pub(super) tapes: Mutex<Vec<Arc<Tape>>>,
    pub(super) facts: Mutex<Vec<Fact>>,
    /// The keys that were used, by step, user and room.
    pub(super) keys: Mutex<Vec<UsedKey>>,
    /// Calls may fail: a fault was asked for, or a gateway was killed.
    pub(super) excused: AtomicUsize,
    /// What had not come in time, the first time.
    pub(super) late: Mutex<Option<String>>,
    pub(super) stir: Stir,
}

#[derive(Debug, Clone)]
pub(super) struct UsedKey {
    pub(super) step: usize,
    pub(super) user: usize,
    pub(super) room: usize,
    pub(super) key: String,
}

impl<'s> Play<'s> {
    pub(super) async fn stage(services: &'s Services) -> Result<Self, Violation> {
        let network = Network::new();
        let rooms = [
            room(services, RoomKind::Public, &[1, 2]).await?,
            room(services, RoomKind::Private, &[1]).await?,
        ];
        let open = Open { user: services.people[0].profile.id, room: rooms[0], since: None, replay_limit: 1 };
        let epoch = answered(|| services.stores[0].open(open.clone())).await?.epoch;
        let (first, second) =
            tokio::try_join!(Gateway::start(services, &network, 0), Gateway::start(services, &network, 1))?;
        Ok(Self {
            services,
            network,
            rooms,
            epoch,
            gateways: [RwLock::new(first), RwLock::new(second)],
            lines: Default::default(),
            tapes: Mutex::default(),
            facts: Mutex::default(),
            keys: Mutex::default(),
            excused: AtomicUsize::new(0),
            late: Mutex::default(),
            stir: Stir::default(),
        })
    }

    /// Ends what the case has started, and removes its rooms: later cases ask for all rooms of their people.
    pub(super) async fn leave(self) {
        for (room, log) in self.logs().await.unwrap_or_default() {
            let members = &log.last_state().members;
            let owns = |id| members.get(&id).is_some_and(|member: &Member| member.role == Role::Owner);
            if let Some(owner) = self.services.people.iter().find(|person| owns(person.profile.id)) {
                // A room that stays is no harm; a room whose people have left has no owner.
                let _ = self.services.stores[0]
                    .delete_room(DeleteRoom {
                        authority: Authority::User,
                        actor: Some(Arc::clone(&owner.profile)),
                        room: room.into(),
                    })
                    .await;
            }
        }
        for line in &self.lines {
            lock(line).take();
        }
        for gateway in self.gateways {
            gateway.into_inner().kill().await;
        }
    }

    /// The head of each room, by the store's own word.
    pub(super) async fn heads(&self) -> Result<HashMap<RoomId, Seq>, Violation> {
        let topics = self.rooms.map(TopicId::Room).to_vec();
        let heads = answered(|| self.services.stores[0].heads(Heads { topics: topics.clone() })).await?;
        Ok(heads.into_iter().filter_map(|(topic, head)| topic.room().map(|room| (room, head))).collect())
    }

    /// The logs, by the store's own word.
    pub(crate) async fn logs(&self) -> Result<HashMap<RoomId, Log>, Violation> {
        let mut logs = HashMap::new();
        for room in self.rooms {
            let mut events = Vec::new();
            loop {
                let after = events.last().map_or(Seq::START, |event: &madang_domain::event::Event| event.seq);
                let read = || self.services.stores[0].read(Read { topic: room.into(), after, limit: 500 });
                let page = answered(read).await?;
                if page.is_empty() {
                    break;
                }
                events.extend(page);
            }
            logs.insert(room, Log::new(room, &events)?);
        }
        Ok(logs)
    }

    /// Follows every tape; answers how each socket stands.
    pub(super) fn follow(&self, logs: &HashMap<RoomId, Log>) -> Result<Vec<Followed>, Violation> {
        let tapes = lock(&self.tapes).clone();
        tapes
            .into_iter()
            .map(|tape| {
                let entries = tape.entries().clone();
                let rooms = socket::follow(&tape, logs, &entries)?;
                Ok(Followed { tape, rooms })
            })
            .collect()
    }

    /// Opens a socket that writes a tape of this case.
    pub(crate) async fn dial(
        &self,
        slot: usize,
        user: usize,
        gateway: usize,
    ) -> Result<Option<Line>, Violation> {
        let person = &self.services.people[user];
        let (base, replay_max) = {
            let gateway = self.gateways[gateway].read().await;
            (gateway.client.base().to_owned(), gateway.replay_max)
        };
        let number = lock(&self.tapes).len();
        let dial = crate::tape::Dial {
            base: &base,
            token: &person.token,
            number,
            slot,
            user: person.profile.id,
            gateway,
            replay_max,
            stir: self.stir.clone(),
        };
        match Line::open(dial).await {
            Ok(line) => {
                // A gateway that was killed meanwhile is not there to be blamed.
                let now = self.gateways[gateway].read().await;
                if now.client.base() != base {
                    line.cut();
                }
                lock(&self.tapes).push(Arc::clone(&line.tape));
                Ok(Some(line))
            }
            Err(_) if self.excused.load(Ordering::SeqCst) > 0 => Ok(None),
            Err(error) => Err(Violation::Broken(format!("a socket cannot be opened: {error}"))),
        }
    }

    pub(crate) fn note(&self, fact: Fact) {
        lock(&self.facts).push(fact);
    }
}

/// How a socket stands to the rooms.
pub(super) struct Followed {
    pub(super) tape: Arc<Tape>,
    pub(super) rooms: HashMap<RoomId, socket::Standing>,
}

async fn room(services: &Services, kind: RoomKind, members: &[usize]) -> Result<RoomId, Violation> {
    let name = RoomName::new(first_name(kind)).map_err(Violation::stage)?;
    let members = members.iter().map(|user| Arc::clone(&services.people[*user].profile)).collect();
    // A repeat is to find the room that the first try has made.
    let key = format!("stage-{}", ROOMS_MADE.fetch_add(1, Ordering::Relaxed));
    let key = Some(IdempotencyKey::new(key).map_err(Violation::stage)?);
    let room = NewRoom { kind, name, unnamed: false, slug: None, external_id: None, members, key };
    let actor = &services.people[0].profile;
    let create = || CreateRoom { actor: Arc::clone(actor), authority: Authority::User, room: room.clone() };
    Ok(answered(|| services.stores[0].create_room(create())).await?.value.room.id)
}

/// Asks the store for the stage's own sake until it answers: on a busy machine its database may be too slow for once.
async fn answered<T, Answer>(ask: impl Fn() -> Answer) -> Result<T, Violation>
where
    Answer: Future<Output = madang_domain::Result<T>>,
{
    let until = Instant::now() + STAGE_PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error)
                if matches!(error.code, Code::Unavailable | Code::DeadlineExceeded)
                    && Instant::now() < until =>
            {
                tokio::time::sleep(STAGE_PAUSE).await;
            }
            Err(error) => return Err(Violation::stage(error)),
        }
    }
}

/// The name of a room before anybody has changed it.
pub(crate) const fn first_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "Courtyard",
        RoomKind::Private | RoomKind::Direct => "Back room",
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
