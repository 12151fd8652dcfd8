//! The functions of the gateway that read what strangers send, for the fuzz targets of `tests/fuzz`.
//!
//! Each function only calls the code that serves clients. The gateway itself does not use this module, and it is no part
//! of the crate's interface.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use axum::extract::FromRequestParts;
use bytes::{BufMut as _, Bytes};
use http::{HeaderMap, request::Parts};
use jiff::tz::TimeZone;
use jsonwebtoken::decode_header;
use madang_contract::{ErrorFrame, Request, rest};
use madang_domain::{
    Code, Error, ExternalId, IdempotencyKey, MessageText, Profile, Result, RoomId, Timestamp, TopicId, UserId,
};
use madang_kit::{StartError, clock::Clock};
use madang_rpc::{
    Auth,
    auth::{ExternalUser, Identity},
    store::{HistoryFrom, PageQuery},
};

use crate::{
    commands::HistoryRange,
    credentials::{Credential, Issuer, Verifier},
    dialects::{channels, native},
    fanout::{Publication, envelope},
    formats::{
        Encodings, Format,
        channels::RoomContext,
        native::{profile_frame, typing_frame},
        presence_profile,
        site_names::Room,
    },
    http::{
        Problem,
        client_address::{ClientAddress, Proxies},
        upgrade::{self, UrlCredentials},
    },
    metrics::Counters,
    rest::{Query, page_query},
    session::{Frame, FrameReader},
    settings::{ForwardedHeader, IssuerSettings},
};

/// Reads a frame of `/v1/ws`. A frame that is no request has its answer.
///
/// # Errors
/// The answer to a frame that is no request.
pub fn native_frame(frame: &str) -> Result<Request, ErrorFrame<'static>> {
    Request::parse(frame).map_err(native::malformed)
}

/// A room of the Channels dialect and the user of a socket there.
#[derive(Debug)]
pub struct ChannelsSocket {
    room: Room,
    me: Profile,
}

impl ChannelsSocket {
    /// The socket of a user in a room that has these names.
    #[must_use]
    pub fn new(room: RoomId, external_id: Option<ExternalId>, path: &str, me: Profile) -> Self {
        Self { room: Room { id: room, external_id, path: path.into() }, me }
    }

    /// Reads a frame of the socket.
    ///
    /// # Errors
    /// The text of the alert that answers it.
    pub fn addressed(&self, frame: &str) -> Result<(MessageText, Option<IdempotencyKey>), Cow<'static, str>> {
        channels::read_frame(frame, Some((&self.room, &self.me)))
    }
}

/// Reads a frame of a socket of the simple variant.
///
/// # Errors
/// The text of the alert that answers it.
pub fn plain_frame(frame: &str) -> Result<(MessageText, Option<IdempotencyKey>), Cow<'static, str>> {
    channels::read_frame(frame, None)
}

/// An entry of the bus, as another gateway published it.
#[derive(Debug)]
pub struct BusEntry {
    /// The topic.
    pub topic: TopicId,
    /// The same entry as this gateway publishes it.
    pub published: Bytes,
    /// The texts of the frames that sockets of this gateway receive, in every format.
    pub frames: Vec<Bytes>,
}

/// Reads an entry of the bus; none where it is no entry.
#[must_use]
pub fn bus_entry(entry: Bytes) -> Option<BusEntry> {
    let (publication, _) = envelope::decode(entry).ok()?;
    let mut frames = Vec::new();
    match &publication {
        Publication::Event(event) => {
            let room = Room { id: RoomId::new(uuid::Uuid::nil()), external_id: None, path: "room".into() };
            let context = RoomContext::new(&room, TimeZone::UTC);
            let mut encodings = Encodings::of(event, Some(&context), None);
            for format in [Format::Native, Format::Room, Format::Simple, Format::Alarm] {
                frames.extend(encodings.frame(format).cloned());
            }
        }
        // Its text is another gateway's own, which is passed on unread.
        Publication::Ephemeral(_)
        | Publication::Status(_)
        | Publication::MarksMoved(_)
        | Publication::Shown(_)
        | Publication::Blocked(_) => {}
        Publication::Typing(typing) => {
            frames.push(typing_frame(
                typing.room,
                typing.user,
                &typing.name,
                typing.on.then_some(1),
                typing.thread,
            ));
        }
        Publication::Profile(change) => frames.push(profile_frame(&change.user)),
    }
    Some(BusEntry {
        topic: publication.topic(),
        published: envelope::encode(&publication),
        frames: frames.iter().map(|frame| Bytes::copy_from_slice(frame.payload())).collect(),
    })
}

/// Reads the profile of a user who is present, as the bus carries it, and answers the name.
#[must_use]
pub fn presence_profile(user: UserId, profile: &Bytes) -> Option<String> {
    presence_profile::decode(user, profile).map(|profile| profile.name)
}

/// Verifies access tokens of the auth service.
pub struct AccessTokens(Verifier);

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessTokens")
    }
}

impl AccessTokens {
    /// A verifier that takes the keys from an auth service.
    #[must_use]
    pub fn new(auth: Arc<dyn Auth>, clock: Arc<dyn Clock>) -> Self {
        Self(Verifier::new(auth, None, Arc::default(), clock))
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// `unauthenticated` where the token is not valid.
    pub async fn verify(&self, token: &str) -> Result<Identity> {
        self.0.verify(&Credential::Token(token.to_owned()), None).await
    }
}

/// Verifies tokens of the embedding site.
pub struct SiteTokens(Issuer);

impl std::fmt::Debug for SiteTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SiteTokens")
    }
}

impl SiteTokens {
    /// A verifier for the settings; none where they accept no algorithm.
    ///
    /// # Errors
    /// When the settings contradict each other.
    pub async fn new(settings: &IssuerSettings) -> Result<Option<Self>, StartError> {
        Ok(Issuer::new(settings, &Arc::<Counters>::default()).await?.map(Self))
    }

    /// Verifies a token, and answers its user and its expiry.
    ///
    /// # Errors
    /// `unauthenticated` where the token is not valid.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<(ExternalUser, Timestamp)> {
        let header = decode_header(token)
            .map_err(|error| Error::new(Code::Unauthenticated, "no token").caused_by(error))?;
        let claimed = self.0.verify(token, &header, now).await?;
        Ok((claimed.user, claimed.expires_at))
    }
}

/// The credential of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// An access token.
    Token(String),
    /// A one-time ticket.
    Ticket(String),
}

/// The credential that a handshake of `/v1/ws` shows. `query_token`: a token in the URL counts.
///
/// # Errors
/// The HTTP status of the answer to a query that cannot be read.
pub async fn shown_credential(parts: &mut Parts, query_token: bool) -> Result<Option<Shown>, u16> {
    let Query(url) = query::<UrlCredentials>(parts).await?;
    let offered = native::offered_token(&parts.headers);
    Ok(upgrade::credential(&parts.headers, offered, url, query_token).map(|credential| match credential {
        Credential::Token(token) => Shown::Token(token),
        Credential::Ticket(ticket) => Shown::Ticket(ticket),
    }))
}

/// What a client's bytes are, after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text message.
    Text(String),
    /// A part of a text message.
    Fragment,
    /// A ping, with the whole frame that answers it.
    Ping(Bytes),
    /// A pong.
    Pong,
    /// The client closes, with this code or with none.
    Close(Option<u16>),
}

/// Reads frames of messages of at most `max_bytes` as a socket does, from bytes that come in parts of these lengths in
/// turn; and where the gateway closes the socket, with which code.
#[must_use]
pub fn web_socket_frames(bytes: &[u8], part_bytes: &[usize], max_bytes: usize) -> (Vec<Said>, Option<u16>) {
    let mut lengths = part_bytes.iter().copied().map(|length| length.max(1)).cycle();
    let mut reader = FrameReader::new(&[], max_bytes);
    let (mut said, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(lengths.next().unwrap_or(usize::MAX).min(rest.len()));
        rest = after;
        reader.buffer().put_slice(part);
        loop {
            match reader.next_frame() {
                Ok(None) => break,
                Ok(Some(Frame::Text(text))) => said.push(Said::Text(text.as_str().to_owned())),
                Ok(Some(Frame::Fragment)) => said.push(Said::Fragment),
                Ok(Some(Frame::Ping(pong))) => said.push(Said::Ping(pong.into_bytes())),
                Ok(Some(Frame::Pong)) => said.push(Said::Pong),
                Ok(Some(Frame::Close(code))) => {
                    said.push(Said::Close(code));
                    return (said, None);
                }
                Err(close) => {
                    // Two bytes of header, and two of the code.
                    let frame = close.frame().map(madang_contract::WireFrame::into_bytes);
                    let code = frame.as_deref().and_then(|frame| frame.get(2..4)?.try_into().ok());
                    return (said, code.map(u16::from_be_bytes));
                }
            }
        }
    }
    (said, None)
}

/// The address of the client of a request that came from `peer` through so many trusted proxies.
#[must_use]
pub fn client_address(headers: &HeaderMap, peer: IpAddr, trusted: usize, header: ForwardedHeader) -> IpAddr {
    ClientAddress::of(headers, peer, Proxies { trusted, header }).ip
}

/// The page of a list that a query asks for.
///
/// # Errors
/// The HTTP status of the refusal.
pub async fn list_page(parts: &mut Parts) -> Result<PageQuery, u16> {
    let Query(rest::PageQuery { limit, cursor }) = query(parts).await?;
    page_query(limit, cursor).map_err(|refused| status(&refused))
}

/// The page of a log that a query asks for.
///
/// # Errors
/// The HTTP status of the refusal.
pub async fn log_page(parts: &mut Parts) -> Result<(HistoryFrom, u32), u16> {
    let Query(rest::RangeQuery { before, after, limit }) = query(parts).await?;
    HistoryRange { before, after, limit }.check().map_err(|error| status(&error.into()))
}

async fn query<T: serde::de::DeserializeOwned>(parts: &mut Parts) -> Result<Query<T>, u16> {
    Query::<T>::from_request_parts(parts, &()).await.map_err(|refused| status(&refused))
}

fn status(refused: &Problem) -> u16 {
    refused.status().as_u16()
}
