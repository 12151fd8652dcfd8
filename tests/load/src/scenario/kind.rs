//! The works that can be measured.

use clap::ValueEnum;

/// The most sockets of any scenario.
pub const SOCKETS_MAX: u64 = 10_000;

/// A work that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 5,000 idle sockets: memory.
    Idle,
    /// 10 rooms × 100 sockets × 10 messages/s.
    FanOut,
    /// 10 rooms × 1,000 sockets × 10 messages/s.
    FanOutLarge,
    /// 500 rooms of 2 × 2 messages/s.
    Pairs,
    /// 256 callers of the message store, over gRPC.
    Appends,
    /// 100,000 messages in 200 rooms, on PostgreSQL and on SQLite: how fast they are indexed, and found.
    Search,
    /// Connect, authenticate, subscribe, close.
    Connections,
    /// 2,000 users enter and leave 20 rooms within 10 s.
    Presence,
    /// Fourteen attacks, one after the other, beside 9 rooms × 20 sockets × 10 messages/s.
    Hostile,
}

impl Scenario {
    /// All, in the order in which they are run: memory first, while the gateways are fresh.
    pub const ALL: [Self; 9] = [
        Self::Idle,
        Self::FanOut,
        Self::FanOutLarge,
        Self::Pairs,
        Self::Appends,
        Self::Search,
        Self::Connections,
        Self::Presence,
        Self::Hostile,
    ];

    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "5,000 idle sockets",
            Self::FanOut => "10 rooms x 100 sockets x 10/s",
            Self::FanOutLarge => "10 rooms x 1,000 sockets x 10/s",
            Self::Pairs => "500 rooms of 2 x 2/s",
            Self::Appends => "appends over gRPC, 256 callers",
            Self::Search => "search, messages in 200 rooms",
            Self::Connections => "connect, subscribe, close",
            Self::Presence => "2,000 users enter and leave 20 rooms",
            Self::Hostile => "hostile clients beside 9 rooms x 20 sockets x 10/s",
        }
    }
}
