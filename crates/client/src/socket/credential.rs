//! How a handshake is made and says who one is.

use std::{fmt, time::Duration};

use tokio_tungstenite::tungstenite::{
    client::IntoClientRequest,
    handshake::client::Request,
    http::{
        HeaderValue,
        header::{AUTHORIZATION, ORIGIN, SEC_WEBSOCKET_PROTOCOL},
    },
};

use super::SocketError;

/// The subprotocol of this client.
const SUBPROTOCOL: &str = "madang.v1.json";
/// The route of the WebSocket.
const ROUTE: &str = "/v1/ws";
/// How long a handshake may take.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// How one says who one is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer <token>`.
    Bearer(String),
    /// A subprotocol entry `bearer.<token>`, for browsers, which can set no header.
    Subprotocol(String),
    /// `?ticket=`, of `POST /v1/auth/ws-ticket`; good once.
    Ticket(String),
    /// A first frame `auth`.
    FirstFrame(String),
    /// `?token=`, where the server allows it.
    Query(String),
    /// Nothing.
    None,
}

impl fmt::Debug for Credential {
    /// Tokens are not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Subprotocol(_) => "Subprotocol(…)",
            Self::Ticket(_) => "Ticket(…)",
            Self::FirstFrame(_) => "FirstFrame(…)",
            Self::Query(_) => "Query(…)",
            Self::None => "None",
        })
    }
}

impl Credential {
    /// The same way of saying it, with another token. A ticket cannot be renewed so: it turns into a
    /// bearer token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        let token = token.into();
        match self {
            Self::Subprotocol(_) => Self::Subprotocol(token),
            Self::FirstFrame(_) => Self::FirstFrame(token),
            Self::Query(_) => Self::Query(token),
            Self::Bearer(_) | Self::Ticket(_) | Self::None => Self::Bearer(token),
        }
    }
}

/// The rest of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The `Origin` header; browsers send one.
    pub origin: Option<String>,
    /// How long the handshake may take, and then `hello`.
    pub deadline: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { origin: None, deadline: HANDSHAKE_DEADLINE }
    }
}

pub(super) fn handshake(
    base: &str,
    credential: &Credential,
    options: &ConnectOptions,
) -> Result<Request, SocketError> {
    let (scheme, place) = match base.trim_end_matches('/').split_once("://") {
        Some(("http", place)) => ("ws", place),
        Some(("https", place)) if cfg!(feature = "tls") => ("wss", place),
        _ => return Err(SocketError::Request(format!("not an http address: {base}"))),
    };
    // Tokens and tickets are of the URL-safe alphabets; what is not fails as an address below.
    let query = match credential {
        Credential::Ticket(ticket) => format!("?ticket={ticket}"),
        Credential::Query(token) => format!("?token={token}"),
        _ => String::new(),
    };
    let mut request = format!("{scheme}://{place}{ROUTE}{query}")
        .into_client_request()
        .map_err(|_| SocketError::Request(format!("not an http address: {base}")))?;
    let protocols = match credential {
        Credential::Subprotocol(token) => format!("{SUBPROTOCOL}, bearer.{token}"),
        _ => SUBPROTOCOL.to_owned(),
    };
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, header(&protocols)?);
    if let Credential::Bearer(token) = credential {
        headers.insert(AUTHORIZATION, header(&format!("Bearer {token}"))?);
    }
    if let Some(origin) = &options.origin {
        headers.insert(ORIGIN, header(origin)?);
    }
    Ok(request)
}

fn header(value: &str) -> Result<HeaderValue, SocketError> {
    // The value may be a token; the message does not repeat it.
    HeaderValue::from_str(value)
        .map_err(|_| SocketError::Request("a header with control characters".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_credential_stands_in_its_place_and_no_other() {
        let make =
            |credential| handshake("http://h:1/chat", &credential, &ConnectOptions::default()).unwrap();
        let bearer = make(Credential::Bearer("T".to_owned()));
        assert_eq!(bearer.uri(), "ws://h:1/chat/v1/ws");
        assert_eq!(bearer.headers()[AUTHORIZATION], "Bearer T");
        let subprotocol = make(Credential::Subprotocol("T".to_owned()));
        assert_eq!(subprotocol.headers()[SEC_WEBSOCKET_PROTOCOL], "madang.v1.json, bearer.T");
        assert!(!subprotocol.headers().contains_key(AUTHORIZATION));
        assert_eq!(make(Credential::Ticket("T".to_owned())).uri().query(), Some("ticket=T"));
        assert_eq!(make(Credential::Query("T".to_owned())).uri().query(), Some("token=T"));
        let first_frame = make(Credential::FirstFrame("T".to_owned()));
        assert!(!format!("{first_frame:?}").contains("\"T\""));
        assert_eq!(format!("{:?}", Credential::Bearer("secret".to_owned())), "Bearer(…)");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_repeating_it() {
        let error =
            handshake("http://h:1", &Credential::Bearer("a\nb".to_owned()), &ConnectOptions::default());
        assert!(!error.unwrap_err().to_string().contains('\n'));
        let by_tls = handshake("https://h", &Credential::None, &ConnectOptions::default());
        assert_eq!(by_tls.is_ok(), cfg!(feature = "tls"));
        assert!(handshake("ftp://h", &Credential::None, &ConnectOptions::default()).is_err());
    }
}
