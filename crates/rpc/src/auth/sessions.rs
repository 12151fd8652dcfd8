//! Sessions, tickets, revocations, and the keys that verify access tokens.

use std::time::Duration;

use madang_domain::{Profile, SessionId, Timestamp, UserId};
use madang_proto::auth::v1 as wire;

use super::credentials::{ClientInfo, Token};
use crate::wire::{Result, Wire, field, message, nothing};

/// Asks for new tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The refresh token, which is used up.
    pub refresh_token: Token,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// Asks for the end of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// A refresh token of the session.
    pub refresh_token: Token,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// Asks for a one-time WebSocket ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueTicket {
    /// The user.
    pub user: UserId,
    /// The user's session.
    pub session: SessionId,
    /// When the access token was made that asks for it. None: the caller does not say.
    pub issued_at: Option<Timestamp>,
}

/// The access token that a call was made with. It shows that the exchange it comes from is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Its session.
    pub session: SessionId,
    /// When it was made, to the second.
    pub issued_at: Timestamp,
}

/// Asks for a ticket to be used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedeemTicket {
    /// The ticket.
    pub ticket: Token,
    /// Where the request came from.
    pub client: ClientInfo,
}

/// Asks for a user's live sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListSessions {
    /// The user.
    pub user: UserId,
    /// What the user showed for it, if it is a token of a session here.
    pub presented: Option<Presented>,
}

/// Asks for a session to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeSession {
    /// The user.
    pub user: UserId,
    /// The user's session.
    pub session: SessionId,
    /// What the user showed for it, if it is a token of a session here.
    pub presented: Option<Presented>,
}

/// Asks for the credentials that ended before their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRevocations {
    /// The cursor of the last answer. None: all whose access tokens may still be good.
    pub cursor: Option<i64>,
}

/// Asks for the public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetKeys;

/// A one-time WebSocket ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The opaque ticket.
    pub ticket: String,
    /// How long it is good.
    pub expires_in: Duration,
}

/// Who a verified credential belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, as the credential describes one.
    pub profile: Profile,
    /// The device.
    pub session: SessionId,
    /// Until when the credential is good.
    pub expires_at: Timestamp,
    /// When it was made: a user who was disconnected since then needs another one.
    pub issued_at: Timestamp,
    /// Who issued the credential.
    pub issuer: CredentialIssuer,
}

/// Who issued a credential, and so says who the user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialIssuer {
    /// This project's auth service, with a session of its own.
    Auth,
    /// The embedding site: by a token of its issuer, or a ticket that it asked for.
    Site,
}

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last took new tokens.
    pub used_at: Timestamp,
    /// From where.
    pub client: ClientInfo,
}

/// Credentials that ended before their time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revocations {
    /// Sessions that ended before their access tokens did.
    pub sessions: Vec<SessionId>,
    /// Users who were disconnected, and when: what let them in before does so no more.
    pub users: Vec<(UserId, Timestamp)>,
    /// What to ask after next time.
    pub cursor: i64,
}

message!(Refresh => wire::RefreshRequest { refresh_token, client });
message!(Logout => wire::LogoutRequest { refresh_token, client });
message!(IssueTicket => wire::IssueTicketRequest { user, session, issued_at as issued_at_micros });
message!(Presented => wire::Presented { session, issued_at as issued_at_micros });
message!(Ticket => wire::IssueTicketResponse | wire::IssueUserTicketResponse {
    ticket, expires_in as expires_in_seconds
});
message!(RedeemTicket => wire::RedeemTicketRequest { ticket, client });
message!(Identity => wire::RedeemTicketResponse {
    profile as user, session, expires_at as expires_at_micros, issued_at as issued_at_micros, issuer as by_site
});
message!(Session => wire::Session { id, created_at as created_at_micros, used_at as used_at_micros, client });
message!(ListSessions => wire::ListSessionsRequest { user, presented });
message!(Vec<Session> => wire::ListSessionsResponse[sessions]);
message!(RevokeSession => wire::RevokeSessionRequest { user, session, presented });
message!(ListRevocations => wire::ListRevocationsRequest { cursor });
message!(Revocations => wire::ListRevocationsResponse { sessions, users, cursor });
message!(GetKeys => wire::GetKeysRequest {});
message!(String => wire::GetKeysResponse[jwks]);

impl Wire<bool> for CredentialIssuer {
    fn encode(&self) -> bool {
        *self == Self::Site
    }

    fn decode(by_site: bool) -> Result<Self> {
        Ok(if by_site { Self::Site } else { Self::Auth })
    }
}

/// A user who was disconnected, and when.
impl Wire<wire::Disconnection> for (UserId, Timestamp) {
    fn encode(&self) -> wire::Disconnection {
        let (user, at) = self;
        wire::Disconnection { user: user.encode(), at_micros: at.encode() }
    }

    fn decode(end: wire::Disconnection) -> Result<Self> {
        Ok((field("user", end.user)?, field("at_micros", end.at_micros)?))
    }
}

nothing!(wire::LogoutResponse, wire::RevokeSessionResponse, wire::DisconnectResponse);
