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
    caller::SignedIn,
    extract::{Client, Json, Path},
    view::account,
};
use crate::{
    admission::Reads,
    commands::{Action, Commands},
    http::Problem,
    state::Entrance,
};

/// How long an HTTP cache may keep the public keys. A new key is published for longer than this before it
/// signs.
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

/// An answer with tokens must not be cached (RFC 6749, section 5.1).
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
    // The gateway checks this itself, since auth also serves other gateways and does not know this one's
    // issuer.
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
    State(entrance): State<Arc<Entrance>>,
    State(accounts): State<Arc<dyn Auth>>,
    Client(client): Client,
    Json(body): Json<Login>,
) -> Result<Response, Problem> {
    // An account of an earlier version may have a name that no new one may have. What can be nobody's name is refused here,
    // and so logged here: auth logs what it refuses itself.
    let username = Username::recorded(body.username.as_str()).map_err(|_| {
        entrance.refusals.login(&body.username, client.ip);
        Error::new(Code::Unauthenticated, "the username or the password is wrong")
    })?;
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
    Client(client): Client,
    Json(body): Json<RefreshToken>,
) -> Result<StatusCode, Problem> {
    accounts.logout(Logout { refresh_token: Token::new(body.refresh_token), client }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn ticket(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    let SignedIn { caller, session, issuer, expires_at } = signed_in;
    commands.spend(&caller.actor(), Action::IssueTicket, None).await?.keep();
    let ticket = match issuer {
        CredentialIssuer::Auth => {
            let issued_at = caller.presented().map(|presented| presented.issued_at);
            accounts.issue_ticket(IssueTicket { user: caller.me.id, session, issued_at }).await?
        }
        CredentialIssuer::Site => {
            accounts
                .issue_user_ticket(IssueUserTicket { user: caller.me.id, until: Some(expires_at) })
                .await?
        }
    };
    Ok(ticket_answer(ticket).into_response())
}

/// An answer with a ticket, which must not be cached.
pub(super) fn ticket_answer(ticket: madang_rpc::auth::Ticket) -> impl IntoResponse {
    let body = Ticket { ticket: ticket.ticket, expires_in: ticket.expires_in.as_secs() };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body))
}

async fn sessions(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    signed_in: SignedIn,
) -> Result<axum::Json<Page<AuthSession>>, Problem> {
    let SignedIn { caller, session: current, .. } = signed_in;
    commands.pay_read(&caller.actor())?;
    let items = accounts
        .list_sessions(ListSessions { user: caller.me.id, presented: caller.presented() })
        .await?
        .into_iter()
        .map(|session| AuthSession {
            id: session.id,
            created_at: session.created_at,
            used_at: session.used_at,
            ip: session.client.ip.map(|ip| ip.to_string()),
            user_agent: session.client.user_agent,
            current: session.id == current,
        })
        .collect();
    Ok(axum::Json(Page { items, next_cursor: None }))
}

async fn revoke(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    signed_in: SignedIn,
    Path(session): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let caller = signed_in.caller;
    commands.spend(&caller.actor(), Action::EndSession, None).await?.keep();
    let presented = caller.presented();
    accounts.revoke_session(RevokeSession { user: caller.me.id, session, presented }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keys(
    State(commands): State<Arc<Commands>>,
    State(accounts): State<Arc<dyn Auth>>,
    Client(client): Client,
) -> Result<Response, Problem> {
    commands.reads.take_of(client.ip, Reads::ONE)?;
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, KEYS_CACHE_CONTROL)];
    Ok((headers, accounts.get_keys(GetKeys).await?).into_response())
}
