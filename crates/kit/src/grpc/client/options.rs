//! How a channel behaves.

use std::{sync::Arc, time::Duration};

use madang_domain::ServiceName;

use crate::{
    Check,
    clock::{Random, SystemRandom},
    grpc::CallSecret,
    tls::ServiceTls,
};

/// How a channel behaves.
pub struct ClientOptions {
    /// Longest time to connect to one replica.
    pub connect_timeout: Duration,
    /// Longest time for any call; callers have shorter deadlines of their own.
    pub call_timeout: Duration,
    /// How often host names are looked up.
    pub resolve_interval: Duration,
    /// Told whether a replica serves.
    pub check: Option<Check>,
    /// This side's certificate, and the service that must be on the other side. The URLs then begin with `https`.
    pub tls: Option<(ServiceTls, ServiceName)>,
    /// The secret that calls show.
    pub secret: Option<CallSecret>,
    /// Draws the delays of probes.
    pub random: Arc<dyn Random>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            call_timeout: Duration::from_secs(30),
            resolve_interval: Duration::from_secs(5),
            check: None,
            tls: None,
            secret: None,
            random: Arc::new(SystemRandom),
        }
    }
}

impl std::fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("call_timeout", &self.call_timeout)
            .field("resolve_interval", &self.resolve_interval)
            .field("check", &self.check)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
