//! A front end as sites of the Channels dialect have it: a plain WebSocket, JSON texts, and no library.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error as WireError, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::{PATIENCE, Person, within};

/// The close code of a connection that ended without a close frame, as a browser tells it.
const ABNORMAL: u16 = 1006;

/// An open socket. Dropping it cuts the connection, as a closed laptop does.
#[derive(Debug)]
pub struct FrontEnd {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
}

/// A handshake that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// The problem, as JSON.
    pub problem: Value,
}

impl FrontEnd {
    /// Opens a socket at a path of a server, with the token in the URL as old front ends have it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open(base: &str, path: &str, person: &Person) -> Self {
        Self::open_with(base, path, &person.grant.access_token).await
    }

    /// [`Self::open`], with any token.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn open_with(base: &str, path: &str, token: &str) -> Self {
        let opened = Self::try_open(base, &format!("{path}?token={token}"), &[]).await;
        opened.unwrap_or_else(|refusal| panic!("refused at {path}: {refusal:?}"))
    }

    /// Opens a socket at a path and query, with these headers.
    ///
    /// # Errors
    /// The refusal, where the server refuses the handshake.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn try_open(base: &str, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Refusal> {
        let address = format!("{}{path}", base.replacen("http", "ws", 1));
        let mut request = address.into_client_request().expect("an address");
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_str(value).expect("a header"));
        }
        match within(PATIENCE, "the handshake's answer", Box::pin(connect_async(request))).await {
            Ok((stream, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol");
                let subprotocol = chosen.and_then(|chosen| chosen.to_str().ok()).map(str::to_owned);
                Ok(Self { stream, subprotocol })
            }
            Err(WireError::Http(response)) => Err(Refusal {
                status: response.status().as_u16(),
                retry_after: response
                    .headers()
                    .get("retry-after")
                    .and_then(|after| after.to_str().ok())
                    .map(str::to_owned),
                problem: response
                    .body()
                    .as_ref()
                    .and_then(|body| serde_json::from_slice(body).ok())
                    .unwrap_or_default(),
            }),
            Err(error) => panic!("no answer to a handshake: {error}"),
        }
    }

    /// Sends a text as it is.
    ///
    /// # Panics
    /// When the socket is closed.
    pub async fn send(&mut self, text: impl Into<String>) {
        let sent = self.stream.send(Message::text(text.into())).await;
        sent.unwrap_or_else(|error| panic!("a frame cannot be sent: {error}"));
    }

    /// The next frame.
    ///
    /// # Panics
    /// When none comes in time, or what comes is none.
    pub async fn next(&mut self) -> Value {
        match self.next_or_closed(PATIENCE).await {
            Some(Ok(frame)) => frame,
            other => panic!("a frame was due, and {other:?} came"),
        }
    }

    /// The next frame for which something holds; those before it are passed over.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn until(&mut self, awaited: &str, mut holds: impl FnMut(&Value) -> bool) -> Value {
        within(PATIENCE, awaited, async {
            loop {
                let frame = self.next().await;
                if holds(&frame) {
                    return frame;
                }
            }
        })
        .await
    }

    /// The next frame of a `response_type`; those before it are passed over.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn until_type(&mut self, response_type: &str) -> Value {
        self.until(response_type, |frame| frame["response_type"] == response_type).await
    }

    /// All frames up to the first for which something holds, that one included.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn all_until(
        &mut self,
        deadline: Duration,
        awaited: &str,
        mut holds: impl FnMut(&Value) -> bool,
    ) -> Vec<Value> {
        let mut frames = Vec::new();
        let collecting = async {
            while !frames.last().is_some_and(&mut holds) {
                match self.next_or_closed(deadline).await {
                    Some(Ok(frame)) => frames.push(frame),
                    other => return other,
                }
            }
            None
        };
        let ended = tokio::time::timeout(deadline, collecting).await;
        assert!(matches!(ended, Ok(None)), "waited in vain: {awaited}; {ended:?} after {frames:?}");
        frames
    }

    /// The close code with which the server ends the socket; frames before it are passed over.
    ///
    /// # Panics
    /// When it does not.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.next_or_closed(PATIENCE).await {
                Some(Ok(_)) => {}
                Some(Err(code)) => return code,
                None => panic!("the socket was not closed"),
            }
        }
    }

    /// Closes it in good order.
    pub async fn close(mut self) {
        // The server may have been faster.
        let _ = self.stream.close(None).await;
    }

    /// The next frame, or the code of the close that comes instead; nothing when neither comes in time.
    ///
    /// # Panics
    /// When a text comes that is no JSON.
    pub async fn next_or_closed(&mut self, deadline: Duration) -> Option<Result<Value, u16>> {
        loop {
            let message = tokio::time::timeout(deadline, self.stream.next()).await.ok()?;
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Some(Ok(serde_json::from_str(&text).expect("a frame of JSON")));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Some(Err(frame.map_or(ABNORMAL, |frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Some(Err(ABNORMAL)),
            }
        }
    }
}
