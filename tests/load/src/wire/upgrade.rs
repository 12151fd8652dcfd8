//! The handshake of RFC 6455, section 4, from the client's side.

use memchr::memmem;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The bytes that an answer's head may have.
pub const HEAD_MAX_BYTES: usize = 16 * 1024;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The key of every handshake. It proves that the peer speaks WebSocket, not who it is, and may be constant here:
/// no cache or proxy that it guards against stands between the generator and a server.
const KEY: &str = "bWFkYW5nLWxvYWQta2V5IQ==";
/// The subprotocol that is asked for.
pub const SUBPROTOCOL: &str = "madang.v1.json";
/// Where the WebSocket is.
pub const PATH: &str = "/v1/ws";

/// The bytes of an upgrade request with a bearer token.
#[must_use]
pub fn request(host: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {PATH} HTTP/1.1\r\n\
         Host: {host}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// An answer that is no upgrade.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// Another status than 101.
    #[error("the upgrade was refused: {0}")]
    Refused(String),
    /// 101 without the proof that the peer has read the request.
    #[error("the upgrade's Sec-WebSocket-Accept is missing or wrong")]
    Accept,
    /// A head without end.
    #[error("the upgrade's head is over {HEAD_MAX_BYTES} bytes")]
    TooLarge,
}

/// Checks answers against the one value of `Sec-WebSocket-Accept` that they must have.
#[derive(Debug)]
pub struct AnswerCheck {
    accept: String,
}

impl Default for AnswerCheck {
    fn default() -> Self {
        Self { accept: derive_accept_key(KEY.as_bytes()) }
    }
}

impl AnswerCheck {
    /// The bytes of the answer's head at the start of `bytes`; `None` when it is not all there yet.
    ///
    /// # Errors
    /// When it is no upgrade.
    pub fn head_bytes(&self, bytes: &[u8]) -> Result<Option<usize>, UpgradeError> {
        let Some(end) = memmem::find(bytes, HEAD_END) else {
            return if bytes.len() > HEAD_MAX_BYTES { Err(UpgradeError::TooLarge) } else { Ok(None) };
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("101") {
            return Err(UpgradeError::Refused(status.to_owned()));
        }
        let accepted = lines.filter_map(|line| line.split_once(':')).any(|(name, value)| {
            name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == self.accept
        });
        if accepted { Ok(Some(end + HEAD_END.len())) } else { Err(UpgradeError::Accept) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accept: &str) -> String {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n"
        )
    }

    #[test]
    fn an_answer_counts_when_it_is_whole_and_proves_that_the_request_was_read() {
        let check = AnswerCheck::default();
        let whole = answer(&derive_accept_key(KEY.as_bytes()));
        assert_eq!(check.head_bytes(whole.as_bytes()), Ok(Some(whole.len())));
        assert_eq!(check.head_bytes(format!("{whole}\u{1}").as_bytes()), Ok(Some(whole.len())));
        assert_eq!(check.head_bytes(&whole.as_bytes()[..whole.len() - 1]), Ok(None));
    }

    #[test]
    fn a_refusal_a_wrong_proof_and_an_endless_head_are_errors() {
        let check = AnswerCheck::default();
        assert_eq!(
            check.head_bytes(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
            Err(UpgradeError::Refused("HTTP/1.1 403 Forbidden".to_owned()))
        );
        assert_eq!(check.head_bytes(answer("b3RoZXI=").as_bytes()), Err(UpgradeError::Accept));
        assert_eq!(check.head_bytes(&vec![b'x'; HEAD_MAX_BYTES + 1]), Err(UpgradeError::TooLarge));
    }
}
