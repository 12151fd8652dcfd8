//! The end: nothing is broken any more, and every client must come to show what a fresh load shows.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt as _, stream};
use madang_client::{Client as Api, Error};
use madang_domain::{Code, RoomId, UserId};
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    compare,
    crowd::PASSWORD,
    ledger::doubled,
    load::{self, Loaded},
    patient::{Outcome, ask},
};

/// How long after the last fault everybody shows what there is. An erasure that a gateway has left is taken up again by
/// another one after 15 s.
const SETTLED_WITHIN: Duration = Duration::from_secs(40);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Clients that are compared at once.
const AT_ONCE: usize = 8;

/// Rooms as one of their members loads them.
type Truth = HashMap<RoomId, Loaded>;

/// Waits until all is well, and says what is not after the time for it.
pub async fn judge(clients: &mut [Client]) -> Vec<String> {
    let until = Instant::now() + SETTLED_WITHIN;
    loop {
        let found = look(clients).await;
        if found.is_empty() || Instant::now() >= until {
            return found;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Compares everything once.
async fn look(clients: &mut [Client]) -> Vec<String> {
    let mut truth = Truth::new();
    let mut found = Vec::new();
    let looks = clients.iter_mut().filter(|client| !client.is_erased).map(look_at);
    let looks: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    for (loaded, differences) in looks {
        found.extend(differences);
        for (room, loaded) in loaded {
            truth.entry(room).or_insert(loaded);
        }
    }
    let gone: Vec<(UserId, String)> = clients
        .iter()
        .filter(|client| client.is_erased)
        .map(|client| (client.person.id, client.person.username.clone()))
        .collect();
    let names: Vec<String> = gone.iter().map(|(_, name)| name.clone()).collect();
    for (room, loaded) in &truth {
        found.extend(doubled(&loaded.page).into_iter().map(|what| format!("room {room}: {what}")));
        found.extend(left_of(&gone, loaded).into_iter().map(|what| format!("room {room}: {what}")));
        for client in clients.iter().filter(|client| !client.is_erased) {
            let broken = client.ledger.broken(client.person.id, *room, &loaded.page, &names);
            found.extend(broken.into_iter().map(|what| client.says(*room, &what)));
        }
    }
    found.extend(
        stream::iter(clients.iter().filter(|client| client.is_erased))
            .then(still_there)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten(),
    );
    found
}

/// What a client shows beside fresh loads in its name, by one gateway and the other.
async fn look_at(client: &mut Client) -> (Vec<(RoomId, Loaded)>, Vec<String>) {
    client.find_rooms().await;
    let mut found: Vec<String> = client.broken.clone();
    found.extend(client.shows().faults.iter().map(|fault| format!("on the wire: {fault}")));
    if client.shows().ended {
        found.push("the session was ended".to_owned());
    }
    let mut found: Vec<String> =
        found.into_iter().map(|what| format!("{}: {what}", client.person.username)).collect();
    let me = client.person.id;
    let mut all = Vec::new();
    let Outcome::Done(rooms) = client.ask(|api| async move { load::rooms(&api).await }).await else {
        found.push(format!("{}: the rooms cannot be loaded", client.person.username));
        return (all, found);
    };
    for (place, room) in rooms.iter().copied().enumerate() {
        let fresh = ask(&client.person.places, client.person.number + place, |api: Api| async move {
            load::room(&api, me, room).await
        });
        let Outcome::Done(Some(fresh)) = fresh.await else {
            found.push(client.says(room, "it cannot be loaded"));
            continue;
        };
        found.extend(differences(client, room, &fresh).into_iter().map(|what| client.says(room, &what)));
        all.push((room, fresh));
    }
    let kept: Vec<RoomId> = client.shows().rooms.keys().copied().collect();
    for room in kept.into_iter().filter(|room| !rooms.contains(room)) {
        found.push(client.says(room, "it is shown, and the user is no member"));
    }
    if let Outcome::Done((fresh, unread)) = client.ask(|api| async move { load::inbox(&api).await }).await {
        let differs = compare::inboxes(&client.shows().notices, &fresh, unread);
        found.extend(differs.into_iter().map(|what| format!("{}: {what}", client.person.username)));
    }
    (all, found)
}

fn differences(client: &Client, room: RoomId, fresh: &Loaded) -> Vec<String> {
    let shows = client.shows();
    let Some(shown) = shows.rooms.get(&room) else { return vec!["it is not shown".to_owned()] };
    let mut found = compare::rooms(shown, fresh);
    if shown.cursor != fresh.page.cursor {
        found.insert(0, format!("{} of {} events were received", shown.cursor, fresh.page.cursor));
    }
    found.extend(client.ledger.broken_reactions(room, &fresh.page));
    found
}

/// What is left of erased users in a room.
fn left_of(gone: &[(UserId, String)], loaded: &Loaded) -> Vec<String> {
    let page = &loaded.page;
    let mut left = Vec::new();
    for (user, name) in gone {
        if page.members.contains_key(user) {
            left.push(format!("{name} is erased and a member"));
        }
        for (seq, shown) in &page.messages {
            if shown.sender == *user && !shown.deleted {
                left.push(format!("{name} is erased, and message {seq} is there: {:?}", shown.text));
            }
            if shown.mentions.contains(user) {
                left.push(format!("{name} is erased, and message {seq} mentions the user"));
            }
        }
    }
    left
}

/// Whether an erased user can still sign in, or still has a socket.
async fn still_there(client: &Client) -> Vec<String> {
    let name = &client.person.username;
    let mut found = Vec::new();
    let signed_in = client.person.places[0].login(name, PASSWORD).await;
    if !matches!(&signed_in, Err(Error::Problem(problem)) if problem.code == Code::Unauthenticated) {
        found.push(format!("{name} is erased, and signs in: {:?}", signed_in.map(|tokens| tokens.user)));
    }
    if !client.shows().ended {
        found.push(format!("{name} is erased, and the session goes on"));
    }
    found
}

impl Client {
    fn says(&self, room: RoomId, what: &str) -> String {
        format!("{} in room {room}: {what}", self.person.username)
    }
}
