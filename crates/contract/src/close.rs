//! The close codes of the WebSocket.

/// The client violated RFC 6455. This code and the next three are from its section 7.4.1.
pub const PROTOCOL_ERROR: u16 = 1002;
/// The client sent a binary frame; this subprotocol has only text frames.
pub const UNSUPPORTED: u16 = 1003;
/// The client sent a text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// The client sent a frame larger than the limit.
pub const TOO_LARGE: u16 = 1009;
/// The server is stopping, or the socket is old, or too many clients connect at once, or the credential cannot be
/// checked now.
pub const RESTART: u16 = 1012;
/// The client sent something that is not a frame of this contract. This version does not close such a socket but
/// answers with `error`. An earlier version also used this code for violations of RFC 6455.
pub const MALFORMED: u16 = 4400;
/// The credential is missing, invalid, expired or revoked.
pub const UNAUTHENTICATED: u16 = 4401;
/// The user is no longer a member of the room of this socket (Channels dialect).
pub const FORBIDDEN: u16 = 4403;
/// The client sent no credential, or no answer to the heartbeat, in time.
pub const TIMEOUT: u16 = 4408;
/// The user has too many sockets, or the client sends too many frames.
pub const TOO_MANY: u16 = 4429;
/// The client reads too slowly.
pub const TOO_SLOW: u16 = 4508;

/// A close code and the client's reaction to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode {
    /// The number of the code.
    pub code: u16,
    /// The name of the code in the documents.
    pub name: &'static str,
    /// The reason for which the server closes the socket.
    pub why: &'static str,
    /// The next step of the client.
    pub then: &'static str,
    /// Whether the client may reconnect with the same credential and cursors.
    pub retry: bool,
}

/// All codes with which the server closes a socket.
pub const CLOSE_CODES: &[CloseCode] = &[
    CloseCode {
        code: PROTOCOL_ERROR,
        name: "protocol_error",
        why: "The client violated RFC 6455.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: UNSUPPORTED,
        name: "unsupported",
        why: "The client sent a binary frame.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: INVALID_DATA,
        name: "invalid_data",
        why: "The client sent a text, or a reason of a close, that is not UTF-8.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: TOO_LARGE,
        name: "too_large",
        why: "The client sent a frame larger than the limit.",
        then: "Reconnect, and do not send that frame again.",
        retry: true,
    },
    CloseCode {
        code: RESTART,
        name: "restart",
        why: "The server is stopping, or the socket is old, or too many clients connect at once, or the credential cannot be checked now.",
        then: "Reconnect after the `after_ms` of the frame `reconnect` or, without that frame, after a back-off.",
        retry: true,
    },
    CloseCode {
        code: MALFORMED,
        name: "malformed",
        why: "Not sent by this version, which answers a malformed frame with `error`.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: UNAUTHENTICATED,
        name: "unauthenticated",
        why: "The credential is missing, invalid, expired or revoked.",
        then: "Get another token first.",
        retry: false,
    },
    CloseCode {
        code: FORBIDDEN,
        name: "forbidden",
        why: "The user is no longer a member of the room of this socket. Only sockets of the Channels dialect get it.",
        then: "Do not reconnect.",
        retry: false,
    },
    CloseCode {
        code: TIMEOUT,
        name: "timeout",
        why: "The client sent no credential within 5 s, or did not answer the heartbeat.",
        then: "Reconnect.",
        retry: true,
    },
    CloseCode {
        code: TOO_MANY,
        name: "too_many",
        why: "The user has too many sockets at this gateway, or the client sent too many frames.",
        then: "Reconnect after a pause.",
        retry: true,
    },
    CloseCode {
        code: TOO_SLOW,
        name: "too_slow",
        why: "The client reads too slowly: more bytes waited for it than the server keeps for one socket.",
        then: "Reconnect, and subscribe from the cursors.",
        retry: true,
    },
];
