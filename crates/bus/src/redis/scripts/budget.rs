//! The call of `budget.lua`.

use std::time::Duration;

use redis::{RedisResult, aio::MultiplexedConnection};

use super::{
    command::{Text, call, query},
    loaded::Scripts,
};
use crate::{
    budgets::{TakeFromBudget, Taken},
    redis::keys::ShardKeys,
};

const NANOS_PER_MICRO: f64 = 1_000.0;

impl Scripts {
    /// Takes from a budget.
    pub(in crate::redis) async fn take_from_budget(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &ShardKeys,
        take: TakeFromBudget<'_>,
    ) -> RedisResult<Taken> {
        let TakeFromBudget { budget, rate, least, most } = take;
        let mut command = call(&self.budget, 8, 256);
        command.arg(1).arg(Text(format_args!("{}{budget}", keys.budget_prefix)));
        command.arg(rate.interval.as_nanos() as f64 / NANOS_PER_MICRO).arg(rate.burst).arg(least).arg(most);
        let (taken, wait_micros): (u32, u64) = query(&command, connection).await?;
        Ok(if taken > 0 { Taken::Granted(taken) } else { Taken::Refused(Duration::from_micros(wait_micros)) })
    }
}
