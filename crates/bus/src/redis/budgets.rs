//! The budgets that gateways share through Redis. A budget is of one shard, by its name; its call uses the shard's command
//! connection, as all short calls do.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    connection::{SharedConnection, breaks_connection},
    keys::{ShardKeys, shard_of_budget},
    scripts::Scripts,
};
use crate::{
    budgets::{BudgetError, SharedBudgets, TakeFromBudget, Taken},
    metrics::BusMetrics,
};

/// A gateway's way to the shared budgets.
pub(super) struct RedisBudgets {
    pub(super) shards: Vec<ShardBudgets>,
    pub(super) scripts: Arc<Scripts>,
    pub(super) metrics: Arc<BusMetrics>,
}

/// The same of one shard.
pub(super) struct ShardBudgets {
    pub(super) connection: Arc<SharedConnection>,
    pub(super) keys: ShardKeys,
}

#[async_trait]
impl SharedBudgets for RedisBudgets {
    fn gateways(&self) -> u32 {
        // What one shard has not heard yet, another has: budgets are of all shards.
        self.shards.iter().map(|shard| shard.connection.gateways()).max().unwrap_or(u32::MAX)
    }

    async fn take(&self, take: TakeFromBudget<'_>) -> Result<Taken, BudgetError> {
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        let shard = self.shards.get(usize::from(shard_of_budget(take.budget, shards)));
        let shard = shard.ok_or(BudgetError::Unreachable)?;
        let mut current = shard.connection.current().ok_or(BudgetError::Unreachable)?;
        self.metrics.budget_calls.add(1);
        let taken = self.scripts.take_from_budget(&mut current.connection, &shard.keys, take).await;
        taken.map_err(|error| {
            if breaks_connection(&error) {
                shard.connection.report_failure(current.fence);
            }
            BudgetError::Redis(error)
        })
    }
}
