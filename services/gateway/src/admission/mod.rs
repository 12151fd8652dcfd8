//! The rate limit of new sockets, and the limits of one user.

mod queue;
mod user_limits;

pub(crate) use queue::{AdmissionQueue, admit};
pub(crate) use user_limits::{SocketPermit, UserLimits, UserUsage};
