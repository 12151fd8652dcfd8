//! The codes with which a WebSocket closes.

/// What came violates RFC 6455 (its section 7.4.1, as for the next three).
pub const PROTOCOL_ERROR: u16 = 1002;
/// A binary frame: this subprotocol has text frames alone.
pub const UNSUPPORTED: u16 = 1003;
/// A text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// The frame is larger than the limit.
pub const TOO_LARGE: u16 = 1009;
/// The server restarts, or too many clients come at once.
pub const RESTART: u16 = 1012;
/// What came is no frame of this contract. This version answers such frames by `error` and lives; earlier ones closed
/// with it what violates RFC 6455.
pub const MALFORMED: u16 = 4400;
/// The credential is missing, bad, expired or revoked.
pub const UNAUTHENTICATED: u16 = 4401;
/// The user may not use this socket any more.
pub const FORBIDDEN: u16 = 4403;
/// No credential, or no answer to the heartbeat, came in time.
pub const TIMEOUT: u16 = 4408;
/// The user holds too many sockets, or the client sends too many frames.
pub const TOO_MANY: u16 = 4429;
/// The client reads too slowly.
pub const TOO_SLOW: u16 = 4508;

/// A close code with what a client does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode {
    /// The code.
    pub code: u16,
    /// Its name in the documents.
    pub name: &'static str,
    /// Why the server closes.
    pub why: &'static str,
    /// What the client does next.
    pub then: &'static str,
    /// Whether a reconnect with nothing changed makes sense.
    pub retry: bool,
}

/// Every code with which the server closes.
pub const CLOSE_CODES: &[CloseCode] = &[
    CloseCode {
        code: PROTOCOL_ERROR,
        name: "protocol_error",
        why: "What came violates RFC 6455.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: UNSUPPORTED,
        name: "unsupported",
        why: "A frame was binary.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: INVALID_DATA,
        name: "invalid_data",
        why: "A text, or the reason of a close, was not UTF-8.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: TOO_LARGE,
        name: "too_large",
        why: "A frame was larger than the limit.",
        then: "Reconnect, and send that frame no more.",
        retry: true,
    },
    CloseCode {
        code: RESTART,
        name: "restart",
        why: "The server stops, or too many clients come at once, or the credential could not be checked now.",
        then: "Reconnect after the `after_ms` of the frame `reconnect`, or after a back-off.",
        retry: true,
    },
    CloseCode {
        code: MALFORMED,
        name: "malformed",
        why: "What came is no frame of this contract. Not sent by this version, which answers by `error`.",
        then: "Correct the client.",
        retry: false,
    },
    CloseCode {
        code: UNAUTHENTICATED,
        name: "unauthenticated",
        why: "The credential is missing, bad, expired or revoked.",
        then: "Get another token first.",
        retry: false,
    },
    CloseCode {
        code: FORBIDDEN,
        name: "forbidden",
        why: "The user is no longer a member of the one room that the socket is for.",
        then: "Do not reconnect.",
        retry: false,
    },
    CloseCode {
        code: TIMEOUT,
        name: "timeout",
        why: "No credential came within 5 s, or no answer to the heartbeat.",
        then: "Reconnect.",
        retry: true,
    },
    CloseCode {
        code: TOO_MANY,
        name: "too_many",
        why: "The user holds too many sockets at this gateway, or the client sent too many frames.",
        then: "Reconnect after a pause.",
        retry: true,
    },
    CloseCode {
        code: TOO_SLOW,
        name: "too_slow",
        why: "More waited for the client than the server keeps for one socket.",
        then: "Reconnect with cursors.",
        retry: true,
    },
];
