//! What other gateways published, on its way to the hubs of this one.

use bytes::Bytes;
use madang_bus::{Deliveries, Delivery};
use madang_kit::telemetry;
use tracing::{Instrument as _, info, warn};

use super::{Fanout, envelope, publication::Publication};

impl Fanout {
    /// Delivers what other gateways published, until the bus closes.
    pub(crate) async fn receive(self, mut deliveries: Deliveries) {
        while let Some(delivery) = deliveries.recv().await {
            match delivery {
                Delivery::Entries(entries) => self.take(entries).await,
                Delivery::Presence(changes) => self.hubs.presence(changes).await,
                Delivery::Reset(reason) => {
                    info!(%reason, "comparing all heads with the store");
                    self.hubs.sweep_all().await;
                }
                Delivery::PeerGone(gateway) => {
                    info!(%gateway, "another gateway died; comparing all heads with the store");
                    self.hubs.sweep_all().await;
                }
            }
        }
    }

    async fn take(&self, entries: Vec<Bytes>) {
        let span = tracing::trace_span!(target: telemetry::SPAN_TARGET, "deliver", entries = entries.len());
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            match envelope::decode(entry, &span) {
                Ok(Publication::Event(event)) => events.push(event),
                Ok(ephemeral @ Publication::Ephemeral(_)) => self.deliver(ephemeral).await,
                // A later version of the gateway may have published it. What matters of it is in the log.
                Err(error) => warn!(%error, "an entry of another gateway cannot be read"),
            }
        }
        self.hubs.deliver_all(events).instrument(span).await;
    }
}
