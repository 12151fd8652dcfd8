//! `/v1/auth`: accounts, tokens, devices.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use madang_domain::{DisplayName, SessionId, Timestamp, Username};
use madang_rpc::auth::{Grant, Password, Voucher};
use serde::{Deserialize, Serialize};

use super::{
    Problem,
    extract::{Caller, Client, Json, Path},
    view::User,
};
use crate::edge::Edge;

/// How long an HTTP cache may keep the public keys; a new one is published for longer before it signs.
const KEYS_CACHE_CONTROL: &str = "public, max-age=60";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    username: Username,
    password: String,
    name: Option<DisplayName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    // Any text: a name that nobody could have is answered like one that nobody has.
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshToken {
    refresh_token: String,
}

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    expires_in: u64,
    user: User,
}

impl From<Grant> for Tokens {
    fn from(grant: Grant) -> Self {
        Self {
            access_token: grant.access_token,
            refresh_token: grant.refresh_token,
            token_type: "Bearer",
            expires_in: grant.expires_in.as_secs(),
            user: User::from(&grant.user),
        }
    }
}

/// Tokens are for one reader (RFC 6749, section 5.1).
fn tokens(status: StatusCode, grant: Grant) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(Tokens::from(grant))).into_response()
}

pub(super) async fn register(
    State(edge): State<Arc<Edge>>,
    Client(client): Client,
    Json(body): Json<Register>,
) -> Result<Response, Problem> {
    let grant = edge.auth.register(body.username, Password::new(body.password), body.name, client).await?;
    Ok(tokens(StatusCode::CREATED, grant))
}

pub(super) async fn login(
    State(edge): State<Arc<Edge>>,
    Client(client): Client,
    Json(body): Json<Login>,
) -> Result<Response, Problem> {
    let username = Username::new(body.username).map_err(|_| {
        madang_domain::Error::new(
            madang_domain::Code::Unauthenticated,
            "the username or the password is wrong",
        )
    })?;
    let grant = edge.auth.login(username, Password::new(body.password), client).await?;
    Ok(tokens(StatusCode::OK, grant))
}

pub(super) async fn refresh(
    State(edge): State<Arc<Edge>>,
    Client(client): Client,
    Json(body): Json<RefreshToken>,
) -> Result<Response, Problem> {
    Ok(tokens(StatusCode::OK, edge.auth.refresh(&body.refresh_token, client).await?))
}

pub(super) async fn logout(
    State(edge): State<Arc<Edge>>,
    Json(body): Json<RefreshToken>,
) -> Result<StatusCode, Problem> {
    edge.auth.logout(&body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn ticket(State(edge): State<Arc<Edge>>, caller: Caller) -> Result<Response, Problem> {
    let ticket = match caller.vouched_by {
        Voucher::Auth => edge.auth.issue_ticket(caller.me.id, caller.session).await?,
        Voucher::Site => edge.auth.issue_user_ticket(caller.me.id, Some(caller.expires_at)).await?,
    };
    Ok(ticket_answer(ticket).into_response())
}

/// A ticket, for one reader.
pub(super) fn ticket_answer(ticket: madang_rpc::auth::Ticket) -> impl IntoResponse {
    #[derive(Serialize)]
    struct Ticket {
        ticket: String,
        expires_in: u64,
    }
    let body = Ticket { ticket: ticket.ticket, expires_in: ticket.expires_in.as_secs() };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body))
}

pub(super) async fn sessions(State(edge): State<Arc<Edge>>, caller: Caller) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Device {
        id: SessionId,
        created_at: Timestamp,
        used_at: Timestamp,
        ip: Option<String>,
        user_agent: Option<String>,
        /// The one that asks.
        current: bool,
    }
    #[derive(Serialize)]
    struct Devices {
        items: Vec<Device>,
        next_cursor: Option<String>,
    }
    let items = edge
        .auth
        .sessions(caller.me.id)
        .await?
        .into_iter()
        .map(|session| Device {
            id: session.id,
            created_at: session.created_at,
            used_at: session.used_at,
            ip: session.client.ip.map(|ip| ip.to_string()),
            user_agent: session.client.user_agent,
            current: session.id == caller.session,
        })
        .collect();
    Ok(axum::Json(Devices { items, next_cursor: None }).into_response())
}

pub(super) async fn revoke(
    State(edge): State<Arc<Edge>>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    edge.auth.revoke_session(caller.me.id, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn keys(State(edge): State<Arc<Edge>>) -> Result<Response, Problem> {
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, KEYS_CACHE_CONTROL)];
    Ok((headers, edge.auth.keys().await?).into_response())
}
