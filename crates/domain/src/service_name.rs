//! The services of the system.

use std::{fmt, str::FromStr};

/// A service, as the others know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// It holds the clients' sockets.
    Gateway,
    /// Accounts, sessions, keys.
    Auth,
    /// Rooms, members, logs.
    MessageStore,
}

/// A text that names no service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected gateway, auth or message-store")]
pub struct UnknownService;

impl ServiceName {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Auth, Self::MessageStore];

    /// The name in settings, logs and certificates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Auth => "auth",
            Self::MessageStore => "message-store",
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceName {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        Self::ALL.into_iter().find(|service| service.as_str() == text).ok_or(UnknownService)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_name() {
        for service in ServiceName::ALL {
            assert_eq!(service.to_string().parse(), Ok(service));
        }
        assert_eq!("store".parse::<ServiceName>(), Err(UnknownService));
    }
}
