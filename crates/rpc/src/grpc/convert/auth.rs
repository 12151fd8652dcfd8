//! What the auth service speaks of.

use std::{net::IpAddr, time::Duration};

use madang_domain::{AvatarUrl, DisplayName, ExternalId, SessionId, UserId, UserRef, Username};
use madang_proto::auth::v1 as wire;

use super::event::{decode_profile, encode_profile};
use super::{
    DecodeError, Result, WireId, bounded, bounded_option, change, decode_ids, encode_change, encode_ids,
    required, time,
};
use crate::auth::{
    ApiKey, ClientInfo, ExternalUser, Grant, Identity, Recognized, Revocations, Session, Ticket, Voucher,
};

/// Whole seconds, rounded down: a lifetime is never promised longer than it is.
fn encode_lifetime(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)
}

fn decode_lifetime(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

pub(in crate::grpc) fn encode_client(client: &ClientInfo) -> wire::ClientInfo {
    wire::ClientInfo { ip: client.ip.map(|ip| ip.to_string()), user_agent: client.user_agent.clone() }
}

/// Absent means that nothing is known of the client.
pub(in crate::grpc) fn decode_client(client: Option<wire::ClientInfo>) -> Result<ClientInfo> {
    let client = client.unwrap_or_default();
    let ip = client
        .ip
        .map(|ip| ip.parse::<IpAddr>().map_err(|error| DecodeError::new("client.ip", error)))
        .transpose()?;
    Ok(ClientInfo { ip, user_agent: client.user_agent })
}

pub(in crate::grpc) fn encode_grant(grant: Grant) -> wire::Grant {
    wire::Grant {
        user: Some(encode_profile(&grant.user)),
        access_token: grant.access_token,
        refresh_token: grant.refresh_token,
        expires_in_seconds: encode_lifetime(grant.expires_in),
    }
}

pub(in crate::grpc) fn decode_grant(grant: Option<wire::Grant>) -> Result<Grant> {
    let grant = required("grant", grant)?;
    Ok(Grant {
        access_token: grant.access_token,
        refresh_token: grant.refresh_token,
        expires_in: decode_lifetime(grant.expires_in_seconds),
        user: decode_profile("grant.user", grant.user)?,
    })
}

pub(in crate::grpc) fn encode_ticket(ticket: Ticket) -> wire::IssueTicketResponse {
    wire::IssueTicketResponse {
        expires_in_seconds: encode_lifetime(ticket.expires_in),
        ticket: ticket.ticket,
    }
}

pub(in crate::grpc) fn encode_user_ticket(ticket: Ticket) -> wire::IssueUserTicketResponse {
    wire::IssueUserTicketResponse {
        expires_in_seconds: encode_lifetime(ticket.expires_in),
        ticket: ticket.ticket,
    }
}

pub(in crate::grpc) fn decode_ticket(ticket: String, expires_in_seconds: u32) -> Ticket {
    Ticket { ticket, expires_in: decode_lifetime(expires_in_seconds) }
}

pub(in crate::grpc) fn encode_identity(identity: &Identity) -> wire::RedeemTicketResponse {
    wire::RedeemTicketResponse {
        user: Some(encode_profile(&identity.profile)),
        session: identity.session.encode(),
        expires_at_micros: identity.expires_at.as_micros(),
        issued_at_micros: identity.issued_at.as_micros(),
        by_site: identity.vouched_by == Voucher::Site,
    }
}

pub(in crate::grpc) fn decode_identity(identity: wire::RedeemTicketResponse) -> Result<Identity> {
    Ok(Identity {
        profile: decode_profile("user", identity.user)?,
        session: SessionId::decode("session", &identity.session)?,
        expires_at: time(identity.expires_at_micros),
        issued_at: time(identity.issued_at_micros),
        vouched_by: if identity.by_site { Voucher::Site } else { Voucher::Auth },
    })
}

pub(in crate::grpc) fn encode_session(session: &Session) -> wire::Session {
    wire::Session {
        id: session.id.encode(),
        created_at_micros: session.created_at.as_micros(),
        used_at_micros: session.used_at.as_micros(),
        client: Some(encode_client(&session.client)),
    }
}

pub(in crate::grpc) fn decode_session(session: wire::Session) -> Result<Session> {
    let fields = || {
        Ok(Session {
            id: SessionId::decode("id", &session.id)?,
            created_at: time(session.created_at_micros),
            used_at: time(session.used_at_micros),
            client: decode_client(session.client)?,
        })
    };
    fields().map_err(|error: DecodeError| error.within("sessions"))
}

/// The two ids by which a session is named.
pub(in crate::grpc) fn decode_user_session(user: &[u8], session: &[u8]) -> Result<(UserId, SessionId)> {
    Ok((UserId::decode("user", user)?, SessionId::decode("session", session)?))
}

pub(in crate::grpc) fn encode_revocations(revocations: &Revocations) -> wire::ListRevocationsResponse {
    let users = revocations.users.iter();
    let users =
        users.map(|(user, at)| wire::Disconnection { user: user.encode(), at_micros: at.as_micros() });
    wire::ListRevocationsResponse {
        sessions: encode_ids(&revocations.sessions),
        cursor: revocations.cursor,
        users: users.collect(),
    }
}

pub(in crate::grpc) fn decode_revocations(answer: &wire::ListRevocationsResponse) -> Result<Revocations> {
    let user =
        |end: &wire::Disconnection| Ok((UserId::decode("users.user", &end.user)?, time(end.at_micros)));
    Ok(Revocations {
        sessions: decode_ids("sessions", &answer.sessions)?,
        users: answer.users.iter().map(user).collect::<Result<_>>()?,
        cursor: answer.cursor,
    })
}

pub(in crate::grpc) fn encode_external(user: &ExternalUser) -> wire::RecognizeUserRequest {
    wire::RecognizeUserRequest {
        external_id: user.external_id.to_string(),
        username: user.username.as_ref().map(Username::to_string),
        name: user.name.as_ref().map(DisplayName::to_string),
        avatar_url: encode_change(user.avatar_url.as_ref().map(Option::as_ref)),
        as_of_micros: user.as_of.map(madang_domain::Timestamp::as_micros),
    }
}

pub(in crate::grpc) fn decode_external(user: wire::RecognizeUserRequest) -> Result<ExternalUser> {
    Ok(ExternalUser {
        external_id: bounded("external_id", user.external_id, ExternalId::new)?,
        username: bounded_option("username", user.username, Username::new)?,
        name: bounded_option("name", user.name, DisplayName::new)?,
        avatar_url: change("avatar_url", user.avatar_url, AvatarUrl::new)?,
        as_of: user.as_of_micros.map(time),
    })
}

pub(in crate::grpc) fn encode_recognized(recognized: &Recognized) -> wire::RecognizeUserResponse {
    wire::RecognizeUserResponse {
        user: Some(encode_profile(&recognized.profile)),
        disconnected_at_micros: recognized.disconnected_at.map(madang_domain::Timestamp::as_micros),
    }
}

pub(in crate::grpc) fn decode_recognized(answer: wire::RecognizeUserResponse) -> Result<Recognized> {
    Ok(Recognized {
        profile: decode_profile("user", answer.user)?,
        disconnected_at: answer.disconnected_at_micros.map(time),
    })
}

pub(in crate::grpc) fn encode_user_ref(user: &UserRef) -> wire::UserRef {
    use wire::user_ref::Name;
    let name = match user {
        UserRef::Id(id) => Name::Id(id.encode()),
        UserRef::External(id) => Name::ExternalId(id.to_string()),
    };
    wire::UserRef { name: Some(name) }
}

pub(in crate::grpc) fn decode_user_ref(user: wire::UserRef) -> Result<UserRef> {
    use wire::user_ref::Name;
    Ok(match required("users.name", user.name)? {
        Name::Id(id) => UserRef::Id(UserId::decode("users.id", &id)?),
        Name::ExternalId(id) => UserRef::External(bounded("users.external_id", id, ExternalId::new)?),
    })
}

pub(in crate::grpc) fn encode_api_key(key: &ApiKey) -> wire::VerifyApiKeyResponse {
    wire::VerifyApiKeyResponse {
        id: key.id.to_string(),
        name: key.name.to_string(),
        scopes: key.scopes.iter().map(ToString::to_string).collect(),
    }
}

/// Scopes of a later version are passed over: what this program does not know, it does not do.
pub(in crate::grpc) fn decode_api_key(key: wire::VerifyApiKeyResponse) -> ApiKey {
    ApiKey {
        id: key.id.into(),
        name: key.name.into(),
        scopes: key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
    }
}
