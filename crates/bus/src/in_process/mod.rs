//! The bus of gateways that live in one process: a map of subscribers and a bounded queue for each gateway.

mod budgets;
mod bus;
mod directory;
mod exchange;
mod presence;
mod presence_map;
mod queue;

pub use exchange::InProcessExchange;
pub use queue::IN_PROCESS_QUEUE_DELIVERIES;
