//! How gateways send entries to each other.
//!
//! The bus knows topics and opaque entries, never events. A gateway *subscribes* to the topics in which it
//! has sockets. An entry that is *published* to a topic reaches every other subscribed gateway. Two variants
//! keep the same promises: [`InProcessExchange`] connects gateways of one process, and [`redis::connect`]
//! connects gateways that share a Redis.
//!
//! # What is promised
//!
//! - Entries of one topic from one gateway arrive in the order in which they were published. An entry may arrive twice
//!   after a connection was cut; its `seq` lets the receiver drop the second copy.
//! - Delivery is best effort. The bus reports a loss that it can see: after [`Delivery::Reset`] the receiver compares the
//!   heads of its topics with the store. The receiver's own sweep finds what no gateway can see, such as an entry that was
//!   dropped by a publisher that then died.
//! - Nothing here waits for a slow part without a bound: queues drop or push back, and calls have deadlines.

mod budgets;
mod bus;
mod in_process;
mod metrics;
mod presence;
pub mod redis;
mod status;

pub use budgets::{BudgetError, SharedBudgets, TakeFromBudget, Taken};
pub use bus::{Bus, Connected, Deliveries, Delivery, Medium, Published, ResetReason, Subscribed};
pub use in_process::{IN_PROCESS_QUEUE_DELIVERIES, InProcessExchange};
pub use metrics::BusMetrics;
pub use presence::{PRESENCE_GRACE, Presence, PresenceChange, PresenceError, Present, PresentPage};
pub use status::{BusStatus, ShardFault, ShardStatus};
