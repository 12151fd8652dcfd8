//! From URLs to the addresses of replicas, again and again.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use http::Uri;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

/// Longest time for one look-up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Least time between look-ups that failures ask for, so that a dead service does not flood the resolver.
const LOOKUP_PAUSE: Duration = Duration::from_millis(500);

/// A URL that no channel can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not the URL of a service, such as http://127.0.0.1:7001: {reason}")]
pub struct InvalidUrl {
    /// The URL; those of services hold no credentials.
    pub url: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// One replica of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    /// Where it is.
    pub(super) address: SocketAddr,
    /// The URL that it was found by; calls name its host.
    pub(super) origin: Uri,
}

impl Replica {
    pub(super) fn uri(&self) -> Uri {
        // An address is a valid authority.
        let scheme = self.origin.scheme_str().unwrap_or("http");
        Uri::try_from(format!("{scheme}://{}", self.address)).unwrap_or_default()
    }
}

/// Where a service is looked for.
#[derive(Debug)]
pub(super) struct Targets(Vec<Target>);

#[derive(Debug)]
struct Target {
    origin: Uri,
    host: String,
    port: u16,
    /// What the last look-up that worked found: when the resolver is down, replicas are not.
    found: Vec<SocketAddr>,
}

impl Targets {
    /// Parses a list separated by commas. With TLS, `https` is the scheme of each URL.
    pub(super) fn parse(urls: &str, with_tls: bool) -> Result<Self, InvalidUrl> {
        let urls: Vec<&str> = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
        if urls.is_empty() {
            return Err(InvalidUrl { url: String::new(), reason: "it is empty" });
        }
        urls.into_iter().map(|url| Target::parse(url, with_tls)).collect::<Result<_, _>>().map(Self)
    }

    /// Looks all of them up; each address once.
    async fn resolve(&mut self, service: &str) -> Vec<Replica> {
        let mut replicas = BTreeMap::new();
        for target in &mut self.0 {
            let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
            match timeout(LOOKUP_TIMEOUT, lookup).await {
                Ok(Ok(found)) => target.found = found.collect(),
                Ok(Err(error)) => {
                    tracing::warn!(service, host = %target.host, %error, "cannot look the host up");
                }
                Err(_) => tracing::warn!(service, host = %target.host, "cannot look the host up in time"),
            }
            for address in &target.found {
                replicas.entry(*address).or_insert_with(|| target.origin.clone());
            }
        }
        replicas.into_iter().map(|(address, origin)| Replica { address, origin }).collect()
    }
}

impl Target {
    fn parse(url: &str, with_tls: bool) -> Result<Self, InvalidUrl> {
        let invalid = |reason| InvalidUrl { url: url.to_owned(), reason };
        let origin: Uri = url.parse().map_err(|_| invalid("it cannot be parsed"))?;
        match (origin.scheme_str(), with_tls) {
            (Some("http"), false) | (Some("https"), true) => {}
            (Some("http"), true) => {
                return Err(invalid("it begins with http, and this process has a certificate: use https"));
            }
            (Some("https"), false) => {
                return Err(invalid("it begins with https, which needs MADANG_TLS_CERTIFICATE_FILE"));
            }
            _ => return Err(invalid("its scheme is neither http nor https")),
        }
        let (Some(host), Some(port)) = (origin.host(), origin.port_u16()) else {
            return Err(invalid("its host or port is missing"));
        };
        if !matches!(origin.path(), "" | "/") || origin.query().is_some() {
            return Err(invalid("it has a path or a query"));
        }
        // An IPv6 address stands in brackets, and is looked up without them.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { origin, host, port, found: Vec::new() })
    }
}

/// Looks up at each interval, and soon after `again` asks for it; tells the set when it has changed.
pub(super) async fn run(
    service: &'static str,
    mut targets: Targets,
    interval: Duration,
    again: Arc<Notify>,
    resolved: watch::Sender<Vec<Replica>>,
) {
    loop {
        let found = targets.resolve(service).await;
        resolved.send_if_modified(|known| {
            let changed = *known != found;
            if changed {
                tracing::debug!(service, replicas = found.len(), "replicas changed");
                *known = found;
            }
            changed
        });
        tokio::select! {
            () = resolved.closed() => return,
            () = sleep(interval) => {}
            () = again.notified() => sleep(LOOKUP_PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        for url in
            ["", ",", "auth:9000", "https://auth:9000", "http://auth", "http://auth:9000/v1", "http://a b:1"]
        {
            assert!(Targets::parse(url, false).is_err(), "{url:?}");
        }
        assert!(Targets::parse("http://auth:9000", true).is_err());
        assert!(Targets::parse("https://auth:9000", true).is_ok());
        for url in ["http://auth:9000", "http://127.0.0.1:1, http://127.0.0.1:2/", "http://[::1]:9000"] {
            assert!(Targets::parse(url, false).is_ok(), "{url:?}");
        }
    }

    #[tokio::test]
    async fn an_address_counts_once_and_survives_a_failed_look_up() {
        let mut targets =
            Targets::parse("http://127.0.0.1:1,http://127.0.0.1:1,http://[::1]:2", false).unwrap();
        let replicas = targets.resolve("test").await;
        let addresses: Vec<_> = replicas.iter().map(|replica| replica.address.to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1:1", "[::1]:2"]);
        for target in &mut targets.0 {
            target.host = "no.such.host.invalid".to_owned();
        }
        assert_eq!(targets.resolve("test").await, replicas);
    }
}
