//! What the auth service speaks of.

use std::{net::IpAddr, time::Duration};

use madang_proto::auth::v1 as wire;
use madang_vocabulary::{SessionId, UserId};

use super::event::{decode_profile, encode_profile};
use super::{DecodeError, Result, WireId, required, time};
use crate::auth::{ClientInfo, Grant, Identity, Session, Ticket};

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

pub(in crate::grpc) fn decode_ticket(ticket: wire::IssueTicketResponse) -> Ticket {
    Ticket { ticket: ticket.ticket, expires_in: decode_lifetime(ticket.expires_in_seconds) }
}

pub(in crate::grpc) fn encode_identity(identity: &Identity) -> wire::RedeemTicketResponse {
    wire::RedeemTicketResponse {
        user: Some(encode_profile(&identity.profile)),
        session: identity.session.encode(),
        expires_at_micros: identity.expires_at.as_micros(),
    }
}

pub(in crate::grpc) fn decode_identity(identity: wire::RedeemTicketResponse) -> Result<Identity> {
    Ok(Identity {
        profile: decode_profile("user", identity.user)?,
        session: SessionId::decode("session", &identity.session)?,
        expires_at: time(identity.expires_at_micros),
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
