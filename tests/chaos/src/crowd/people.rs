//! Accounts and rooms, through the public API.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use madang_client::{Client as Api, Error as ApiError, NewRoom, Tokens};
use madang_domain::{RoomId, UserId};

use crate::error::{Error, Result};

/// Clients that are set up at once: registering hashes a password.
pub(super) const SET_UP_AT_ONCE: usize = 16;

/// Every account has the same one.
const PASSWORD: &str = "a gate that is shaken does not fall";

/// What the name of every account begins with; its number follows.
const NAME: &str = "chaos-";

/// The name of an account, by its number.
pub(crate) fn username(number: usize) -> String {
    format!("{NAME}{number}")
}

/// The numbers of the accounts that a text names as `@chaos-7`.
pub(crate) fn named_in(text: &str) -> impl Iterator<Item = usize> {
    let after = text.split('@').skip(1).filter_map(|after| after.strip_prefix(NAME));
    after.filter_map(|after| after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
}

/// Somebody signs in who has nothing but a name and a password.
pub(super) async fn sign_in(guest: &Api, number: usize) -> std::result::Result<Tokens, ApiError> {
    guest.login(&username(number), PASSWORD).await
}

/// An account, and the tokens of one session of it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    number: usize,
    grant: Arc<Mutex<Tokens>>,
}

impl Person {
    fn new(number: usize, grant: Tokens) -> Self {
        Self { id: grant.user.id, number, grant: Arc::new(Mutex::new(grant)) }
    }

    /// The access token that it has now.
    pub(crate) fn token(&self) -> String {
        self.grant.lock().unwrap_or_else(PoisonError::into_inner).access_token.clone()
    }

    /// The token of one refresh, or of the logout.
    pub(super) fn refresh_token(&self) -> String {
        self.grant.lock().unwrap_or_else(PoisonError::into_inner).refresh_token.clone()
    }

    /// Takes new tokens for the old ones. Where this fails the old ones may be used up: only a new sign-in helps.
    pub(super) async fn renew(&self, gateway: &Api) -> std::result::Result<(), ApiError> {
        let grant = gateway.refresh(&self.refresh_token()).await?;
        *self.grant.lock().unwrap_or_else(PoisonError::into_inner) = grant;
        Ok(())
    }

    /// The same account with the tokens of a session of its own.
    pub(super) async fn signed_in(&self, gateway: &Api) -> std::result::Result<Self, ApiError> {
        Ok(Self::new(self.number, sign_in(gateway, self.number).await?))
    }
}

pub(crate) async fn register(gateways: &[SocketAddr], count: usize) -> Result<Vec<Person>> {
    let apis = apis(gateways)?;
    let apis = &apis;
    stream::iter(0..count)
        .map(|number| async move {
            let username = username(number);
            let action = format!("register {username}");
            let grant = api(apis, number).register(&username, PASSWORD, None).await;
            Ok(Person::new(number, grant.map_err(Error::set_up(action))?))
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
            let token = members.next().map(Person::token).unwrap_or_default();
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
    Ok(api.with_token(person.token()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_text_are_found() {
        let found = |text| named_in(text).collect::<Vec<_>>();
        assert_eq!(found("3 of 1: @chaos-17 @chaos-4: and a word"), [17, 4]);
        assert_eq!(found("chaos-3, @chaos-, @other-5"), [] as [usize; 0]);
    }
}
