//! Who may enter and how much each may use: the pace of admissions, the limits of one address and of one user, and the
//! budgets from which commands are paid.

mod addresses;
mod blocked;
mod budgets;
mod departures;
mod hides;
mod queue;
mod reads;
mod shared;
mod standing;
mod user_limits;

pub(crate) use addresses::{AddressConnections, AddressPermit, Handshake, Handshakes};
pub(crate) use blocked::BeforeBlocked;
pub(crate) use budgets::{
    Actor, BudgetSettings, Budgets, Cost, PARTS_OF_A_MESSAGE, PROFILE_TOPICS_MAX, Spent,
};
pub(crate) use departures::Departures;
pub(crate) use hides::{BeforeRead, Hides};
pub(crate) use queue::{AdmissionQueue, admit};
pub(crate) use reads::{ReadBudgets, ReadSettings, Reads};
pub(crate) use shared::{Price, SharedKey, SharedLimits, Whose};
pub(crate) use standing::Limits;
pub(crate) use user_limits::{SocketPermit, UploadPermit, UserLimits, UserUsage};
