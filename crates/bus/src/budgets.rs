//! Budgets that all gateways share: rates of one user, one room, one address or one API key, whichever gateway is used.

use std::time::Duration;

use async_trait::async_trait;
use madang_flow_control::RateLimit;

/// A gateway's way to the budgets that it shares with the others; made together with its [`Bus`](crate::Bus).
///
/// A budget is a bucket of the generic cell rate algorithm, as [`madang_flow_control::RateLimit`] has it, at one place for
/// all gateways. It exists while it is not full. Gateways take from it in batches; what they took and do not use is lost.
#[async_trait]
pub trait SharedBudgets: Send + Sync + 'static {
    /// How many gateways share the budgets, this one included, as it last heard; at least one. A new gateway is known to the
    /// others after their next pulse. The only gateway has nothing to ask.
    fn gateways(&self) -> u32;

    /// Takes from a budget at least `least` and up to `most`, or nothing.
    ///
    /// # Errors
    ///
    /// When Redis does not answer in time. It may have taken them.
    async fn take(&self, take: TakeFromBudget<'_>) -> Result<Taken, BudgetError>;
}

/// What is taken from a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeFromBudget<'a> {
    /// The budget's name, the same at all gateways; a part of a key in Redis.
    pub budget: &'a str,
    /// How much it has. All gateways must say the same.
    pub rate: RateLimit,
    /// With fewer nothing is taken. More than a burst is there when the bucket is full.
    pub least: u32,
    /// No more are taken than these, or `least`.
    pub most: u32,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// So many were taken.
    Granted(u32),
    /// There are fewer than the least; after this time there are so many.
    Refused(Duration),
}

/// Why the bus cannot say how much of a budget is left.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// The bus has no connection, or was closed.
    #[error("Redis is unreachable")]
    Unreachable,
    /// Redis refused, or did not answer.
    #[error("Redis did not answer")]
    Redis(#[source] redis::RedisError),
}
