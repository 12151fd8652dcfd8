//! The gateway's settings.

mod channels;
pub(crate) mod issuer;
mod path;

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use madang_domain::Slug;
use madang_kit::Registration;

use self::path::base_path;
pub use self::{
    channels::ChannelsSettings,
    issuer::{IssuerAlgorithm, IssuerSettings},
};

/// What a gateway can be told, in a process of its own or in the all-in-one.
#[derive(Debug, Clone, Args)]
pub struct GatewaySettings {
    /// Where HTTP and WebSocket are served.
    #[arg(long, env = "MADANG_HTTP_ADDR", default_value = "127.0.0.1:8080")]
    pub http_addr: SocketAddr,

    /// The origins from which browsers may open WebSockets and call the API, such as
    /// `https://chat.example.com`, separated by commas; `*` allows all. Without any, the page must come from
    /// the same host and port as the gateway.
    #[arg(long, env = "MADANG_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,

    /// Accept `?token=` on the WebSocket's URL. URLs end up in the logs of proxies: prefer a ticket, a
    /// subprotocol entry or a first frame. [default: false; of the all-in-one: true]
    #[arg(long, env = "MADANG_ALLOW_QUERY_TOKEN", num_args = 0..=1, default_missing_value = "true")]
    pub allow_query_token: Option<bool>,

    /// The path under which everything is served, such as `/chat`.
    #[arg(long, env = "MADANG_BASE_PATH", default_value = "/", value_parser = base_path)]
    pub base_path: String,

    /// How many proxies stand in front, each of which appends to `X-Forwarded-For`; 0 trusts none of that
    /// header.
    #[arg(long, env = "MADANG_TRUSTED_PROXIES", default_value_t = 0)]
    pub trusted_proxies: usize,

    /// The sockets and HTTP connections that this gateway holds.
    #[arg(long, env = "MADANG_MAX_CONNECTIONS", default_value_t = 100_000)]
    pub max_connections: usize,

    /// The sockets that this gateway lets in within any second. When more come, as they do after an outage, some
    /// wait a moment and the others are told when to come back.
    #[arg(long, env = "MADANG_ADMISSIONS_PER_SECOND", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub admissions_per_second: u32,

    /// The sockets that one user may hold on this gateway.
    #[arg(long, env = "MADANG_MAX_USER_SOCKETS", default_value_t = 64)]
    pub max_user_sockets: u32,

    /// The messages that one user may send in a second, over all sockets of this gateway.
    #[arg(long, env = "MADANG_SENDS_PER_SECOND", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sends_per_second: u32,

    /// The messages that one user may send at once.
    #[arg(long, env = "MADANG_SENDS_BURST", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub sends_burst: u32,

    /// The calls of the server API that one API key may make in a second, and at once, on this gateway.
    #[arg(long, env = "MADANG_SERVER_CALLS_PER_SECOND", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_calls_per_second: u32,

    /// Whether people make accounts here by themselves. [default: open; closed where the embedding site's own tokens
    /// are accepted, since its users come with those]
    #[arg(long, env = "MADANG_REGISTRATION", value_enum, value_name = "STATE")]
    pub registration: Option<Registration>,

    /// The embedding site's own tokens.
    #[command(flatten)]
    pub issuer: IssuerSettings,

    /// The bytes that may wait for one socket; a client too slow for that is closed and comes back.
    #[arg(long, env = "MADANG_QUEUE_MAX_BYTES", default_value_t = 256 * 1024)]
    pub queue_max_bytes: usize,

    /// The events replayed to one subscription; a client that missed more pages history.
    #[arg(long, env = "MADANG_REPLAY_MAX_EVENTS", default_value_t = madang_domain::limits::REPLAY_MAX_EVENTS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(madang_domain::limits::REPLAY_MAX_EVENTS)))]
    pub replay_max_events: u32,

    /// The rooms that one socket may listen to.
    #[arg(long, env = "MADANG_MAX_SOCKET_ROOMS", default_value_t = 1_000)]
    pub max_socket_rooms: usize,

    /// The slugs that users cannot choose for their rooms, separated by commas, such as `support,news`. The slug of
    /// `MADANG_CHANNELS_DEFAULT_ROOM` is reserved besides, and so are `all`, `here`, `me` and numbers.
    #[arg(long, env = "MADANG_RESERVED_SLUGS", value_delimiter = ',')]
    pub reserved_slugs: Vec<Slug>,

    /// Tell who is in a room: `presence` frames, and the answer to the `presence` request.
    #[arg(long, env = "MADANG_PRESENCE", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, default_missing_value = "true")]
    pub presence: bool,

    /// Seconds that a user whose last socket has gone counts as present; a return within them is not told.
    #[arg(long, env = "MADANG_PRESENCE_GRACE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub presence_grace_seconds: u64,

    /// The users of a room up to whom each is named as they come and go; above it the room is told their number.
    #[arg(long, env = "MADANG_PRESENCE_NAMES_MAX", default_value_t = 200)]
    pub presence_names_max: usize,

    /// Seconds between the pings to a silent client; a client silent for more than twice that is gone.
    #[arg(long, env = "MADANG_HEARTBEAT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub heartbeat_seconds: u64,

    /// Seconds over which sockets are told to reconnect when the gateway stops.
    #[arg(long, env = "MADANG_RECONNECT_SPREAD_SECONDS", default_value_t = 5)]
    pub reconnect_spread_seconds: u64,

    /// The Channels dialect.
    #[command(flatten)]
    pub channels: ChannelsSettings,
}

impl GatewaySettings {
    /// Whether people make accounts here by themselves: as it is set, else not where the site has its own issuer.
    #[must_use]
    pub const fn registration(&self) -> Registration {
        match self.registration {
            Some(registration) => registration,
            None if self.issuer.issuer_algorithms.is_empty() => Registration::Open,
            None => Registration::Closed,
        }
    }

    /// The time between pings.
    #[must_use]
    pub const fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds)
    }

    /// How long who has gone counts as present; none where presence is off.
    #[must_use]
    pub fn presence_grace(&self) -> Option<Duration> {
        self.presence.then_some(Duration::from_secs(self.presence_grace_seconds))
    }

    /// The time over which sockets are told to reconnect.
    #[must_use]
    pub const fn reconnect_spread(&self) -> Duration {
        Duration::from_secs(self.reconnect_spread_seconds)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        gateway: GatewaySettings,
    }

    #[test]
    fn registration_is_closed_where_the_site_has_an_issuer_unless_it_is_said() {
        let registration = |more: &[&str]| {
            let arguments = ["gateway"].iter().chain(more);
            Command::parse_from(arguments).gateway.registration()
        };
        let issuer = ["--issuer-algorithms", "HS256"];
        assert_eq!(registration(&[]), Registration::Open);
        assert_eq!(registration(&issuer), Registration::Closed);
        assert_eq!(registration(&["--registration", "closed"]), Registration::Closed);
        assert_eq!(registration(&[&issuer[..], &["--registration", "open"]].concat()), Registration::Open);
    }
}
