//! The judge: a pure function over what clients remember and what the store has.

mod availability;
mod class;
mod defect;
mod gaps;
mod inbox;
mod inbox_defect;
mod judge;
mod latency;
mod presence;
mod presence_defect;
mod received;
mod sent;
mod share;
#[cfg(test)]
mod tests;
mod verdict;

pub use class::Class;
pub use defect::{ClientIndex, Defect, DefectKind};
pub use gaps::Gaps;
pub use inbox_defect::InboxDefect;
pub use judge::judge;
pub use latency::Latencies;
pub use presence_defect::PresenceDefect;
pub use share::{Availability, FAILED_MAX, FAILED_ONCE_MAX, Share};
pub use verdict::{Counts, Found, Verdict};
