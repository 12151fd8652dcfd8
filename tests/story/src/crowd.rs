//! Accounts and rooms.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use madang_chaos::error::{Error, Result};
use madang_client::{Client as Api, NewRoom, Room};
use madang_domain::{Code, Role, RoomId, UserId};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use reqwest::Method;

use crate::{
    client::{Client, Person},
    patient::{Outcome, ask},
};

/// Every account has the same one.
pub const PASSWORD: &str = "a gate that is shaken does not fall";
/// Clients that are set up at once: registering hashes a password.
const AT_ONCE: usize = 8;
/// Of the members of a room so many are moderators, beside its owner.
const MODERATORS: usize = 4;

/// Where clients may go.
#[derive(Debug, Clone)]
pub struct Places {
    /// Each gateway's own address.
    pub gateways: Vec<String>,
    /// The address of the ingress.
    pub ingress: String,
}

/// Everybody, and who may be where.
pub struct Crowd {
    /// The clients.
    pub clients: Vec<Client>,
    /// Those who belong to each room, and their usernames.
    pub people: HashMap<RoomId, Vec<(UserId, String)>>,
}

impl Places {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.gateways.iter().map(String::as_str).chain([self.ingress.as_str()])
    }

    /// Where a client connects: a third at each gateway first, and a third at the ingress.
    fn bases(&self, number: usize) -> Vec<String> {
        let mut gateways = self.gateways.clone();
        match number % (gateways.len() + 1) {
            place if place < gateways.len() => gateways.rotate_left(place),
            _ => gateways = vec![self.ingress.clone()],
        }
        gateways
    }
}

impl Crowd {
    /// Registers everybody, makes the rooms, and starts the clients.
    ///
    /// # Errors
    /// When a call is refused.
    pub async fn gather(
        places: &Places,
        clients: usize,
        rooms: usize,
        each: usize,
        seed: u64,
    ) -> Result<Self> {
        let persons: Vec<Person> = stream::iter(0..clients)
            .map(|number| register(places, number))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut random = StdRng::seed_from_u64(seed);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); rooms];
        let mut numbers: Vec<usize> = (0..rooms).collect();
        for number in 0..clients {
            numbers.shuffle(&mut random);
            for room in numbers.iter().take(each) {
                members[*room].push(number);
            }
        }
        let made: Vec<RoomId> = stream::iter(members.iter().enumerate())
            .map(|(number, members)| make_room(number, members, &persons))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let people = made.iter().zip(&members).map(|(room, members)| {
            (
                *room,
                members
                    .iter()
                    .map(|member| (persons[*member].id, persons[*member].username.clone()))
                    .collect(),
            )
        });
        let people = people.collect();
        let start = persons.into_iter().map(|person| {
            let number = person.number;
            let home = made.iter().zip(&members).filter(|(_, members)| members.contains(&number));
            let home = home.map(|(room, _)| *room).collect();
            Client::start(
                person,
                places.bases(number),
                home,
                seed.wrapping_mul(1_000).wrapping_add(number as u64),
            )
        });
        let clients = stream::iter(start).buffered(AT_ONCE).collect().await;
        Ok(Self { clients, people })
    }
}

/// A machine that is busy may not answer in time: whoever was registered then signs in.
async fn register(places: &Places, number: usize) -> Result<Person> {
    let username = format!("story-{number}");
    let apis = places.all().map(Api::new).collect::<std::result::Result<Vec<_>, _>>();
    let apis = apis.map_err(Error::set_up("reach the gateways"))?;
    let username = username.as_str();
    let registered =
        ask(&apis, number, |api| async move { api.register(username, PASSWORD, None).await }).await;
    let tokens = match registered {
        Outcome::Unknown(Some(Code::AlreadyExists)) => {
            ask(&apis, number, |api| async move { api.login(username, PASSWORD).await }).await
        }
        other => other,
    };
    let tokens = set_up(tokens, &format!("register {username}"))?;
    let places = apis.iter().map(|api| api.with_token(&tokens.access_token)).collect();
    Ok(Person {
        number,
        id: tokens.user.id,
        username: username.to_owned(),
        places,
        token: tokens.access_token,
    })
}

/// A public room of its first member, with moderators.
async fn make_room(number: usize, members: &[usize], persons: &[Person]) -> Result<RoomId> {
    let places = |member: usize| persons[member].places.as_slice();
    let Some((owner, others)) = members.split_first() else {
        return Err(Error::Cast(format!("room {number} has no members: more clients, or fewer rooms")));
    };
    let room = NewRoom::public(format!("Room {number}"));
    let made: Outcome<Room> = ask(places(*owner), number, |api| {
        let request = api.request(Method::POST, "/v1/rooms").json(&room);
        let request = request.header("Idempotency-Key", format!("room-{number}"));
        async move { api.call(request).await }
    })
    .await;
    let room = set_up(made, &format!("make room {number}"))?.id;
    for (place, member) in others.iter().enumerate() {
        let joined = ask(places(*member), place, |api| async move { api.join(room).await }).await;
        set_up(joined, &format!("join room {number}"))?;
        if place < MODERATORS {
            let user = persons[*member].id;
            let given =
                ask(
                    places(*owner),
                    place,
                    |api| async move { api.put_member(room, user, Role::Moderator).await },
                );
            set_up(given.await, &format!("give roles in room {number}"))?;
        }
    }
    Ok(room)
}

fn set_up<T: std::fmt::Debug>(outcome: Outcome<T>, action: &str) -> Result<T> {
    match outcome {
        Outcome::Done(answer) => Ok(answer),
        other => Err(Error::Cast(format!("cannot {action}: {other:?}"))),
    }
}
