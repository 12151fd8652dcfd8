//! Roll calls: who is in which room, by the word of each gateway.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use madang_client::{Client as Api, ConnectOptions, Credential, Incoming, Socket};
use madang_contract::{Answer, ClientFrame, OkFrame};
use madang_domain::{RoomId, UserId};
use tokio::time::{Instant, sleep};

use super::{Cast, Crowd};
use crate::{history::RoomIndex, watch::Moment};

/// Between two questions.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// One handshake, and one answer.
const DEADLINE: Duration = Duration::from_secs(3);

/// Who must be in each room, and who may be.
#[derive(Debug)]
pub struct Roll {
    rooms: Vec<Expected>,
}

#[derive(Debug)]
struct Expected {
    room: RoomIndex,
    id: RoomId,
    /// Whose token asks: a member who is there.
    token: String,
    present: BTreeSet<UserId>,
    may_be: BTreeSet<UserId>,
}

impl Roll {
    /// Each of the crowd is there. Each of the cast may be, as long as a gateway may still believe it: but for those who
    /// went away before `forgotten`.
    #[must_use]
    pub fn lenient(crowd: &Crowd, cast: &Cast, forgotten: Moment) -> Self {
        let mut roll = Self::of(crowd);
        let forgotten: BTreeSet<_> = cast.away_since(forgotten).collect();
        for (user, room) in cast.everybody().filter(|one| !forgotten.contains(one)) {
            if let Some(expected) = roll.of_room(room) {
                expected.may_be.insert(user);
            }
        }
        roll
    }

    /// Each of the crowd, and those of the cast who listen, and nobody else.
    #[must_use]
    pub fn strict(crowd: &Crowd, cast: &Cast) -> Self {
        let mut roll = Self::of(crowd);
        for (user, room, _) in cast.listening() {
            if let Some(expected) = roll.of_room(room) {
                expected.present.insert(user);
            }
        }
        roll
    }

    fn of(crowd: &Crowd) -> Self {
        let rooms = crowd.busy_rooms().filter_map(|room| {
            let members = crowd.members(room).iter().filter_map(|member| crowd.clients().get(*member));
            let token = members.clone().next()?.person().token();
            let present = members.map(super::Client::user).collect();
            Some(Expected { room, id: *crowd.rooms().get(room)?, token, present, may_be: BTreeSet::new() })
        });
        Self { rooms: rooms.collect() }
    }

    fn of_room(&mut self, room: RoomIndex) -> Option<&mut Expected> {
        self.rooms.iter_mut().find(|expected| expected.room == room)
    }

    /// Asks each gateway until its word is right of every room. Returns what is wrong at the end of the time.
    pub async fn call(&self, gateways: &[Api], until: Instant) -> Vec<String> {
        let questions = gateways.iter().enumerate().flat_map(|(number, gateway)| {
            self.rooms.iter().map(move |expected| async move {
                loop {
                    let wrong = match present(gateway, expected).await {
                        Ok(present) => expected.wrong(&present)?,
                        Err(reason) => reason,
                    };
                    if Instant::now() >= until {
                        return Some(format!("gateway {} of room {}: {wrong}", number + 1, expected.room));
                    }
                    sleep(ASK_AGAIN_AFTER).await;
                }
            })
        });
        join_all(questions).await.into_iter().flatten().collect()
    }
}

impl Expected {
    fn wrong(&self, present: &BTreeSet<UserId>) -> Option<String> {
        let absent: Vec<_> = self.present.difference(present).collect();
        let strangers =
            present.iter().filter(|user| !self.present.contains(user) && !self.may_be.contains(user));
        let strangers: Vec<_> = strangers.collect();
        let is_right = absent.is_empty() && strangers.is_empty();
        (!is_right).then(|| format!("not said to be there: {absent:?}; said to be there: {strangers:?}"))
    }
}

/// Who is in a room, by the word of a gateway, asked by a member whose socket does not listen to it.
async fn present(gateway: &Api, of: &Expected) -> Result<BTreeSet<UserId>, String> {
    let options = ConnectOptions { deadline: DEADLINE, ..ConnectOptions::default() };
    let credential = Credential::Bearer(of.token.clone());
    let opened = Socket::open(gateway.base(), &credential, &options).await;
    let (mut socket, _) = opened.map_err(|error| format!("no socket: {error}"))?;
    let answer = socket.call(ClientFrame::Presence { room: of.id.into() }, DEADLINE).await;
    socket.close().await;
    match answer {
        Ok(Incoming::Ok(OkFrame { answer: Answer::Presence(present), .. })) => {
            let users = present.users.ok_or_else(|| "no names".to_owned())?;
            Ok(users.iter().map(|user| user.id).collect())
        }
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}
