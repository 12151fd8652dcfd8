//! The gateway's settings.

mod allowed_origin;
mod channels;
mod files;
mod forwarded;
pub(crate) mod issuer;
mod path;
mod redis;

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use madang_domain::Slug;
use madang_kit::{Registration, tls::ListenerTlsSettings};

pub(crate) use self::files::AccessKey;
use self::path::base_path;
pub use self::{
    allowed_origin::{AllowedOrigin, Origin},
    channels::ChannelsSettings,
    files::FileSettings,
    forwarded::ForwardedHeader,
    issuer::{IssuerAlgorithm, IssuerSettings},
    redis::RedisUrl,
};

/// The settings of a gateway, as its own process or in the all-in-one.
#[derive(Debug, Clone, Args)]
pub struct GatewaySettings {
    /// The address on which the gateway serves HTTP and WebSocket.
    #[arg(long, env = "MADANG_HTTP_ADDR", default_value = "127.0.0.1:8080")]
    pub http_addr: SocketAddr,

    /// The origins from which browsers may open WebSockets and call the API, such as
    /// `https://chat.example.com`, separated by commas; `https://*.example.com` allows all subdomains, `*` all pages.
    /// Unset, a page must come from the host and port of the request.
    #[arg(long, env = "MADANG_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub allowed_origins: Vec<AllowedOrigin>,

    /// Whether to accept `?token=` in the WebSocket's URL. Proxies write URLs into their logs, so clients should use a
    /// ticket, a subprotocol entry or a first frame. [default: false; in the all-in-one: true]
    #[arg(long, env = "MADANG_ALLOW_QUERY_TOKEN", num_args = 0..=1, default_missing_value = "true")]
    pub allow_query_token: Option<bool>,

    /// The path below which the gateway serves everything, such as `/chat`.
    #[arg(long, env = "MADANG_BASE_PATH", default_value = "/", value_parser = base_path, value_name = "PATH")]
    pub base_path: String,

    /// Whether to serve the web client at the base path. Sites that have a front end of their own switch it off.
    #[arg(long, env = "MADANG_WEB_CLIENT", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, default_missing_value = "true")]
    pub web_client: bool,

    /// The number of proxies in front of the gateway, each of which appends to `X-Forwarded-For` or `Forwarded`. With 0
    /// the gateway ignores these headers.
    #[arg(long, env = "MADANG_TRUSTED_PROXIES", default_value_t = 0)]
    pub trusted_proxies: usize,

    /// The header in which the proxies report the client's address.
    #[arg(
        long,
        env = "MADANG_FORWARDED_HEADER",
        value_enum,
        default_value = "x-forwarded-for",
        value_name = "HEADER"
    )]
    pub forwarded_header: ForwardedHeader,

    /// The most connections of this gateway: sockets and HTTP connections together.
    #[arg(long, env = "MADANG_MAX_CONNECTIONS", default_value_t = 100_000)]
    pub max_connections: usize,

    /// The most connections of one address (IPv6: of one /64). Behind proxies, the sockets and the requests in
    /// progress of the client's address count instead.
    #[arg(long, env = "MADANG_MAX_ADDRESS_CONNECTIONS", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_address_connections: u32,

    /// Seconds for which an idle connection stays open between an answer and the next request. It must be longer than a
    /// load balancer keeps idle connections.
    #[arg(long, env = "MADANG_KEEP_ALIVE_SECONDS", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub keep_alive_seconds: u64,

    /// The handshakes without a valid credential that one address may make per second.
    #[arg(long, env = "MADANG_HANDSHAKES_PER_SECOND", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub handshakes_per_second: u32,

    /// The handshakes that one address may have in progress before any of them shows a valid credential.
    #[arg(long, env = "MADANG_HANDSHAKES_BURST", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub handshakes_burst: u32,

    /// The sockets that this gateway admits within any second. If more arrive, as after an outage, some wait for a
    /// moment, and the others are told when to reconnect.
    #[arg(long, env = "MADANG_ADMISSIONS_PER_SECOND", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub admissions_per_second: u32,

    /// The most sockets that one user may have on this gateway.
    #[arg(long, env = "MADANG_MAX_USER_SOCKETS", default_value_t = 64)]
    pub max_user_sockets: u32,

    /// The messages per second that one user may send, over all the user's sockets and all gateways.
    #[arg(long, env = "MADANG_SENDS_PER_SECOND", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sends_per_second: u32,

    /// The messages that one user may send in a burst.
    #[arg(long, env = "MADANG_SENDS_BURST", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub sends_burst: u32,

    /// The messages per second that all users at one address may send, and twice as many in a burst; 0 means no limit.
    #[arg(long, env = "MADANG_ADDRESS_SENDS_PER_SECOND", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_sends_per_second: u32,

    /// The messages per second that all users of this gateway may send in one room, and twice as many in a burst.
    #[arg(long, env = "MADANG_ROOM_SENDS_PER_SECOND", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub room_sends_per_second: u32,

    /// The reads of one user in a second: pages of lists and logs, a room, a user, who is present; ten rooms of a
    /// `subscribe` count as one.
    #[arg(long, env = "MADANG_READS_PER_SECOND", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub reads_per_second: u32,

    /// The reads that one user may make in a burst.
    #[arg(long, env = "MADANG_READS_BURST", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub reads_burst: u32,

    /// The reads that may come from one address in a second, and ten times as many at once, whoever the users are; 0 for
    /// no limit.
    #[arg(long, env = "MADANG_ADDRESS_READS_PER_SECOND", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub address_reads_per_second: u32,

    /// The rooms per minute that one user may create, and four times as many in a burst.
    #[arg(long, env = "MADANG_ROOM_CREATIONS_PER_MINUTE", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub room_creations_per_minute: u32,

    /// The users per minute whom one user may add to rooms, and four times as many in a burst. Changes of a member's
    /// role count, too.
    #[arg(long, env = "MADANG_MEMBER_ADDITIONS_PER_MINUTE", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub member_additions_per_minute: u32,

    /// The calls per second of the server API that one API key may make at all gateways, also in a burst.
    #[arg(long, env = "MADANG_SERVER_CALLS_PER_SECOND", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_calls_per_second: u32,

    /// Whether people may register accounts. [default: open; closed if `MADANG_ISSUER_ALGORITHMS` is set]
    #[arg(long, env = "MADANG_REGISTRATION", value_enum, value_name = "STATE")]
    pub registration: Option<Registration>,

    /// The most bytes that may wait for one socket. A client that reads too slowly for this is disconnected; it can
    /// reconnect and resume.
    #[arg(long, env = "MADANG_QUEUE_MAX_BYTES", default_value_t = 256 * 1024)]
    pub queue_max_bytes: usize,

    /// The most events that are replayed to one subscription. A client that missed more events pages through the
    /// history.
    #[arg(long, env = "MADANG_REPLAY_MAX_EVENTS", default_value_t = madang_domain::limits::REPLAY_MAX_EVENTS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(madang_domain::limits::REPLAY_MAX_EVENTS)))]
    pub replay_max_events: u32,

    /// The most rooms that one socket may subscribe to.
    #[arg(long, env = "MADANG_MAX_SOCKET_ROOMS", default_value_t = 1_000)]
    pub max_socket_rooms: usize,

    /// The slugs that users cannot choose for their rooms, separated by commas, such as `support,news`. The slug of
    /// `MADANG_CHANNELS_DEFAULT_ROOM`, `all`, `here`, `me` and numbers are always reserved.
    #[arg(long, env = "MADANG_RESERVED_SLUGS", value_delimiter = ',', value_name = "SLUGS")]
    pub reserved_slugs: Vec<Slug>,

    /// Whether rooms show who is present, by `presence` frames and the answer to the `presence` request. It must be the
    /// same at all gateways.
    #[arg(long, env = "MADANG_PRESENCE", default_value_t = true, action = clap::ArgAction::Set,
        num_args = 0..=1, default_missing_value = "true")]
    pub presence: bool,

    /// Seconds for which a user counts as present after the last socket closes. A return within them is not
    /// announced.
    #[arg(long, env = "MADANG_PRESENCE_GRACE_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub presence_grace_seconds: u64,

    /// Up to this number of present users, a room is told who enters and leaves; above it, only their number.
    #[arg(long, env = "MADANG_PRESENCE_NAMES_MAX", default_value_t = 200)]
    pub presence_names_max: usize,

    /// Seconds between pings to a silent client. A client that is silent for more than twice as long is
    /// disconnected.
    #[arg(long, env = "MADANG_HEARTBEAT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub heartbeat_seconds: u64,

    /// Seconds over which a stopping gateway spreads the requests to its sockets to reconnect elsewhere.
    #[arg(long, env = "MADANG_RECONNECT_SPREAD_SECONDS", default_value_t = 5)]
    pub reconnect_spread_seconds: u64,

    /// Seconds after which a socket's client is told to reconnect, a tenth more or less, so that gateways that were added
    /// get their share; 0 means never.
    #[arg(long, env = "MADANG_MAX_SOCKET_AGE_SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=604_800))]
    pub max_socket_age_seconds: u64,

    /// The most sockets per second that are told so.
    #[arg(long, env = "MADANG_RETIREMENTS_PER_SECOND", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub retirements_per_second: u32,

    /// Uploaded files.
    #[command(flatten, next_help_heading = "Files")]
    pub files: FileSettings,

    /// TLS of the listener.
    #[command(flatten, next_help_heading = "TLS for clients")]
    pub tls: ListenerTlsSettings,

    /// The embedding site's own tokens.
    #[command(flatten, next_help_heading = "The embedding site's tokens")]
    pub issuer: IssuerSettings,

    /// The Channels dialect.
    #[command(flatten, next_help_heading = "Channels dialect")]
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

    /// The age at which a socket's client is told to reconnect, if there is one.
    #[must_use]
    pub const fn max_socket_age(&self) -> Option<Duration> {
        match self.max_socket_age_seconds {
            0 => None,
            seconds => Some(Duration::from_secs(seconds)),
        }
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
