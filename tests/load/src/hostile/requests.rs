//! Attacks by requests.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use super::aim::{ATTACKER, ATTACKERS, Aim, Counts, TICKS_PER_SECOND, ticks};

const KEYS_PER_SECOND: u32 = 2_000;
const MEMBERSHIPS_PER_SECOND: u32 = 200;
const SIGN_INS_PER_SECOND: u32 = 200;
const REGISTRATIONS_PER_SECOND: u32 = 100;
const ROOMS_PER_SECOND: u32 = 200;
const CHANGES_PER_SECOND: u32 = 200;
/// Requests on their way: past it the attack waits for the servers.
const IN_FLIGHT_MAX: usize = 128;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Shows API keys that never existed.
pub(super) async fn made_up_keys(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client(ATTACKER)?;
    requests(counts, KEYS_PER_SECOND, |number| {
        let url = format!("http://{}/v1/server/users/nobody/disconnect", aim.gateway(number));
        // As long as real ones, each another.
        http.post(url).bearer_auth(format!("mdk_{number:043}"))
    })
    .await
}

/// Joins and leaves a public room.
pub(super) async fn joins_and_leaves(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client(ATTACKER)?;
    requests(counts, MEMBERSHIPS_PER_SECOND, |number| {
        let what = if number % 2 == 0 { "join" } else { "leave" };
        let url = format!("http://{}/v1/rooms/{}/{what}", aim.gateway(number), aim.public_room);
        http.post(url).bearer_auth(&aim.token)
    })
    .await
}

/// Signs in with passwords that are right, from four addresses.
pub(super) async fn right_passwords(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let clients = ATTACKERS.iter().map(|from| client(*from)).collect::<io::Result<Vec<_>>>()?;
    requests(counts, SIGN_INS_PER_SECOND, |number| {
        let url = format!("http://{}/v1/auth/login", aim.gateway(number));
        let username = &aim.usernames[number % aim.usernames.len()];
        let body = json!({ "username": username, "password": aim.password });
        // Each account from each of the addresses.
        clients[number / aim.usernames.len() % clients.len()].post(url).json(&body)
    })
    .await
}

/// Registers one account after the other.
pub(super) async fn registrations(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client(ATTACKER)?;
    requests(counts, REGISTRATIONS_PER_SECOND, |number| {
        let url = format!("http://{}/v1/auth/register", aim.gateway(number));
        let username = format!("flood-{}-{number}", aim.run);
        http.post(url).json(&json!({ "username": username, "password": aim.password }))
    })
    .await
}

/// Makes private rooms with the newcomers' user in them.
pub(super) async fn rooms(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client(ATTACKER)?;
    requests(counts, ROOMS_PER_SECOND, |number| {
        let url = format!("http://{}/v1/rooms", aim.gateway(number));
        let body = json!({ "name": "Trap", "kind": "private", "members": [&*aim.newcomer] });
        http.post(url).bearer_auth(&aim.token).json(&body)
    })
    .await
}

/// Changes the own room: its name, a member's role, and who is in it.
pub(super) async fn changes(aim: &Arc<Aim>, counts: &Arc<Counts>) -> io::Result<()> {
    let http = client(ATTACKER)?;
    requests(counts, CHANGES_PER_SECOND, |number| {
        let room = format!("http://{}/v1/rooms/{}", aim.gateway(number), aim.own_room);
        let member = |user: &str| format!("{room}/members/{user}");
        let role = if number % 8 < 4 { "moderator" } else { "member" };
        let request = match number % 4 {
            0 => http.patch(&room).json(&json!({ "name": format!("Noise {number}") })),
            1 => http.put(member(&aim.newcomer)).json(&json!({ "role": role })),
            2 => http.put(member(&aim.bystander)).json(&json!({})),
            _ => http.delete(member(&aim.bystander)),
        };
        request.bearer_auth(&aim.token)
    })
    .await
}

/// A session of the attacker's first account, besides the one of the aim's token.
pub(super) struct Session {
    http: Client,
    auth: String,
    pub(super) access_token: String,
    refresh_token: String,
}

impl Session {
    /// Signs in.
    pub(super) async fn begin(aim: &Aim) -> io::Result<Self> {
        let http = client(ATTACKER)?;
        let auth = format!("http://{}/v1/auth", aim.gateway(0));
        let body = json!({ "username": aim.usernames[0], "password": aim.password });
        let answer = http.post(format!("{auth}/login")).json(&body).send().await.map_err(io::Error::other)?;
        let answer = answer.error_for_status().map_err(io::Error::other)?;
        let mut tokens: serde_json::Value = answer.json().await.map_err(io::Error::other)?;
        let mut token = |name: &str| match tokens[name].take() {
            serde_json::Value::String(token) => Ok(token),
            _ => Err(io::Error::other("a sign-in without tokens")),
        };
        Ok(Self { access_token: token("access_token")?, refresh_token: token("refresh_token")?, http, auth })
    }

    /// Signs out.
    pub(super) async fn end(self) -> io::Result<()> {
        let body = json!({ "refresh_token": self.refresh_token });
        let request = self.http.post(format!("{}/logout", self.auth)).json(&body);
        let answer = request.send().await.map_err(io::Error::other)?;
        answer.error_for_status().map(drop).map_err(io::Error::other)
    }
}

fn client(from: IpAddr) -> io::Result<Client> {
    let client = Client::builder().local_address(from).timeout(REQUEST_TIMEOUT).no_proxy().build();
    client.map_err(io::Error::other)
}

async fn requests(
    counts: &Arc<Counts>,
    per_second: u32,
    mut request: impl FnMut(usize) -> RequestBuilder,
) -> io::Result<()> {
    let mut in_flight = JoinSet::new();
    let mut ticks = ticks();
    let mut number = 0;
    loop {
        ticks.tick().await;
        for _ in 0..per_second / TICKS_PER_SECOND {
            while in_flight.try_join_next().is_some() {}
            if in_flight.len() >= IN_FLIGHT_MAX {
                break;
            }
            let (request, counts) = (request(number), Arc::clone(counts));
            number += 1;
            in_flight.spawn(async move {
                if let Ok(answer) = request.send().await {
                    counts.done();
                    if !answer.status().is_success() {
                        counts.refused();
                    }
                }
            });
        }
    }
}
