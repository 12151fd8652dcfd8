//! The values of labels.

use madang_contract::ClientFrame;
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
        /// `edit`
        Edit = "edit",
        /// `delete`
        Delete = "delete",
        /// `react`
        React = "react",
        /// `pin`
        Pin = "pin",
        /// `read`
        Read = "read",
        /// `received`
        Received = "received",
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
    /// The type of a frame of the contract.
    pub(crate) const fn of(frame: &ClientFrame) -> Self {
        match frame {
            ClientFrame::Auth { .. } => Self::Auth,
            ClientFrame::Subscribe(_) => Self::Subscribe,
            ClientFrame::Unsubscribe { .. } => Self::Unsubscribe,
            ClientFrame::Send { .. } => Self::Send,
            ClientFrame::Edit { .. } => Self::Edit,
            ClientFrame::Delete { .. } => Self::Delete,
            ClientFrame::React { .. } => Self::React,
            ClientFrame::Pin { .. } => Self::Pin,
            ClientFrame::Read { .. } => Self::Read,
            ClientFrame::Received { .. } => Self::Received,
            ClientFrame::Typing { .. } => Self::Typing,
            ClientFrame::History { .. } => Self::History,
            ClientFrame::Presence { .. } => Self::Presence,
            ClientFrame::Ping {} => Self::Ping,
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
    use madang_contract::Request;

    use super::*;

    #[test]
    fn each_limit_has_its_name() {
        for limit in Limit::ALL {
            assert_eq!(OfLimit::VALUES[OfLimit(limit).index()], limit.as_str());
        }
    }

    #[test]
    fn each_frame_of_the_contract_has_its_type() {
        let mut seen = std::collections::BTreeSet::new();
        for example in ClientFrame::examples() {
            let frame = Request::parse(&example.to_string()).unwrap().frame;
            assert_eq!(FrameType::VALUES[FrameType::of(&frame).index()], frame.kind());
            seen.insert(frame.kind());
        }
        // Each value here is a frame there.
        let values = FrameType::VALUES[..FrameType::ChannelsMessage as usize].iter().copied();
        assert_eq!(seen, values.collect());
    }
}
