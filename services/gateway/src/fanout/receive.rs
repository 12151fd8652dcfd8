//! What other gateways published, on its way to the hubs of this one.

use bytes::Bytes;
use madang_bus::{Deliveries, Delivery};
use tracing::{Instrument as _, info, warn};

use super::{Fanout, envelope, publication::Publication};
use crate::hub::Arrival;

impl Fanout {
    /// Delivers what other gateways published, until the bus closes.
    pub(crate) async fn receive(self, mut deliveries: Deliveries) {
        while let Some(delivery) = deliveries.recv().await {
            match delivery {
                Delivery::Entries(entries) => self.take(entries).await,
                Delivery::Presence(changes) => self.hubs.presence(changes).await,
                Delivery::Reset(reason) => {
                    info!(%reason, "comparing all heads with the store");
                    self.lost.notify_one();
                    self.hubs.sweep_all().await;
                }
                Delivery::PeerGone(gateway) => {
                    info!(%gateway, "another gateway died; comparing all heads with the store");
                    self.lost.notify_one();
                    self.hubs.sweep_all().await;
                }
            }
        }
    }

    async fn take(&self, entries: Vec<Bytes>) {
        let mut receiving = self.spans.receiving(entries.len());
        let mut arrivals = Vec::with_capacity(entries.len());
        for entry in entries {
            match envelope::decode(entry) {
                Ok((Publication::Event(event), publisher)) => {
                    arrivals.push(Arrival { event, span: receiving.follow(publisher) });
                }
                Ok((passing, publisher)) => self.deliver(passing, receiving.follow(publisher)).await,
                // A later version of the gateway may have published it. What matters of it is in the log.
                Err(error) => warn!(%error, "an entry of another gateway cannot be read"),
            }
        }
        self.hubs.deliver_all(arrivals).instrument(receiving.span()).await;
    }
}
