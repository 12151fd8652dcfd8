//! The site's users: who they are, and letting them in and out.

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
use madang_domain::{Code, Error, UserRef};
use madang_rpc::{
    Auth,
    auth::{Disconnect, ExternalUser, IssueUserTicket, RecognizeUser, UpdateProfile},
};

use super::extract::{SiteBackend, Tickets, Users};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        Routes,
        auth::ticket_answer,
        extract::{Json, Path},
        view::account,
    },
};

pub(super) fn routes() -> Routes {
    Routes::default().at(&table::PUT_USER, put).at(&table::DISCONNECT, disconnect).at(&table::TICKET, ticket)
}

/// Makes or changes a user whom the site has a name for; changes one who signs in here.
async fn put(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
    Json(said): Json<SiteUserChanges>,
) -> Result<Response, Problem> {
    let SiteUserChanges { username, name: display_name, avatar_url } = said;
    let external_id = match &name {
        UserRef::External(id) => Some(id.clone()),
        UserRef::Id(_) => commands.find_user(&name).await?.external_id.clone(),
    };
    let profile = match (external_id, name) {
        (None, UserRef::Id(_)) if username.is_some() => {
            let message = "a user who signs in here has chosen the username: it stays";
            return Err(Error::new(Code::FailedPrecondition, message).into());
        }
        (None, UserRef::Id(id)) => {
            let change = UpdateProfile { user: id, name: display_name, avatar_url, presented: None };
            accounts.update_profile(change).await?
        }
        (Some(external_id), _) | (None, UserRef::External(external_id)) => {
            let user = ExternalUser { external_id, username, name: display_name, avatar_url, as_of: None };
            accounts.recognize_user(RecognizeUser { user }).await?.profile
        }
    };
    let external_id = profile.external_id.as_deref().map(Cow::Borrowed);
    Ok(axum::Json(SiteUser { account: account(&profile), external_id }).into_response())
}

/// Ends all that the user was let in with until now.
async fn disconnect(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
) -> Result<StatusCode, Problem> {
    accounts.disconnect(Disconnect { user: commands.find_user(&name).await?.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets the user in, once.
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
