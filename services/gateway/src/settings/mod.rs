//! The gateway's settings.

mod allowed_origin;
mod channels;
mod forwarded;
pub(crate) mod issuer;
mod path;

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use madang_kit::Registration;

use self::path::base_path;
pub use self::{
    allowed_origin::{AllowedOrigin, Origin},
    channels::ChannelsSettings,
    forwarded::ForwardedHeader,
    issuer::{IssuerAlgorithm, IssuerSettings},
};

/// The settings of a gateway, as its own process or in the all-in-one.
#[derive(Debug, Clone, Args)]
pub struct GatewaySettings {
    /// The address on which the gateway serves HTTP and WebSocket.
    #[arg(long, env = "MADANG_HTTP_ADDR", default_value = "127.0.0.1:8080")]
    pub http_addr: SocketAddr,

    /// The origins from which browsers may open WebSockets and call the API, such as
    /// `https://chat.example.com`, separated by commas; `https://*.example.com` allows all subdomains, `*` all pages.
    /// Without any, the page must come from the same host and port as the gateway.
    #[arg(long, env = "MADANG_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub allowed_origins: Vec<AllowedOrigin>,

    /// Accept `?token=` in the WebSocket's URL. Proxies write URLs into their logs: prefer a ticket, a
    /// subprotocol entry or a first frame. [default: false; in the all-in-one: true]
    #[arg(long, env = "MADANG_ALLOW_QUERY_TOKEN", num_args = 0..=1, default_missing_value = "true")]
    pub allow_query_token: Option<bool>,

    /// The path below which the gateway serves everything, such as `/chat`.
    #[arg(long, env = "MADANG_BASE_PATH", default_value = "/", value_parser = base_path)]
    pub base_path: String,

    /// How many proxies stand in front, each of which appends to `X-Forwarded-For` or `Forwarded`; 0 trusts none
    /// of these headers.
    #[arg(long, env = "MADANG_TRUSTED_PROXIES", default_value_t = 0)]
    pub trusted_proxies: usize,

    /// The header in which the proxies say who spoke to them: `x-forwarded-for`, and `forwarded` (RFC 7239) where a
    /// request has none of the former; or `forwarded` alone.
    #[arg(
        long,
        env = "MADANG_FORWARDED_HEADER",
        value_enum,
        default_value = "x-forwarded-for",
        value_name = "HEADER"
    )]
    pub forwarded_header: ForwardedHeader,

    /// The sockets and HTTP connections that this gateway holds.
    #[arg(long, env = "MADANG_MAX_CONNECTIONS", default_value_t = 100_000)]
    pub max_connections: usize,

    /// The connections that one address may hold, of IPv6 one /64; behind proxies its sockets and the requests that
    /// are being answered.
    #[arg(long, env = "MADANG_MAX_ADDRESS_CONNECTIONS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_address_connections: u32,

    /// Seconds that a connection lives between an answer and the next request; longer than a load balancer keeps its
    /// connections.
    #[arg(long, env = "MADANG_KEEP_ALIVE_SECONDS", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub keep_alive_seconds: u64,

    /// The handshakes without a good credential that one address may make in a second.
    #[arg(long, env = "MADANG_HANDSHAKES_PER_SECOND", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub handshakes_per_second: u32,

    /// The handshakes that one address may begin at once, before any of them has shown a good credential.
    #[arg(long, env = "MADANG_HANDSHAKES_BURST", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub handshakes_burst: u32,

    /// The sockets that this gateway lets in within any second. When more come, as they do after an outage, some
    /// wait a moment and the others are told when to come back.
    #[arg(long, env = "MADANG_ADMISSIONS_PER_SECOND", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub admissions_per_second: u32,

    /// The most sockets that one user may have on this gateway.
    #[arg(long, env = "MADANG_MAX_USER_SOCKETS", default_value_t = 64)]
    pub max_user_sockets: u32,

    /// The messages per second that one user may send, over all the user's sockets on this gateway.
    #[arg(long, env = "MADANG_SENDS_PER_SECOND", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sends_per_second: u32,

    /// The messages that one user may send in a burst.
    #[arg(long, env = "MADANG_SENDS_BURST", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub sends_burst: u32,

    /// The messages that may come from one address in a second, and twice as many at once, whoever the users are; 0 for no
    /// limit.
    #[arg(long, env = "MADANG_ADDRESS_SENDS_PER_SECOND", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_sends_per_second: u32,

    /// The messages that may be sent in one room in a second, and twice as many at once, over all users of this gateway.
    #[arg(long, env = "MADANG_ROOM_SENDS_PER_SECOND", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub room_sends_per_second: u32,

    /// The rooms that one user may create in a minute, and four times as many at once.
    #[arg(long, env = "MADANG_ROOM_CREATIONS_PER_MINUTE", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub room_creations_per_minute: u32,

    /// The users whom one user may add to rooms in a minute, and four times as many at once. Giving a member a role
    /// counts, too.
    #[arg(long, env = "MADANG_MEMBER_ADDITIONS_PER_MINUTE", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub member_additions_per_minute: u32,

    /// The calls of the server API that one API key may make in a second, and at once, on this gateway.
    #[arg(long, env = "MADANG_SERVER_CALLS_PER_SECOND", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_calls_per_second: u32,

    /// Whether people may register accounts. [default: open; closed if the embedding site's own tokens are
    /// accepted, since its users sign in with those]
    #[arg(long, env = "MADANG_REGISTRATION", value_enum, value_name = "STATE")]
    pub registration: Option<Registration>,

    /// The embedding site's own tokens.
    #[command(flatten)]
    pub issuer: IssuerSettings,

    /// The most bytes that wait for one socket. A client that is too slow for this is disconnected,
    /// reconnects and resumes.
    #[arg(long, env = "MADANG_QUEUE_MAX_BYTES", default_value_t = 256 * 1024)]
    pub queue_max_bytes: usize,

    /// The most events replayed to one subscription. A client that missed more pages through the history.
    #[arg(long, env = "MADANG_REPLAY_MAX_EVENTS", default_value_t = madang_domain::limits::REPLAY_MAX_EVENTS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(madang_domain::limits::REPLAY_MAX_EVENTS)))]
    pub replay_max_events: u32,

    /// The most rooms that one socket may subscribe to.
    #[arg(long, env = "MADANG_MAX_SOCKET_ROOMS", default_value_t = 1_000)]
    pub max_socket_rooms: usize,

    /// Show who is present in a room: `presence` frames, and the answer to the `presence` request.
    #[arg(long, env = "MADANG_PRESENCE", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, default_missing_value = "true")]
    pub presence: bool,

    /// Seconds for which a user counts as present after the last socket closes. A return within them is not
    /// announced.
    #[arg(long, env = "MADANG_PRESENCE_GRACE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub presence_grace_seconds: u64,

    /// Up to this many present users, a room gets their names as they come and go; above it, only their
    /// number.
    #[arg(long, env = "MADANG_PRESENCE_NAMES_MAX", default_value_t = 200)]
    pub presence_names_max: usize,

    /// Seconds between pings to a silent client. A client that is silent for more than twice as long is
    /// disconnected.
    #[arg(long, env = "MADANG_HEARTBEAT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub heartbeat_seconds: u64,

    /// Seconds over which a stopping gateway spreads the requests to its sockets to reconnect elsewhere.
    #[arg(long, env = "MADANG_RECONNECT_SPREAD_SECONDS", default_value_t = 5)]
    pub reconnect_spread_seconds: u64,

    /// The Channels dialect.
    #[command(flatten)]
    pub channels: ChannelsSettings,
}

impl GatewaySettings {
    /// Whether people may register accounts: as configured, or else closed if the site has its own issuer.
    #[must_use]
    pub const fn registration(&self) -> Registration {
        match self.registration {
            Some(registration) => registration,
            None if self.issuer.issuer_algorithms.is_empty() => Registration::Open,
            None => Registration::Closed,
        }
    }

    /// How long a connection lives between an answer and the next request.
    #[must_use]
    pub const fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds)
    }

    /// The time between pings.
    #[must_use]
    pub const fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds)
    }

    /// How long a user counts as present after the last socket closes; `None` if presence is off.
    #[must_use]
    pub fn presence_grace(&self) -> Option<Duration> {
        self.presence.then_some(Duration::from_secs(self.presence_grace_seconds))
    }

    /// The time over which a stopping gateway asks its sockets to reconnect elsewhere.
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
    fn the_shipped_ingress_lets_go_of_an_idle_connection_before_the_gateway_closes_it() {
        let nginx = include_str!("../../../../deploy/nginx/nginx.conf");
        let upstream = nginx.split("upstream gateways {").nth(1).and_then(|rest| rest.split('}').next());
        let kept =
            upstream.and_then(|upstream| upstream.split("keepalive_timeout ").nth(1)?.split("s;").next());
        let kept = Duration::from_secs(kept.unwrap().parse().unwrap());
        let margin = Duration::from_secs(10);
        let ours = Command::parse_from(["gateway"]).gateway.keep_alive();
        assert!(ours >= kept + margin, "{kept:?} there, {ours:?} here");
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
