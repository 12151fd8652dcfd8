//! The caller's limits.

use madang_contract::rest::CallerLimits;
use madang_domain::{Limit, Result};

use super::{Commands, fixed_limits::FixedLimits};
use crate::admission::{Actor, Handshakes, Limits};

impl Commands {
    /// The limits that apply to the actor, and what this gateway has left of them. It costs a read, and no write.
    pub(crate) fn limits(&self, actor: &Actor, handshakes: &Handshakes) -> Result<CallerLimits<'static>> {
        self.pay_read(actor)?;
        let FixedLimits { bounds, address_connections } = self.fixed_limits;
        let limits = Limits { budgets: &self.budgets, reads: &self.reads, handshakes, address_connections };
        let told = Limit::ALL.into_iter().filter_map(|limit| limits.told(limit, actor));
        Ok(CallerLimits { limits: told.collect(), bounds })
    }
}
