//! What the embedding site says of its users, and what its backend may do.

use std::{fmt, str::FromStr};

use madang_domain::{AvatarUrl, DisplayName, ExternalId, Profile, Timestamp, UserId, Username};
use madang_proto::auth::v1 as wire;

use super::credentials::Token;
use crate::wire::{self as form, Wire, message};

/// Asks for the user whom the embedding site calls so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecognizeUser {
    /// The user, as the site describes one.
    pub user: ExternalUser,
    /// Whether the site's backend asks now, and not a token of before: a user who was erased is made anew.
    pub by_backend: bool,
}

/// Asks for the end of all that a user was let in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnect {
    /// The user.
    pub user: UserId,
}

/// Asks for a one-time WebSocket ticket for a user whom the embedding site vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueUserTicket {
    /// The user.
    pub user: UserId,
    /// Until when what the ticket opens may live at most.
    pub until: Option<Timestamp>,
}

/// Asks whose an API key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyApiKey {
    /// The key.
    pub key: Token,
}

/// A user as the embedding site describes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalUser {
    /// What the site calls the user.
    pub external_id: ExternalId,
    /// The username that the user should have; another one where somebody has it. None: the site says nothing.
    pub username: Option<Username>,
    /// The name to show. None: the site says nothing.
    pub name: Option<DisplayName>,
    /// The picture; `Some(None)` removes it. None: the site says nothing.
    pub avatar_url: Option<Option<AvatarUrl>>,
    /// When the site said so: a profile that has changed in a later second stays as it is, so that of two tokens
    /// the older one takes nothing back. None: now.
    pub as_of: Option<Timestamp>,
}

/// Whom the embedding site means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognized {
    /// The user.
    pub profile: Profile,
    /// When the user was last disconnected: what was issued until then is not to be accepted.
    pub disconnected_at: Option<Timestamp>,
}

/// Something that a key of the site's backend may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Makes rooms, adds and removes members.
    Rooms,
    /// Says something as any user.
    Messages,
    /// Sends notices.
    Notices,
    /// Makes, changes and disconnects users.
    Users,
    /// Lets any user in.
    Tickets,
    /// Does by the routes of users what any user may do.
    Impersonate,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Rooms, Self::Messages, Self::Notices, Self::Users, Self::Tickets, Self::Impersonate];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Messages => "messages",
            Self::Notices => "notices",
            Self::Users => "users",
            Self::Tickets => "tickets",
            Self::Impersonate => "impersonate",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no scope's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected rooms, messages, notices, users, tickets or impersonate")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A key of the site's backend, without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part.
    pub id: Box<str>,
    /// What the operator calls it.
    pub name: Box<str>,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
}

impl ApiKey {
    /// Whether it may be used for this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

message!(Recognized => wire::RecognizeUserResponse {
    profile as user, disconnected_at as disconnected_at_micros
});
message!(Disconnect => wire::DisconnectRequest { user });
message!(IssueUserTicket => wire::IssueUserTicketRequest { user, until as until_micros });
message!(VerifyApiKey => wire::VerifyApiKeyRequest { key });

impl Wire<wire::RecognizeUserRequest> for ExternalUser {
    fn encode(&self) -> wire::RecognizeUserRequest {
        wire::RecognizeUserRequest {
            external_id: self.external_id.encode(),
            username: self.username.encode(),
            name: self.name.encode(),
            avatar_url: self.avatar_url.encode(),
            as_of_micros: self.as_of.encode(),
            by_backend: false,
        }
    }

    fn decode(user: wire::RecognizeUserRequest) -> form::Result<Self> {
        use form::field;
        Ok(Self {
            external_id: field("external_id", user.external_id)?,
            username: field("username", user.username)?,
            name: field("name", user.name)?,
            avatar_url: field("avatar_url", user.avatar_url)?,
            as_of: field("as_of_micros", user.as_of_micros)?,
        })
    }
}

impl Wire<wire::RecognizeUserRequest> for RecognizeUser {
    fn encode(&self) -> wire::RecognizeUserRequest {
        wire::RecognizeUserRequest { by_backend: self.by_backend, ..self.user.encode() }
    }

    fn decode(request: wire::RecognizeUserRequest) -> form::Result<Self> {
        let by_backend = request.by_backend;
        Ok(Self { user: Wire::decode(request)?, by_backend })
    }
}

/// Scopes of a later version are passed over: what this program does not know, it does not do.
impl Wire<wire::VerifyApiKeyResponse> for ApiKey {
    fn encode(&self) -> wire::VerifyApiKeyResponse {
        wire::VerifyApiKeyResponse {
            id: self.id.encode(),
            name: self.name.encode(),
            scopes: self.scopes.iter().map(ToString::to_string).collect(),
        }
    }

    fn decode(key: wire::VerifyApiKeyResponse) -> form::Result<Self> {
        Ok(Self {
            id: key.id.into(),
            name: key.name.into(),
            scopes: key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        })
    }
}
