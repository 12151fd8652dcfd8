//! The limits of how often something may be done, and of how much may be held.

/// A limit of how often something may be done, or of how much may be held. A refusal with the code `rate_limited` names the one that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Whatever one user does that others hear of or that is written.
    UserSends,
    /// The same from one address, whoever the users are.
    AddressSends,
    /// What is said in one room, whoever says it.
    RoomSends,
    /// The rooms that one user creates.
    RoomCreations,
    /// The users whom one user adds to rooms, and the roles that one user gives.
    MemberAdditions,
    /// The subscriptions of one user that were refused.
    RefusedSubscriptions,
    /// The sockets of one user.
    UserSockets,
    /// The calls of one API key.
    ServerCalls,
    /// The connections of one address.
    AddressConnections,
    /// The handshakes from one address that showed no good credential.
    AddressHandshakes,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 10] = [
        Self::UserSends,
        Self::AddressSends,
        Self::RoomSends,
        Self::RoomCreations,
        Self::MemberAdditions,
        Self::RefusedSubscriptions,
        Self::UserSockets,
        Self::ServerCalls,
        Self::AddressConnections,
        Self::AddressHandshakes,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserSends => "user_sends",
            Self::AddressSends => "address_sends",
            Self::RoomSends => "room_sends",
            Self::RoomCreations => "room_creations",
            Self::MemberAdditions => "member_additions",
            Self::RefusedSubscriptions => "refused_subscriptions",
            Self::UserSockets => "user_sockets",
            Self::ServerCalls => "server_calls",
            Self::AddressConnections => "address_connections",
            Self::AddressHandshakes => "address_handshakes",
        }
    }

    /// What a developer is told when the limit is reached.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UserSends => "this user does too much: slow down",
            Self::AddressSends => "too much comes from this address: slow down",
            Self::RoomSends => "too much is said in this room: try again",
            Self::RoomCreations => "this user creates too many rooms: slow down",
            Self::MemberAdditions => "this user adds too many members: slow down",
            Self::RefusedSubscriptions => "too many subscriptions of this user were refused: slow down",
            Self::UserSockets => "the user holds too many sockets",
            Self::ServerCalls => "too many calls: slow down",
            Self::AddressConnections => "this address holds as many connections as one may",
            Self::AddressHandshakes => {
                "too many handshakes from this address showed no good credential: slow down"
            }
        }
    }

    /// The limit of a name; none for a name of a later version.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_found_by_its_name() {
        for limit in Limit::ALL {
            assert_eq!(Limit::of_name(limit.as_str()), Some(limit));
        }
        assert_eq!(Limit::of_name("from_the_future"), None);
    }
}
