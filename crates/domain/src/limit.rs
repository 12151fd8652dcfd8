//! The rate limits, and the limits on concurrent connections, sockets and waiting work.

/// A limit on the rate of requests, or on the number of connections, sockets or waiting requests. A refusal with the
/// code `rate_limited` names the limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The requests of one user that write or that reach other users.
    UserSends,
    /// The same requests of all users at one address.
    AddressSends,
    /// The requests of all users that reach one room.
    RoomSends,
    /// The messages of one member in a room with slow mode.
    SlowMode,
    /// The pages and other answers that one user reads.
    UserReads,
    /// The same from one address, whoever the users are.
    AddressReads,
    /// The rooms in which one user's changes of the profile are told.
    ProfileChanges,
    /// The exports of one user.
    Exports,
    /// The rooms that one user creates.
    RoomCreations,
    /// The users whom one user adds to rooms, and the roles that one user gives.
    MemberAdditions,
    /// The refused subscriptions of one user.
    RefusedSubscriptions,
    /// The uploads of one user that are under way.
    UserUploads,
    /// The sockets of one user.
    UserSockets,
    /// The calls of one API key.
    ServerCalls,
    /// The connections of one address.
    AddressConnections,
    /// The handshakes from one address that had no valid credential.
    AddressHandshakes,
    /// The sign-ins from one address.
    AddressSignIns,
    /// The sign-ins of one account.
    AccountSignIns,
    /// The registrations from one address.
    AddressRegistrations,
    /// The passwords that wait to be hashed.
    WaitingPasswords,
    /// The refreshes of one session.
    SessionRefreshes,
    /// The unknown API keys and refresh tokens from one address.
    AddressUnknownCredentials,
    /// The unknown API keys from all addresses.
    UnknownApiKeys,
}

/// Where what a limit bounds is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Over all gateways, by budgets that they share.
    OverGateways,
    /// By each gateway for itself.
    AtEachGateway,
    /// In the database of the message store, whichever gateway asks.
    InTheStore,
    /// By each auth service for itself, and for some by each gateway too.
    AtEachAuth,
}

impl Counted {
    /// Whether gateways share the budget.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::OverGateways)
    }
}

impl Limit {
    /// Where it is counted.
    #[must_use]
    pub const fn counted(self) -> Counted {
        match self {
            Self::UserSends
            | Self::AddressSends
            | Self::RoomSends
            | Self::RoomCreations
            | Self::MemberAdditions
            | Self::ServerCalls => Counted::OverGateways,
            Self::UserReads
            | Self::AddressReads
            | Self::ProfileChanges
            | Self::RefusedSubscriptions
            | Self::UserUploads
            | Self::UserSockets
            | Self::AddressConnections
            | Self::AddressHandshakes
            | Self::UnknownApiKeys => Counted::AtEachGateway,
            Self::SlowMode | Self::Exports => Counted::InTheStore,
            Self::AddressSignIns
            | Self::AccountSignIns
            | Self::AddressRegistrations
            | Self::WaitingPasswords
            | Self::SessionRefreshes
            | Self::AddressUnknownCredentials => Counted::AtEachAuth,
        }
    }

    /// Every limit.
    pub const ALL: [Self; 23] = [
        Self::UserSends,
        Self::AddressSends,
        Self::RoomSends,
        Self::SlowMode,
        Self::UserReads,
        Self::AddressReads,
        Self::ProfileChanges,
        Self::Exports,
        Self::RoomCreations,
        Self::MemberAdditions,
        Self::RefusedSubscriptions,
        Self::UserUploads,
        Self::UserSockets,
        Self::ServerCalls,
        Self::AddressConnections,
        Self::AddressHandshakes,
        Self::AddressSignIns,
        Self::AccountSignIns,
        Self::AddressRegistrations,
        Self::WaitingPasswords,
        Self::SessionRefreshes,
        Self::AddressUnknownCredentials,
        Self::UnknownApiKeys,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserSends => "user_sends",
            Self::AddressSends => "address_sends",
            Self::RoomSends => "room_sends",
            Self::SlowMode => "slow_mode",
            Self::UserReads => "user_reads",
            Self::AddressReads => "address_reads",
            Self::ProfileChanges => "profile_changes",
            Self::Exports => "exports",
            Self::RoomCreations => "room_creations",
            Self::MemberAdditions => "member_additions",
            Self::RefusedSubscriptions => "refused_subscriptions",
            Self::UserUploads => "user_uploads",
            Self::UserSockets => "user_sockets",
            Self::ServerCalls => "server_calls",
            Self::AddressConnections => "address_connections",
            Self::AddressHandshakes => "address_handshakes",
            Self::AddressSignIns => "address_sign_ins",
            Self::AccountSignIns => "account_sign_ins",
            Self::AddressRegistrations => "address_registrations",
            Self::WaitingPasswords => "waiting_passwords",
            Self::SessionRefreshes => "session_refreshes",
            Self::AddressUnknownCredentials => "address_unknown_credentials",
            Self::UnknownApiKeys => "unknown_api_keys",
        }
    }

    /// The message of a refusal for this limit, for developers.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UserSends => "this user sends too many requests: slow down",
            Self::AddressSends => "too many requests come from this address: slow down",
            Self::RoomSends => "this room receives too many requests: slow down",
            Self::SlowMode => "this room has slow mode: wait before the next message",
            Self::UserReads => "this user reads too much: slow down",
            Self::AddressReads => "too much is read from this address: slow down",
            Self::ProfileChanges => "this user changes the profile too often: slow down",
            Self::Exports => "an export of this user was made not long ago: try again later",
            Self::RoomCreations => "this user creates too many rooms: slow down",
            Self::MemberAdditions => "this user adds too many members: slow down",
            Self::RefusedSubscriptions => "too many subscriptions of this user were refused: slow down",
            Self::UserUploads => "this user has too many uploads under way: let one end first",
            Self::UserSockets => "this user has too many open sockets: close one first",
            Self::ServerCalls => "too many calls use this API key: slow down",
            Self::AddressConnections => "this address has too many connections: close some first",
            Self::AddressHandshakes => {
                "too many handshakes from this address had no valid credential: slow down"
            }
            Self::AddressSignIns => "too many sign-ins from this address: try again later",
            Self::AccountSignIns => "too many sign-ins of this account: try again later",
            Self::AddressRegistrations => "too many registrations from this address: try again later",
            Self::WaitingPasswords => "too many sign-ins are waiting: try again later",
            Self::SessionRefreshes => {
                "this session is refreshed too often: use the access token until it expires"
            }
            Self::AddressUnknownCredentials => {
                "too many unknown keys or tokens from this address: try again later"
            }
            Self::UnknownApiKeys => "too many calls use unknown API keys: try again later",
        }
    }

    /// The limit with this name; none if only a later version knows the name.
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
