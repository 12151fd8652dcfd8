//! The cluster that a story plays on.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use madang_domain::RoomId;
use madang_test_kit::{Cluster, ClusterOptions, PATIENCE, Process, Program, eventually, within};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpStream,
};

/// More than any story sends: for those that are not about the rate limit.
const NO_RATE_LIMIT: &str = "1000000";

/// Options of a cluster whose users may do what they do as fast as they can.
#[must_use]
pub fn fast_sends() -> ClusterOptions {
    ClusterOptions::default()
        .with_setting(Program::Gateway, "MADANG_SENDS_PER_SECOND", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_SENDS_BURST", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_ADDRESS_SENDS_PER_SECOND", "0")
        .with_setting(Program::Gateway, "MADANG_READS_PER_SECOND", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_READS_BURST", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_ADDRESS_READS_PER_SECOND", "0")
        .with_setting(Program::Gateway, "MADANG_ROOM_SENDS_PER_SECOND", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_ROOM_CREATIONS_PER_MINUTE", NO_RATE_LIMIT)
        .with_setting(Program::Gateway, "MADANG_MEMBER_ADDITIONS_PER_MINUTE", NO_RATE_LIMIT)
}

/// A cluster with what stories ask of it.
#[derive(Debug)]
pub struct Stage {
    /// The processes.
    pub cluster: Cluster,
}

impl Stage {
    /// Starts a cluster.
    ///
    /// # Panics
    /// When it does not start; the message holds the end of the log that says why.
    pub async fn start(options: ClusterOptions) -> Self {
        match Cluster::start(options).await {
            Ok(cluster) => Self { cluster },
            Err(error) => panic!("the cluster does not start: {error}"),
        }
    }

    /// The ingress.
    #[must_use]
    pub fn ingress(&self) -> String {
        self.cluster.ingress_url()
    }

    /// A gateway's own address, counted from 0.
    #[must_use]
    pub fn gateway(&self, index: usize) -> String {
        self.cluster.gateway(index).base_url()
    }

    /// The processes by name, with their ids: to be compared at the end of a story.
    #[must_use]
    pub fn pids(&self) -> HashMap<String, u32> {
        self.cluster.processes().into_iter().map(|entry| (entry.name, entry.pid)).collect()
    }

    /// The store's log of a room.
    pub async fn log_of(&self, room: RoomId) -> Vec<crate::LogRow> {
        crate::log_of(&self.cluster.message_store_database_url(), room).await
    }

    /// Waits until the ingress has logged so many requests for a path. It writes the line of a request after its end, and
    /// that of a socket after the socket's: what the services log of them is there by then.
    ///
    /// # Panics
    /// When there is no ingress, or its lines do not come.
    pub async fn until_logged(&self, path: &str, requests: usize) {
        let log = self.cluster.nginx().expect("an ingress").process().log();
        let path = format!("\"path\":\"{path}\"");
        let awaited = format!("{requests} lines of the ingress with {path}");
        eventually(PATIENCE, &awaited, async || {
            let log = std::fs::read_to_string(log).expect("the ingress's log");
            (log.lines().filter(|line| line.contains(&path)).count() >= requests).then_some(())
        })
        .await;
    }

    /// The gateways that listen to a room, as Redis has them.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn listeners_of(&self, room: RoomId) -> Vec<String> {
        let mut redis = self.cluster.redis().connection().await.expect("Redis");
        let mut smembers = redis::cmd("SMEMBERS");
        smembers.arg(format!("madang:{{0}}:listeners:room:{room}"));
        let mut gateways: Vec<String> = smembers.query_async(&mut redis).await.expect("SMEMBERS");
        gateways.sort();
        gateways
    }

    /// Looks on from now on while gateways register in Redis to listen to rooms.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn watch_registrations(&self) -> Registrations {
        let mut redis = TcpStream::connect(self.cluster.redis().address()).await.expect("Redis");
        redis.write_all(b"MONITOR\r\n").await.expect("MONITOR");
        let mut told = BufReader::new(redis).lines();
        let began = within(PATIENCE, "MONITOR", told.next_line()).await.expect("an answer");
        assert_eq!(began.as_deref(), Some("+OK"));
        Registrations { told }
    }

    /// How many entries that hold a text are in each gateway's inbox, by gateway.
    ///
    /// # Panics
    /// When Redis does not answer.
    pub async fn entries_with(&self, text: &str) -> HashMap<String, usize> {
        let mut redis = self.cluster.redis().connection().await.expect("Redis");
        let gateways: Vec<String> = redis::cmd("SMEMBERS")
            .arg("madang:{0}:gateways")
            .query_async(&mut redis)
            .await
            .expect("SMEMBERS");
        let mut counts = HashMap::new();
        for gateway in gateways {
            let mut xrange = redis::cmd("XRANGE");
            xrange.arg(format!("madang:{{0}}:inbox:{gateway}")).arg("-").arg("+");
            let entries: redis::streams::StreamRangeReply =
                xrange.query_async(&mut redis).await.expect("XRANGE");
            let holds = |value: &redis::Value| match value {
                redis::Value::BulkString(bytes) => {
                    bytes.windows(text.len()).any(|window| window == text.as_bytes())
                }
                _ => false,
            };
            let count = entries.ids.iter().filter(|entry| entry.map.get("e").is_some_and(holds)).count();
            counts.insert(gateway, count);
        }
        counts
    }
}

/// What Redis tells of registrations, also of those that are taken back at once.
#[derive(Debug)]
pub struct Registrations {
    told: Lines<BufReader<TcpStream>>,
}

impl Registrations {
    /// Every room to which a gateway has begun to listen, up to the registration for one of them.
    ///
    /// # Panics
    /// When that does not come in time.
    pub async fn up_to(&mut self, last: RoomId) -> HashSet<RoomId> {
        const KEY: &str = ":listeners:room:";
        let mut rooms = HashSet::new();
        within(PATIENCE, "a registration", async {
            while !rooms.contains(&last) {
                let line = self.told.next_line().await.expect("Redis").expect("Redis is there");
                if line.contains("\"SADD\"")
                    && let Some((_, rest)) = line.split_once(KEY)
                {
                    rooms.extend(rest.split('"').next().and_then(|room| room.parse::<RoomId>().ok()));
                }
            }
        })
        .await;
        rooms
    }
}

/// Every process of a cluster still is the one that it was.
///
/// # Panics
/// When one has ended, or is another.
pub fn still_running<'a>(handles: impl Iterator<Item = &'a Process>, before: &HashMap<String, u32>) {
    for process in handles {
        assert!(process.is_running(), "{} has ended", process.name());
        assert_eq!(before.get(process.name()), Some(&process.pid()), "{} was restarted", process.name());
    }
}

/// The logs that hold a text, out of these.
#[must_use]
pub fn logs_contain<'a>(logs: impl Iterator<Item = &'a Path>, text: &str) -> Vec<String> {
    let holds = |log: &&Path| {
        let bytes = std::fs::read(log).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    logs.filter(holds).map(|log| log.display().to_string()).collect()
}
