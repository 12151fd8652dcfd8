//! The REST routes. A handler parses, calls a command, and shows what it returns.

mod auth;
mod caller;
mod documents;
mod extract;
mod files;
mod inbox;
mod invitations;
mod limits;
mod members;
mod messages;
mod moderation;
mod own_account;
mod reads;
mod refusals;
mod reports;
mod rooms;
mod routes;
mod search;
mod server;
mod settings;
mod sync;
mod threads;
mod users;
mod view;

use madang_domain::Error;

pub(crate) use extract::{Path, Query, page_query};
pub(crate) use routes::Routes;

/// The REST routes of a server whose paths stand under a base path.
pub(crate) fn routes(base_path: &str) -> Result<Routes, Error> {
    Ok(auth::routes()
        .merge(users::routes())
        .merge(own_account::routes())
        .merge(rooms::routes())
        .merge(members::routes())
        .merge(moderation::routes())
        .merge(reports::routes())
        .merge(invitations::routes())
        .merge(messages::routes())
        .merge(reads::routes())
        .merge(settings::routes())
        .merge(sync::routes())
        .merge(limits::routes())
        .merge(threads::routes())
        .merge(files::routes())
        .merge(search::routes())
        .merge(inbox::routes())
        .merge(server::routes())
        .merge(documents::routes(base_path)?))
}
