//! Where the gateways of one process connect.

use std::{sync::Arc, time::Duration};

use madang_domain::GatewayId;

use super::{
    budgets::{Budgets, InProcessBudgets},
    bus::InProcessBus,
    directory::SharedDirectory,
    presence::InProcessPresence,
    queue::{GatewayQueue, IN_PROCESS_QUEUE_DELIVERIES},
};
use crate::bus::Connected;

/// What the gateways of one process share. Clones are the same exchange.
#[derive(Debug, Clone)]
pub struct InProcessExchange {
    directory: SharedDirectory,
    budgets: Budgets,
}

impl InProcessExchange {
    /// An exchange without gateways.
    #[must_use]
    pub fn new() -> Self {
        Self { directory: SharedDirectory::new(), budgets: Budgets::new() }
    }

    /// The same exchange with another grace for users who have left, or without presence.
    #[must_use]
    pub fn with_presence(self, grace: Option<Duration>) -> Self {
        let Self { mut directory, budgets } = self;
        directory.presence_grace = grace;
        Self { directory, budgets }
    }

    /// Connects a gateway. An id stands for one run of a gateway and connects once.
    ///
    /// Dropping the bus without [`Bus::close`](crate::Bus::close) counts as a death: the other gateways receive
    /// [`Delivery::PeerGone`](crate::Delivery::PeerGone).
    #[must_use]
    pub fn connect(&self, gateway: GatewayId) -> Connected {
        let (queue, deliveries) = GatewayQueue::new(gateway, IN_PROCESS_QUEUE_DELIVERIES);
        let queue = Arc::new(queue);
        self.directory.write().gateways.insert(gateway, Arc::clone(&queue));
        let presence = Arc::new(InProcessPresence::new(self.directory.clone(), Arc::clone(&queue)));
        let budgets = InProcessBudgets { budgets: self.budgets.clone(), directory: self.directory.clone() };
        Connected {
            bus: Arc::new(InProcessBus::new(self.directory.clone(), queue)),
            presence,
            budgets: Arc::new(budgets),
            deliveries,
        }
    }
}

impl Default for InProcessExchange {
    fn default() -> Self {
        Self::new()
    }
}
