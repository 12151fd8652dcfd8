//! Whether another service can be reached.

use std::time::Duration;

use madang_kit::doctor::Finding;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::Url;

/// How long one address may take to accept a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// The addresses of one name that are tried.
const ADDRESSES_MAX: usize = 16;

/// Looks up the hosts of a setting with URLs, and connects to each of their addresses.
pub(crate) async fn upstream(check: &'static str, setting: &'static str, urls: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in urls.split(',').map(str::trim) {
        findings.push(one(check, setting, text).await);
    }
    findings
}

async fn one(check: &'static str, setting: &'static str, text: &str) -> Finding {
    const ABOUT: &str = "Other services";
    let parsed = Url::parse(text).ok();
    let Some((host, port)) =
        parsed.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)))
    else {
        let says = format!("{setting}: {text:?} is no URL, such as http://auth:7001");
        return Finding::error(check, ABOUT, says, "correct it");
    };
    // Brackets are of URLs alone.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<_> = match timeout(CONNECT_DEADLINE, lookup_host((name, port))).await {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if addresses.is_empty() {
        let advice =
            "check the name, and the name server of this host; on Kubernetes the Service and its namespace";
        return Finding::error(check, ABOUT, format!("{setting}: no host is called {host}"), advice);
    }
    let mut silent = Vec::new();
    for address in &addresses {
        if !matches!(timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await, Ok(Ok(_))) {
            silent.push(address.to_string());
        }
    }
    let answering = addresses.len() - silent.len();
    let advice = "check that the service runs and that this host may reach it (firewalls, network policies)";
    if answering == 0 {
        Finding::error(check, ABOUT, format!("{setting}: nobody accepts connections at {text}"), advice)
    } else if silent.is_empty() {
        Finding::ok(check, ABOUT, format!("{setting}: {text} accepts connections at {answering} addresses"))
    } else {
        let says = format!(
            "{setting}: {text} has {answering} addresses that accept connections, and not {}",
            silent.join(", ")
        );
        Finding::warning(check, ABOUT, says, advice)
    }
}

#[cfg(test)]
mod tests {
    use madang_kit::doctor::Level;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn each_url_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = format!("http://{}", listener.local_addr().unwrap());
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let findings = upstream(
            "upstream.auth",
            "MADANG_AUTH_URL",
            &format!("{open}, http://{closed},nonsense,http://madang.invalid:1"),
        )
        .await;
        let levels: Vec<_> = findings.iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Ok, Level::Error, Level::Error, Level::Error], "{findings:?}");
        assert!(findings[1].says.contains("nobody accepts"), "{findings:?}");
        assert!(findings[3].says.contains("no host is called madang.invalid"), "{findings:?}");
    }
}
