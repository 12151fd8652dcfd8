//! `/v1/server`: what a site's backend may do with an API key, as any of its users.
//!
//! A handler names the scope that it needs in its arguments ([`SiteBackend`](extract::SiteBackend)), so that none can be written without one.

mod extract;
mod members;
mod messages;
mod notices;
mod reports;
mod rooms;
mod users;

use super::Routes;

/// The routes.
pub(super) fn routes() -> Routes {
    rooms::routes()
        .merge(members::routes())
        .merge(messages::routes())
        .merge(users::routes())
        .merge(notices::routes())
        .merge(reports::routes())
}
