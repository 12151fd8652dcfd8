//! `/v1/auth`: accounts, tokens, devices.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use madang_contract::rest::{
    AuthSession, Login, Page, RefreshToken, Register, Ticket, Tokens, routes::auth as table,
};
use madang_domain::{Code, Error, SessionId, Username};
use madang_kit::Registration;
use madang_rpc::{
    Auth,
    auth::{
        self, CredentialIssuer, GetKeys, Grant, IssueTicket, IssueUserTicket, ListSessions, Logout, Password,
        Refresh, RevokeSession, Token,
    },
};

use super::{
    Routes,
    extract::{Caller, Client, Json, Path},
    view::account,
};
use crate::{http::Problem, state::Entrance};

/// How long an HTTP cache may keep the public keys; a new one is published for longer before it signs.
const KEYS_CACHE_CONTROL: &str = "public, max-age=60";

pub(super) fn routes() -> Routes {
    Routes::default()
        .at(&table::REGISTER, register)
        .at(&table::LOGIN, login)
        .at(&table::REFRESH, refresh)
        .at(&table::LOGOUT, logout)
        .at(&table::TICKET, ticket)
        .at(&table::SESSIONS, sessions)
        .at(&table::REVOKE, revoke)
        .at(&table::KEYS, keys)
}

/// Tokens are for one reader (RFC 6749, section 5.1).
fn tokens(status: StatusCode, grant: Grant) -> Response {
    let tokens = Tokens {
        access_token: grant.access_token,
        refresh_token: grant.refresh_token,
        token_type: "Bearer".into(),
        expires_in: grant.expires_in.as_secs(),
        user: account(&grant.user),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(tokens)).into_response()
}

async fn register(
    State(entrance): State<Arc<Entrance>>,
    State(accounts): State<Arc<dyn Auth>>,
    Client(client): Client,
    Json(body): Json<Register>,
) -> Result<Response, Problem> {
    // Auth is asked by other gateways too, and knows nothing of this one's issuer: so it is decided here.
    if entrance.settings.registration == Registration::Closed {
        let closed = "registration is closed; sign in with an account that you have";
        return Err(Error::new(Code::PermissionDenied, closed).into());
    }
    let grant = accounts
        .register(auth::Register {
            username: body.username,
            password: Password::new(body.password),
            name: body.name,
            client,
        })
        .await?;
    Ok(tokens(StatusCode::CREATED, grant))
}

async fn login(
    State(accounts): State<Arc<dyn Auth>>,
    Client(client): Client,
    Json(body): Json<Login>,
) -> Result<Response, Problem> {
    // An account of an earlier version may have a name that no new one may have.
    let username = Username::recorded(body.username)
        .map_err(|_| Error::new(Code::Unauthenticated, "the username or the password is wrong"))?;
    let grant =
        accounts.login(auth::Login { username, password: Password::new(body.password), client }).await?;
    Ok(tokens(StatusCode::OK, grant))
}

async fn refresh(
    State(accounts): State<Arc<dyn Auth>>,
    Client(client): Client,
    Json(body): Json<RefreshToken>,
) -> Result<Response, Problem> {
    Ok(tokens(
        StatusCode::OK,
        accounts.refresh(Refresh { refresh_token: Token::new(body.refresh_token), client }).await?,
    ))
}

async fn logout(
    State(accounts): State<Arc<dyn Auth>>,
    Json(body): Json<RefreshToken>,
) -> Result<StatusCode, Problem> {
    accounts.logout(Logout { refresh_token: Token::new(body.refresh_token) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ticket(State(accounts): State<Arc<dyn Auth>>, caller: Caller) -> Result<Response, Problem> {
    let ticket = match caller.issuer {
        CredentialIssuer::Auth => {
            accounts.issue_ticket(IssueTicket { user: caller.me.id, session: caller.session }).await?
        }
        CredentialIssuer::Site => {
            accounts
                .issue_user_ticket(IssueUserTicket { user: caller.me.id, until: Some(caller.expires_at) })
                .await?
        }
    };
    Ok(ticket_answer(ticket).into_response())
}

/// A ticket, for one reader.
pub(super) fn ticket_answer(ticket: madang_rpc::auth::Ticket) -> impl IntoResponse {
    let body = Ticket { ticket: ticket.ticket, expires_in: ticket.expires_in.as_secs() };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body))
}

async fn sessions(
    State(accounts): State<Arc<dyn Auth>>,
    caller: Caller,
) -> Result<axum::Json<Page<AuthSession>>, Problem> {
    let items = accounts
        .list_sessions(ListSessions { user: caller.me.id })
        .await?
        .into_iter()
        .map(|session| AuthSession {
            id: session.id,
            created_at: session.created_at,
            used_at: session.used_at,
            ip: session.client.ip.map(|ip| ip.to_string()),
            user_agent: session.client.user_agent,
            current: session.id == caller.session,
        })
        .collect();
    Ok(axum::Json(Page { items, next_cursor: None }))
}

async fn revoke(
    State(accounts): State<Arc<dyn Auth>>,
    caller: Caller,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    accounts.revoke_session(RevokeSession { user: caller.me.id, session }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keys(State(accounts): State<Arc<dyn Auth>>) -> Result<Response, Problem> {
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, KEYS_CACHE_CONTROL)];
    Ok((headers, accounts.get_keys(GetKeys).await?).into_response())
}
