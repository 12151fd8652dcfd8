//! The site's users: profiles, tickets and disconnections.

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_contract::{
    SiteUser,
    rest::{SiteUserChanges, routes::server as table},
};
use madang_domain::UserRef;
use madang_rpc::{
    Auth,
    auth::{Disconnect, IssueUserTicket},
};

use super::extract::{SiteBackend, Tickets, Users};
use crate::{
    commands::{Commands, SiteProfile},
    http::Problem,
    rest::{
        Routes,
        auth::ticket_answer,
        extract::{Json, Path},
        view::account,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::PUT_USER, put)
        .at(&table::ERASE_USER, erase)
        .at(&table::DISCONNECT, disconnect)
        .at(&table::TICKET, ticket)
}

/// Creates or changes a user by the site's id, or changes a user who registered here.
async fn put(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
    Json(said): Json<SiteUserChanges>,
) -> Result<Response, Problem> {
    let SiteUserChanges { username, name: display_name, avatar_url } = said;
    let said = SiteProfile { username, name: display_name, avatar_url };
    let profile = commands.put_user_as_site(name, said).await?;
    let external_id = profile.external_id.as_deref().map(Cow::Borrowed);
    Ok(axum::Json(SiteUser { account: account(&profile), external_id }).into_response())
}

/// Erases the user for good.
async fn erase(
    State(commands): State<Arc<Commands>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
) -> Result<StatusCode, Problem> {
    commands.erase_as_site(&name).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Revokes all credentials of the user that were issued until now.
async fn disconnect(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
) -> Result<StatusCode, Problem> {
    accounts.disconnect(Disconnect { user: commands.find_user(&name).await?.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Issues a one-time ticket for the user.
async fn ticket(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    _: SiteBackend<Tickets>,
    Path(name): Path<UserRef>,
) -> Result<Response, Problem> {
    let ticket = accounts
        .issue_user_ticket(IssueUserTicket { user: commands.find_user(&name).await?.id, until: None })
        .await?;
    Ok(ticket_answer(ticket).into_response())
}
