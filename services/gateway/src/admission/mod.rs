//! Who may enter and how much each may use: the pace of admissions, the limits of one address and of one user.

mod addresses;
mod queue;
mod user_limits;

pub(crate) use addresses::{AddressConnections, AddressPermit, Handshake, Handshakes, Network};
pub(crate) use queue::{AdmissionQueue, admit};
pub(crate) use user_limits::{SocketPermit, UserLimits, UserUsage};
