//! The budgets that the gateways of one process share.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use madang_flow_control::KeyedRateLimiter;
use tokio::time::Instant;

use super::directory::SharedDirectory;
use crate::budgets::{BudgetError, SharedBudgets, TakeFromBudget, Taken};

/// The budgets that are kept; past it the one that was used least recently is full again.
const KEPT_BUDGETS: usize = 100_000;

/// The budgets of one exchange.
#[derive(Clone)]
pub(super) struct Budgets {
    epoch: Instant,
    buckets: Arc<KeyedRateLimiter<String>>,
}

impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").finish_non_exhaustive()
    }
}

impl Budgets {
    pub(super) fn new() -> Self {
        Self { epoch: Instant::now(), buckets: Arc::new(KeyedRateLimiter::new(KEPT_BUDGETS)) }
    }
}

/// One gateway's way to them.
pub(super) struct InProcessBudgets {
    pub(super) budgets: Budgets,
    pub(super) directory: SharedDirectory,
}

#[async_trait]
impl SharedBudgets for InProcessBudgets {
    fn gateways(&self) -> u32 {
        u32::try_from(self.directory.read().gateways.len()).unwrap_or(u32::MAX).max(1)
    }

    async fn take(&self, take: TakeFromBudget<'_>) -> Result<Taken, BudgetError> {
        let TakeFromBudget { budget, rate, least, most } = take;
        let now = u64::try_from(self.budgets.epoch.elapsed().as_micros()).unwrap_or(u64::MAX);
        let taken = self.budgets.buckets.take_up_to(budget.to_owned(), least, most, rate, now);
        Ok(taken.map_or_else(Taken::Refused, Taken::Granted))
    }
}
