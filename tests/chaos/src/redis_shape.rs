//! How many servers Redis is: the settings say it, it decides which faults there are, and the site starts them.

use std::fmt;

use clap::ValueEnum;

/// How many servers Redis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RedisShape {
    /// One server, with an append-only file, behind a line from each gateway.
    Single,
    /// A Redis Cluster of three masters with a replica each, without persistence, each behind a line that all gateways
    /// share.
    Cluster,
}

impl fmt::Display for RedisShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Single => "one Redis",
            Self::Cluster => "a Redis Cluster of three masters and three replicas",
        })
    }
}
