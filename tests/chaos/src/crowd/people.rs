//! Accounts and rooms, through the public API.

use std::net::SocketAddr;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use madang_client::{Client as Api, Error as ApiError, NewRoom};
use madang_domain::{RoomId, UserId};

use super::SET_UP_AT_ONCE;
use crate::error::{Error, Result};

/// Every account has the same one.
const PASSWORD: &str = "a gate that is shaken does not fall";

/// The name of an account, by its number.
fn username(number: usize) -> String {
    format!("chaos-{number}")
}

/// Somebody signs in who has nothing but a name and a password.
pub(super) async fn sign_in(guest: &Api, number: usize) -> std::result::Result<(), ApiError> {
    guest.login(&username(number), PASSWORD).await.map(drop)
}

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) token: String,
}

pub(crate) async fn register(gateways: &[SocketAddr], count: usize) -> Result<Vec<Person>> {
    let apis = apis(gateways)?;
    let apis = &apis;
    stream::iter(0..count)
        .map(|number| async move {
            let username = username(number);
            let action = format!("register {username}");
            let grant = api(apis, number).register(&username, PASSWORD, None).await;
            let grant = grant.map_err(Error::set_up(action))?;
            Ok(Person { id: grant.user.id, token: grant.access_token })
        })
        .buffered(SET_UP_AT_ONCE)
        .try_collect()
        .await
}

/// Private rooms; the first member of each makes it.
pub(crate) async fn make_rooms(
    gateways: &[SocketAddr],
    people: &[Person],
    members: &[Vec<usize>],
) -> Result<Vec<RoomId>> {
    let apis = apis(gateways)?;
    let apis = &apis;
    stream::iter(members.iter().enumerate())
        .map(|(number, members)| async move {
            let mut members = members.iter().filter_map(|member| people.get(*member));
            let token = members.next().map(|owner| owner.token.clone()).unwrap_or_default();
            let room = NewRoom::private(format!("Room {number}"), members.map(|person| person.id).collect());
            let made = api(apis, number).with_token(token).create_room(&room).await;
            Ok(made.map_err(Error::set_up(format!("make room {number}")))?.id)
        })
        .buffered(SET_UP_AT_ONCE)
        .try_collect()
        .await
}

/// The API of a gateway, in somebody's name.
pub(crate) fn api_at(gateway: Option<SocketAddr>, person: &Person) -> Result<Api> {
    let base = gateway.map_or_else(String::new, |gateway| format!("http://{gateway}"));
    let api = Api::new(&base).map_err(Error::set_up("reach a gateway"))?;
    Ok(api.with_token(&person.token))
}

pub(super) fn apis(gateways: &[SocketAddr]) -> Result<Vec<Api>> {
    let api = |gateway| Api::new(&format!("http://{gateway}"));
    gateways
        .iter()
        .map(api)
        .collect::<std::result::Result<_, _>>()
        .map_err(Error::set_up("reach the gateways"))
}

fn api(apis: &[Api], number: usize) -> &Api {
    &apis[number % apis.len()]
}
