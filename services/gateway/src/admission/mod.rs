//! Who may enter and how much each user may use: the pace of admissions, and the limits of one user.

mod queue;
mod user_limits;

pub(crate) use queue::{AdmissionQueue, admit};
pub(crate) use user_limits::{SocketPermit, UserLimits, UserUsage};
