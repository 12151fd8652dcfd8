//! The scenario of a gateway that is stopped with thousands of sockets.

use std::{path::Path, time::Duration};

use madang_chaos::{
    Error, Result, Settings,
    drain::{self, Drained, USER_SOCKETS_MAX},
    screen::Screen,
};
use madang_test_kit::Error as KitError;

use crate::place::Place;

/// The settings of the services on Kubernetes, and the Deployment of gateways.
const SETTINGS: &str = include_str!("../../../k8s/base/kustomization.yaml");
const GATEWAY: &str = include_str!("../../../k8s/base/gateway.yaml");

/// The bounds of a drain, as a gateway on Kubernetes has them.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The time over which sockets are told to reconnect.
    pub spread: Duration,
    /// The time limit of an orderly shutdown.
    pub drain: Duration,
    /// From `SIGTERM` to `SIGKILL`: the grace period without the sleep before it.
    pub grace: Duration,
}

impl Bounds {
    /// Reads them from the manifests.
    #[must_use]
    pub fn of_kubernetes() -> Self {
        let grace = seconds_after(GATEWAY, "terminationGracePeriodSeconds: ");
        Self {
            spread: seconds_after(SETTINGS, "MADANG_RECONNECT_SPREAD_SECONDS="),
            drain: seconds_after(SETTINGS, "MADANG_DRAIN_SECONDS="),
            grace: grace.saturating_sub(seconds_after(GATEWAY, "sleep: { seconds: ")),
        }
    }
}

/// The number that follows a text; none where the text is not there, which a test excludes.
fn seconds_after(manifest: &str, text: &str) -> Duration {
    let after = manifest.split(text).nth(1).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    Duration::from_secs(digits.parse().unwrap_or_default())
}

/// Runs the scenario.
///
/// # Errors
/// When something cannot be started, or the gateway does not end.
pub async fn run(settings: &Settings, logs: &Path, screen: &Screen) -> Result<Drained> {
    screen.step("making hosts, and starting a process on each");
    let bounds = Bounds::of_kubernetes();
    let own = [
        ("MADANG_RECONNECT_SPREAD_SECONDS", bounds.spread.as_secs().to_string()),
        ("MADANG_DRAIN_SECONDS", bounds.drain.as_secs().to_string()),
        ("MADANG_MAX_USER_SOCKETS", USER_SOCKETS_MAX.to_string()),
    ];
    let place = Place::start(logs, &own).await?;
    let Some(leaving) = place.gateways().first() else {
        return Err(Error::Kit(KitError::NotRunning { name: "gateway-1".to_owned() }));
    };
    let drained = drain::run(&place.gateway_addresses(), leaving, settings, screen).await?;
    screen.step("stopping");
    place.stop().await?;
    screen.done();
    Ok(drained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_have_the_bounds() {
        let Bounds { spread, drain, grace } = Bounds::of_kubernetes();
        assert!(Duration::ZERO < spread && spread < drain && drain < grace, "{spread:?} {drain:?} {grace:?}");
    }
}
