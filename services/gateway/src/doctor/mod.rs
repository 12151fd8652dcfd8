//! What `doctor` says of a gateway: whether the settings fit together, open files, ports, Redis, the site's keys.

mod redis;
mod upstream;

use std::{sync::Arc, time::Duration};

use madang_kit::{
    FileLimit, StartError,
    clock::Clock,
    doctor::{Finding, Speaks, contradiction, files, port},
};

pub(crate) use self::upstream::upstream;
use crate::{GatewaySettings, RedisUrl, credentials::Issuer, metrics::Counters};

/// What a gateway's shutdown takes besides the time over which sockets are told to reconnect: 8 s for commands in
/// progress, 3 s for the bus.
const DRAIN_BESIDE_SPREAD: Duration = Duration::from_secs(11);

/// Checks the settings against each other, before anything is waited for.
///
/// # Errors
/// When they contradict each other, or name what cannot be.
pub fn check_settings(settings: &GatewaySettings, redis: &RedisUrl) -> Result<(), StartError> {
    settings.issuer.policy()?;
    redis.settings(settings.presence_grace()).map(drop)
}

/// Looks at what the gateway would meet. `drain` is the limit of its shutdown.
pub async fn examine(
    settings: &GatewaySettings,
    redis: &RedisUrl,
    drain: Duration,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let mut findings = vec![];
    let contradictions = [settings.issuer.policy().err(), redis.settings(settings.presence_grace()).err()];
    findings.extend(contradictions.iter().flatten().map(contradiction));
    let drain_min = settings.reconnect_spread() + DRAIN_BESIDE_SPREAD;
    if drain < drain_min {
        findings.push(Finding::warning(
            "settings.drain",
            "Settings",
            format!(
                "MADANG_DRAIN_SECONDS={} is too short for MADANG_RECONNECT_SPREAD_SECONDS={}: the shutdown cuts work off",
                drain.as_secs(),
                settings.reconnect_spread().as_secs()
            ),
            format!("set MADANG_DRAIN_SECONDS to {} or more", drain_min.as_secs()),
        ));
    }
    findings.push(files(FileLimit::current(), u64::try_from(settings.max_connections).unwrap_or(u64::MAX)));
    // With a certificate it does not answer plain HTTP.
    let speaks = if settings.tls.http_tls_certificate.is_some() { Speaks::Other } else { Speaks::Health };
    findings.push(port("MADANG_HTTP_ADDR", settings.http_addr, speaks).await);
    findings.extend(issuer(settings).await);
    findings.extend(redis::examine(settings, redis, clock).await);
    findings
}

/// Whether the public keys of the site can be had.
async fn issuer(settings: &GatewaySettings) -> Option<Finding> {
    const CHECK: &str = "issuer.keys";
    const ABOUT: &str = "The site's tokens";
    // A contradiction is told elsewhere.
    settings.issuer.policy().ok()??;
    let issuer = match Issuer::new(&settings.issuer, &Arc::new(Counters::default())).await {
        Ok(issuer) => issuer?,
        Err(error) => {
            let advice =
                "correct the file: a JSON Web Key Set (RFC 7517) with a key of an accepted algorithm";
            return Some(Finding::error(CHECK, ABOUT, error.to_string(), advice));
        }
    };
    Some(match issuer.fetch_keys().await {
        Ok(()) => Finding::ok(CHECK, ABOUT, "the keys that verify them are here"),
        Err(why) => Finding::warning(
            CHECK,
            ABOUT,
            format!("{why}: a gateway that starts now refuses these tokens until the keys come"),
            "check MADANG_ISSUER_JWKS_URL, and that this host may reach it",
        ),
    })
}
