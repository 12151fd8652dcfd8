//! What is done to a Redis Cluster.

use std::time::Duration;

use redis::cmd;

use super::{RedisCluster, STOP_DEADLINE};
use crate::error::Result;
use crate::port::local;

/// Keys that one `MIGRATE` takes.
const MIGRATE_KEYS: usize = 100;

impl RedisCluster {
    /// Removes every stream whose key matches a pattern of `KEYS`; returns how many there were.
    ///
    /// # Errors
    /// When a master does not answer.
    pub async fn remove_streams(&self, pattern: &str) -> Result<usize> {
        let keys = self.keys(pattern).await?;
        for key in &keys {
            self.run::<()>(key, cmd("DEL").arg(key)).await?;
        }
        Ok(keys.len())
    }

    /// Removes all entries but the newest from every stream whose key matches a pattern of `KEYS`; returns how many
    /// streams there were.
    ///
    /// # Errors
    /// When a master does not answer.
    pub async fn trim_streams(&self, pattern: &str) -> Result<usize> {
        let keys = self.keys(pattern).await?;
        for key in &keys {
            self.run::<()>(key, cmd("XTRIM").arg(key).arg("MAXLEN").arg(1)).await?;
        }
        Ok(keys.len())
    }

    /// `FLUSHALL` on every master.
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn flush(&self) -> Result<()> {
        for master in self.masters().await {
            self.node(master).run::<()>(&cmd("FLUSHALL")).await?;
        }
        Ok(())
    }

    /// SIGKILL to a node.
    ///
    /// # Errors
    /// When the process does not go.
    ///
    /// # Panics
    /// When there is none of that number.
    pub async fn kill9(&self, node: usize) -> Result<()> {
        self.node(node).process.kill9().await
    }

    /// Starts a node again on its port, after a kill if it runs. It comes back empty, as what the others then make of it.
    ///
    /// # Errors
    /// When it does not come up again.
    ///
    /// # Panics
    /// When there is none of that number.
    pub async fn restart(&self, node: usize) -> Result<()> {
        let node = self.node(node);
        node.process.restart().await?;
        node.ready().await
    }

    /// Stops a node from running; its connections stay open and nothing answers.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn pause(&self, node: usize) {
        self.node(node).process.pause();
    }

    /// Lets a paused node run on.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn resume(&self, node: usize) {
        self.node(node).process.resume();
    }

    /// `CLUSTER FAILOVER`: a replica takes the place of its master, which lives. Returns when it has.
    ///
    /// # Errors
    /// When it does not in time.
    ///
    /// # Panics
    /// When there is none of that number.
    pub async fn failover(&self, replica: usize) -> Result<()> {
        let node = self.node(replica);
        node.run::<()>(cmd("CLUSTER").arg("FAILOVER")).await?;
        self.until("fail over", async || self.masters().await.contains(&replica)).await
    }

    /// Moves a slot with its keys to another master, as `redis-cli --cluster reshard` does.
    ///
    /// # Errors
    /// When a step of it is refused.
    ///
    /// # Panics
    /// When there is no node of that number.
    pub async fn move_slot(&self, slot: u16, to: usize) -> Result<()> {
        let set_slot = |what: &str, id: &str| {
            let mut command = cmd("CLUSTER");
            command.arg("SETSLOT").arg(slot).arg(what).arg(id);
            command
        };
        let Some(from) = self.master_of_slot(slot).await else {
            return Err(self.timed_out("serve a slot", Duration::ZERO));
        };
        let (from, to) = (self.node(from), self.node(to));
        let source: String = from.run(cmd("CLUSTER").arg("MYID")).await?;
        let target: String = to.run(cmd("CLUSTER").arg("MYID")).await?;
        to.run::<()>(&set_slot("IMPORTING", &source)).await?;
        from.run::<()>(&set_slot("MIGRATING", &target)).await?;
        loop {
            let mut get_keys = cmd("CLUSTER");
            get_keys.arg("GETKEYSINSLOT").arg(slot).arg(MIGRATE_KEYS);
            let keys: Vec<String> = from.run(&get_keys).await?;
            if keys.is_empty() {
                break;
            }
            let mut migrate = cmd("MIGRATE");
            migrate.arg(local(to.port).ip().to_string()).arg(to.port).arg("").arg(0);
            migrate.arg(STOP_DEADLINE.as_secs() * 1_000).arg("KEYS").arg(keys);
            from.run::<()>(&migrate).await?;
        }
        // The new owner first: a source that lets go alone would leave the slot to nobody.
        to.run::<()>(&set_slot("NODE", &target)).await?;
        from.run::<()>(&set_slot("NODE", &target)).await
    }
}
