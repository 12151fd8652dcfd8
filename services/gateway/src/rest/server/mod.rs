//! `/v1/server`: what a site's backend may do with an API key, as any of its users.
//!
//! A handler names the scope that it needs in its arguments ([`Site`]), so that none can be written without one.

mod extract;
mod members;
mod messages;
mod notices;
mod rooms;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    routing::{post, put},
};
use madang_domain::{Code, Error, UserRef};
use madang_rpc::event::Profile;

use self::extract::Site;
use crate::edge::Edge;

/// The routes, to be put under `/v1/server`.
pub(super) fn router() -> Router<Arc<Edge>> {
    Router::new()
        .route("/rooms", post(rooms::create))
        .route("/rooms/{room}/members/{user}", put(members::put).delete(members::remove))
        .route("/rooms/{room}/messages", post(messages::send))
        .route("/users/{user}", put(users::put))
        .route("/users/{user}/notices", post(notices::send))
        .route("/users/{user}/disconnect", post(users::disconnect))
        .route("/users/{user}/ws-ticket", post(users::ticket))
}

/// The user whom the site means.
async fn user(edge: &Edge, user: &UserRef) -> Result<Arc<Profile>, Error> {
    let found = edge.auth.find_users(std::slice::from_ref(user)).await?.pop();
    found.map(Arc::new).ok_or_else(|| unknown(user))
}

fn unknown(user: &UserRef) -> Error {
    let message = match user {
        UserRef::Id(_) => format!("there is no user {user}"),
        UserRef::External(_) => {
            format!("there is no user {user} yet: make one by PUT /v1/server/users/{user}")
        }
    };
    Error::new(Code::NotFound, message)
}
