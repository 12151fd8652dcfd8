//! The values of labels.

use madang_domain::Limit;
use madang_kit::metrics::Label;

/// Makes an enum whose variants are the values of a label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident = $label:literal { $($(#[$of:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$of])* $variant,)*
        }

        impl Label for $name {
            const NAME: &'static str = $label;
            const VALUES: &'static [&'static str] = &[$($value),*];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label! {
    /// What became of a socket with a good credential.
    Admitted = "outcome" {
        /// It was let in.
        In = "admitted",
        /// It was told to come back.
        Later = "deferred",
    }
}

label! {
    /// Why there was no place for a connection.
    PlaceRefusal = "reason" {
        /// All were taken.
        Full = "full",
        /// The address had all that it may.
        AddressFull = "address_full",
    }
}

label! {
    /// Why a handshake was refused, or a socket before it had a session.
    HandshakeRefusal = "reason" {
        /// Its page's origin is not allowed.
        Origin = "origin",
        /// It offers no subprotocol of ours.
        Subprotocol = "subprotocol",
        /// The gateway is stopping.
        Draining = "draining",
        /// Too many of its address have shown no good credential.
        AddressHandshakes = "address_handshakes",
        /// Its credential is missing or not valid.
        BadCredential = "bad_credential",
        /// It showed no credential in time.
        AuthTimeout = "auth_timeout",
        /// Its credential cannot be judged, since a service does not answer.
        Unavailable = "unavailable",
        /// Its user has too many sockets.
        UserSockets = "user_sockets",
        /// It may not have what it asks for, or there is no such thing.
        Forbidden = "forbidden",
        /// What came violates the protocol.
        Protocol = "protocol",
    }
}

label! {
    /// Why a handshake of TLS with a client came to nothing.
    TlsFailure = "reason" {
        /// It took too long.
        TimedOut = "timed_out",
        /// The client left before its end.
        Gone = "gone",
        /// The client said why it does not go on: mostly, that it does not accept the certificate.
        RefusedByClient = "refused_by_client",
        /// The client and the gateway have no version, cipher or protocol in common.
        Incompatible = "incompatible",
        /// What came is not TLS, or violates it.
        Protocol = "protocol",
    }
}

label! {
    /// The type of a client's frame.
    FrameType = "type" {
        /// `auth`
        Auth = "auth",
        /// `subscribe`
        Subscribe = "subscribe",
        /// `unsubscribe`
        Unsubscribe = "unsubscribe",
        /// `send`
        Send = "send",
        /// `pin`
        Pin = "pin",
        /// `read`
        Read = "read",
        /// `typing`
        Typing = "typing",
        /// `history`
        History = "history",
        /// `presence`
        Presence = "presence",
        /// `ping`
        Ping = "ping",
        /// A message of the Channels dialect.
        ChannelsMessage = "channels_message",
        /// None that can be read.
        Invalid = "invalid",
    }
}

impl FrameType {
    /// The type of a frame of the contract, by its name there.
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "auth" => Self::Auth,
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "send" => Self::Send,
            "pin" => Self::Pin,
            "read" => Self::Read,
            "typing" => Self::Typing,
            "history" => Self::History,
            "presence" => Self::Presence,
            "ping" => Self::Ping,
            _ => Self::Invalid,
        }
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfLimit(pub(crate) Limit);

impl Label for OfLimit {
    const NAME: &'static str = "limit";
    const VALUES: &'static [&'static str] = &const {
        let mut names = [""; Limit::ALL.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = Limit::ALL[at].as_str();
            at += 1;
        }
        names
    };

    fn index(self) -> usize {
        Limit::ALL.iter().position(|limit| *limit == self.0).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_its_name() {
        for limit in Limit::ALL {
            assert_eq!(OfLimit::VALUES[OfLimit(limit).index()], limit.as_str());
        }
    }

    #[test]
    fn each_frame_of_the_contract_has_its_type() {
        let frames =
            [r#"{"type":"ping"}"#, r#"{"type":"auth","token":"t"}"#, r#"{"type":"unsubscribe","rooms":[]}"#];
        for frame in frames {
            let frame: madang_contract::ClientFrame = serde_json::from_str(frame).unwrap();
            assert_eq!(FrameType::VALUES[FrameType::of(frame.kind()).index()], frame.kind());
        }
        // What the contract calls a frame is a value here, and back: the two lists are one.
        for kind in &FrameType::VALUES[..FrameType::ChannelsMessage as usize] {
            assert_eq!(FrameType::VALUES[FrameType::of(kind).index()], *kind);
        }
        assert_eq!(FrameType::of("from the future"), FrameType::Invalid);
    }
}
