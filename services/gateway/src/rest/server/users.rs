//! The site's users: who they are, and letting them in and out.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use madang_domain::{AvatarUrl, Code, DisplayName, Error, UserRef, Username};
use madang_rpc::{auth::ExternalUser, event::Profile};
use serde::{Deserialize, Serialize};

use super::{
    Site,
    extract::{Tickets, Users},
    unknown, user,
};
use crate::{
    edge::Edge,
    rest::{
        Problem,
        auth::ticket_answer,
        extract::{Json, Path},
        users::present,
        view::User,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    username: Option<Username>,
    name: Option<DisplayName>,
    /// Absent: as it was. Null: none.
    #[serde(default, deserialize_with = "present")]
    avatar_url: Option<Option<AvatarUrl>>,
}

/// A user, with what the site calls the user.
#[derive(Serialize)]
pub(super) struct SiteUser {
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
pub(super) async fn put(
    State(edge): State<Arc<Edge>>,
    _: Site<Users>,
    Path(name): Path<UserRef>,
    Json(said): Json<Description>,
) -> Result<axum::Json<SiteUser>, Problem> {
    let external_id = match &name {
        UserRef::External(id) => Some(id.clone()),
        UserRef::Id(_) => user(&edge, &name).await?.external_id.clone(),
    };
    let profile = match (external_id, name) {
        (Some(external_id), _) => {
            let Description { username, name, avatar_url } = said;
            let said = ExternalUser { external_id, username, name, avatar_url, as_of: None };
            edge.auth.external_user(said).await?.profile
        }
        (None, UserRef::Id(id)) => {
            if said.username.is_some() {
                let message = "who signs in here has chosen the username: it stays";
                return Err(Error::new(Code::FailedPrecondition, message).into());
            }
            edge.auth.update_profile(id, said.name, said.avatar_url).await?
        }
        (None, name @ UserRef::External(_)) => return Err(unknown(&name).into()),
    };
    Ok(axum::Json(SiteUser::from(&profile)))
}

/// Ends all that the user was let in with until now.
pub(super) async fn disconnect(
    State(edge): State<Arc<Edge>>,
    _: Site<Users>,
    Path(name): Path<UserRef>,
) -> Result<StatusCode, Problem> {
    edge.auth.disconnect(user(&edge, &name).await?.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets the user in, once.
pub(super) async fn ticket(
    State(edge): State<Arc<Edge>>,
    _: Site<Tickets>,
    Path(name): Path<UserRef>,
) -> Result<Response, Problem> {
    let ticket = edge.auth.issue_user_ticket(user(&edge, &name).await?.id, None).await?;
    Ok(ticket_answer(ticket).into_response())
}
