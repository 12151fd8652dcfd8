//! The site's users: who they are, and letting them in and out.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{post, put as put_route},
};
use http::StatusCode;
use madang_domain::{AvatarUrl, Code, DisplayName, Error, Profile, UserRef, Username};
use madang_rpc::{
    Auth,
    auth::{Disconnect, ExternalUser, IssueUserTicket, RecognizeUser, UpdateProfile},
};
use serde::{Deserialize, Serialize};

use super::extract::{SiteBackend, Tickets, Users};
use crate::{
    commands::Commands,
    http::Problem,
    rest::{
        auth::ticket_answer,
        extract::{Json, Path},
        users::present,
        view::User,
    },
    state::GatewayState,
};

pub(super) fn routes() -> Router<GatewayState> {
    Router::new()
        .route("/users/{user}", put_route(put))
        .route("/users/{user}/disconnect", post(disconnect))
        .route("/users/{user}/ws-ticket", post(ticket))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    username: Option<Username>,
    name: Option<DisplayName>,
    /// Absent: as it was. Null: none.
    #[serde(default, deserialize_with = "present")]
    avatar_url: Option<Option<AvatarUrl>>,
}

/// A user, with what the site calls the user.
#[derive(Serialize)]
struct SiteUser {
    #[serde(flatten)]
    user: User,
    external_id: Option<String>,
}

impl From<&Profile> for SiteUser {
    fn from(profile: &Profile) -> Self {
        Self { user: User::from(profile), external_id: profile.external_id.as_ref().map(ToString::to_string) }
    }
}

/// Makes or changes a user whom the site has a name for; changes one who signs in here.
async fn put(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    _: SiteBackend<Users>,
    Path(name): Path<UserRef>,
    Json(said): Json<Description>,
) -> Result<axum::Json<SiteUser>, Problem> {
    let Description { username, name: display_name, avatar_url } = said;
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
            accounts.update_profile(UpdateProfile { user: id, name: display_name, avatar_url }).await?
        }
        (Some(external_id), _) | (None, UserRef::External(external_id)) => {
            let user = ExternalUser { external_id, username, name: display_name, avatar_url, as_of: None };
            accounts.recognize_user(RecognizeUser { user }).await?.profile
        }
    };
    Ok(axum::Json(SiteUser::from(&profile)))
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
