//! The REST routes. A handler parses, calls a command, and shows what it returns.

mod auth;
mod extract;
mod inbox;
mod members;
mod messages;
mod rooms;
mod server;
mod users;
mod view;

use axum::Router;

use crate::state::GatewayState;

/// The routes under `/v1`.
pub(crate) fn routes() -> Router<GatewayState> {
    Router::new()
        .merge(auth::routes())
        .merge(users::routes())
        .merge(rooms::routes())
        .merge(members::routes())
        .merge(messages::routes())
        .merge(inbox::routes())
        .nest("/server", server::routes())
}

/// The routes beside `/v1`.
pub(crate) fn well_known() -> Router<GatewayState> {
    auth::well_known()
}
