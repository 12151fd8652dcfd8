//! The scenario of cutting off: people are removed from a room, and sessions are revoked, at one gateway, while their
//! sockets listen to a room that never falls silent at the other. What is measured is the time from the request to the
//! last thing that the socket still heard.

use std::{path::PathBuf, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use madang_client::{
    Client as Api, ConnectOptions, Credential, Incoming, Session, SessionOptions, Socket, SocketError,
};
use madang_contract::{ClientFrame, RoomSince, ServerFrame, Subscribe};
use madang_domain::{Role, RoomId};
use tokio::{
    sync::watch,
    time::{Instant, interval, sleep},
};

use crate::{
    crowd::people::{self, Person},
    error::{Error, Result},
    screen::Screen,
    settings::Settings,
    site::Site,
};

/// Tries of each kind.
const TRIES: usize = 100;
/// Between two messages in the room: how finely a time is measured.
const PACE: Duration = Duration::from_millis(10);
/// Between two tries.
const BETWEEN: Duration = Duration::from_millis(100);
/// How long a socket is listened to after it was cut off: whatever comes within it counts.
const LISTEN: Duration = Duration::from_secs(3);
/// Requests of the set-up at a time.
const SET_UP_AT_ONCE: usize = 16;
/// An answer of a gateway.
const DEADLINE: Duration = Duration::from_secs(10);

/// A run, judged.
#[derive(Debug)]
pub struct Run {
    /// What it was made of.
    pub settings: Settings,
    /// People who were removed from the room.
    pub removed: Vec<Cut>,
    /// Sessions that were revoked.
    pub revoked: Vec<Cut>,
    /// The directory of the logs.
    pub logs: PathBuf,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// From the request until its answer.
    pub answered: Duration,
    /// From the request until the last event that the socket heard.
    pub last_frame: Duration,
    /// Events that it had heard before: it did listen.
    pub before: usize,
    /// The code with which the socket was closed, where it was.
    pub close: Option<u16>,
}

/// How somebody is cut off.
#[derive(Debug, Clone, Copy)]
enum How {
    Removed,
    Revoked,
}

/// Runs the scenario.
///
/// # Errors
/// When something cannot be started, or a request of the set-up is refused.
pub async fn run(settings: Settings, logs: PathBuf, screen: &Screen) -> Result<Run> {
    screen.step("starting PostgreSQL, Redis, and two of each service");
    let site = Site::start(&Settings { kinds: Vec::new(), ..settings.clone() }, logs.clone()).await?;
    screen.step("registering the people");
    let addresses = site.gateway_addresses();
    let people = people::register(&addresses, 1 + 2 * TRIES).await?;
    let room = people::make_rooms(&addresses, &people, &[vec![0]]).await?[0];
    let (here, there) = (addresses.first().copied(), addresses.last().copied());
    let owner = people::api_at(here, &people[0])?;
    stream::iter(&people[1..])
        .map(|person| owner.put_member(room, person.id, Role::Member))
        .buffer_unordered(SET_UP_AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await
        .map_err(Error::set_up("add the members"))?;

    // The owner's token makes the room, and never ends.
    let base = |address: Option<_>| address.map_or_else(String::new, |address| format!("http://{address}"));
    let (session, mut owners) =
        Session::start(vec![base(here)], Credential::Bearer(people[0].token()), SessionOptions::default());
    let drained = tokio::spawn(async move { while let Ok(Some(_)) = owners.next().await {} });
    let talking = tokio::spawn(talk(session.clone(), room));

    let mut kinds = Vec::new();
    for (how, people) in [(How::Removed, &people[1..=TRIES]), (How::Revoked, &people[1 + TRIES..])] {
        screen.step(match how {
            How::Removed => "removing people from the room",
            How::Revoked => "revoking sessions",
        });
        let tries = people.iter().enumerate().map(|(number, person)| {
            let (owner, pause) = (&owner, BETWEEN * u32::try_from(number).unwrap_or(u32::MAX));
            let (there, here) = (base(there), here);
            async move {
                let own = people::api_at(here, person)?;
                cut_off(how, person, room, &there, owner, &own, pause).await
            }
        });
        kinds.push(try_join_all(tries).await?);
    }
    talking.abort();
    session.close().await;
    drop(session);
    drained.await?;
    screen.step("stopping");
    site.stop().await?;
    screen.done();
    let revoked = kinds.pop().unwrap_or_default();
    let removed = kinds.pop().unwrap_or_default();
    Ok(Run { settings, removed, revoked, logs })
}

async fn talk(session: Session, room: RoomId) {
    let mut turn = interval(PACE);
    loop {
        turn.tick().await;
        let session = session.clone();
        // Each by itself: an acknowledgement that is slow must not make the room silent.
        tokio::spawn(async move { session.send(room, "the room is never silent").await.is_ok() });
    }
}

/// Listens at one gateway, is cut off at the other after a pause, and listens on.
async fn cut_off(
    how: How,
    person: &Person,
    room: RoomId,
    there: &str,
    owner: &Api,
    own: &Api,
    pause: Duration,
) -> Result<Cut> {
    let lost = |error: SocketError| Error::Listen(error);
    let options = ConnectOptions::default();
    let credential = Credential::Bearer(person.token());
    let (mut socket, hello) = Socket::open(there, &credential, &options).await.map_err(lost)?;
    let rooms = vec![RoomSince { room: room.into(), since: None, epoch: None }];
    let subscribe = ClientFrame::Subscribe(Subscribe { rooms, ..Subscribe::default() });
    socket.call(subscribe, DEADLINE).await.map_err(lost)?;

    // Listens all the time, so that what it hears is dated by when it came.
    let (tell, asked) = watch::channel(None::<Instant>);
    let listening = tokio::spawn(async move {
        let (mut before, mut last, mut close) = (0, None, None);
        loop {
            let left = asked.borrow().map_or(DEADLINE, |asked: Instant| {
                (asked + LISTEN).saturating_duration_since(Instant::now())
            });
            match socket.next_frame(left).await {
                Ok(Incoming::Event(_)) if asked.borrow().is_none() => before += 1,
                Ok(Incoming::Event(_) | Incoming::Frame(ServerFrame::Typing(_) | ServerFrame::Read(_))) => {
                    last = Some(Instant::now());
                }
                Ok(_) => {}
                Err(SocketError::Closed(how)) => {
                    close = Some(how.code);
                    break;
                }
                Err(_) => break,
            }
            if asked.borrow().is_some_and(|asked| asked.elapsed() >= LISTEN) {
                break;
            }
        }
        (before, last, close)
    });
    sleep(pause + BETWEEN).await;
    let began = Instant::now();
    tell.send_replace(Some(began));
    match how {
        How::Removed => owner.remove_member(room, person.id).await,
        How::Revoked => own.revoke_session(hello.session).await,
    }
    .map_err(Error::set_up("cut somebody off"))?;
    let answered = began.elapsed();
    let (before, last, close) = listening.await?;
    let last_frame = last.map_or(Duration::ZERO, |last: Instant| last.saturating_duration_since(began));
    Ok(Cut { answered, last_frame, before, close })
}
