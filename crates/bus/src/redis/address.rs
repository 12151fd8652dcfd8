//! The address of Redis as a setting gives it: one server, or a cluster by some of its nodes.

use redis::{
    ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    io::tcp::TcpSettings,
};

/// Both spellings are in use among clients of Redis; those with two `s` are by TLS.
const CLUSTER_SCHEMES: [(&str, bool); 4] = [
    ("redis+cluster://", false),
    ("redis-cluster://", false),
    ("rediss+cluster://", true),
    ("rediss-cluster://", true),
];

/// The address of Redis.
#[derive(Debug)]
pub(super) enum Address {
    /// One server, or something that stands for one: a proxy, or a name that follows a failover.
    Single(ConnectionInfo),
    /// A Redis Cluster.
    Cluster {
        /// Nodes that know where the others are.
        seeds: Vec<ConnectionAddr>,
        /// The login at every node.
        login: RedisConnectionInfo,
        /// Whether every node is reached by TLS.
        by_tls: bool,
    },
}

/// Whether a URL names a cluster.
pub(super) fn is_cluster(url: &str) -> bool {
    after_cluster_scheme(url).is_some()
}

fn after_cluster_scheme(url: &str) -> Option<(&str, bool)> {
    CLUSTER_SCHEMES.iter().find_map(|(scheme, by_tls)| Some((url.strip_prefix(scheme)?, *by_tls)))
}

impl Address {
    /// `redis://[user:password@]host[:port][/database]`, or
    /// `redis+cluster://[user:password@]host[:port][,host[:port]…]`, where all nodes have the same user and password. With
    /// `rediss` in place of `redis`, by TLS.
    pub(super) fn parse(url: &str) -> RedisResult<Self> {
        let Some((rest, by_tls)) = after_cluster_scheme(url) else {
            return Ok(Self::Single(tcp(url.into_connection_info()?)));
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let hosts_at = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = authority.split_at(hosts_at);
        let (mut seeds, mut login) = (Vec::new(), RedisConnectionInfo::default());
        for host in hosts.split(',') {
            let node = format!("redis://{user}{}{tail}", host.trim()).into_connection_info()?;
            if node.redis_settings().db() != 0 {
                return Err((ErrorKind::InvalidClientConfig, "a Redis Cluster has no databases but 0").into());
            }
            seeds.push(node.addr().clone());
            login = node.redis_settings().clone();
        }
        Ok(Self::Cluster { seeds, login, by_tls })
    }
}

impl Address {
    /// Whether connections are by TLS.
    pub(super) fn is_by_tls(&self) -> bool {
        match self {
            Self::Single(node) => matches!(node.addr(), ConnectionAddr::TcpTls { .. }),
            Self::Cluster { by_tls, .. } => *by_tls,
        }
    }
}

/// Adds the settings of the socket.
pub(super) fn tcp(node: ConnectionInfo) -> ConnectionInfo {
    // Small commands must not wait for the acknowledgement of earlier ones (Nagle's algorithm).
    node.set_tcp_settings(TcpSettings::default().set_nodelay(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> (Vec<ConnectionAddr>, RedisConnectionInfo) {
        match Address::parse(url).unwrap() {
            Address::Cluster { seeds, login, .. } => (seeds, login),
            Address::Single(node) => panic!("one server: {node:?}"),
        }
    }

    #[test]
    fn the_nodes_of_a_cluster_share_user_and_password() {
        for (scheme, _) in CLUSTER_SCHEMES {
            let (seeds, login) = parse(&format!("{scheme}mina:a%40b@one:7001, two,[::1]:7003/"));
            let expected = [("one", 7001), ("two", 6379), ("::1", 7003)];
            assert_eq!(seeds, expected.map(|(host, port)| ConnectionAddr::Tcp(host.to_owned(), port)));
            assert_eq!((login.username(), login.password()), (Some("mina"), Some("a@b")));
        }
        let (seeds, login) = parse("redis+cluster://one");
        assert_eq!((seeds.len(), login.username(), login.password()), (1, None, None));
    }

    #[test]
    fn other_urls_name_one_server_or_are_refused() {
        assert!(matches!(Address::parse("redis://one/3"), Ok(Address::Single(_))));
        for (url, by_tls) in [
            ("redis://one", false),
            ("rediss://one", true),
            ("redis+cluster://one", false),
            ("rediss+cluster://one,two", true),
        ] {
            assert_eq!(Address::parse(url).unwrap().is_by_tls(), by_tls, "{url}");
        }
        for wrong in
            ["redis+cluster://", "redis+cluster://one,", "redis+cluster://one/3", "http://one", "one,two"]
        {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }
}
