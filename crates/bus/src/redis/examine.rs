//! What a Redis is like and what it lets the gateways do, for whoever looks for mistakes. A few keys are written beside
//! the bus's own and vanish at once.

use std::{collections::BTreeMap, time::Instant};

use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value, aio::MultiplexedConnection, cmd};

use super::{
    locator::Servers,
    server::Server,
    settings::{RedisSettings, SettingsError},
    slots::tag_of,
};

/// How long the keys live that an examination leaves behind where it is cut short.
const KEY_LIFE_MS: u64 = 2_000;

/// One server, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `7.2.4`.
    pub version: String,
    /// Whether it takes writes.
    pub is_master: bool,
    /// Its time of day, in microseconds since 1970; 0 where this user may not ask for it.
    pub time_micros: i64,
    /// When it was asked for its time.
    pub asked: Instant,
    /// When it had said it.
    pub answered: Instant,
    /// The bytes that it may use; none where there is no bound.
    pub memory_max_bytes: Option<u64>,
    /// The bytes that it uses.
    pub memory_bytes: u64,
    /// What it does when they are used up, such as `noeviction`.
    pub eviction: String,
    /// Whether it writes an append-only file.
    pub appends_to_file: bool,
    /// When it writes snapshots; none where that cannot be asked, empty where it never does.
    pub snapshots: Option<String>,
    /// The commands that this user may not use on the bus's keys.
    pub forbidden: Vec<String>,
}

/// Why a Redis could not be examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The settings cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It does not answer, or not as a Redis.
    #[error("{0}")]
    Redis(#[source] RedisError),
}

impl ExamineError {
    /// Whether it refused the user or the password.
    #[must_use]
    pub fn is_login(&self) -> bool {
        match self {
            Self::Redis(error) => {
                error.kind() == ErrorKind::AuthenticationFailed
                    || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
            }
            Self::Settings(_) => false,
        }
    }
}

impl From<RedisError> for ExamineError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// Checks the settings alone, without a connection.
///
/// # Errors
/// When they cannot work.
pub fn check(settings: &RedisSettings) -> Result<(), SettingsError> {
    settings.check()?;
    Servers::new(settings).map(drop).map_err(SettingsError::Url)
}

/// Examines the servers that serve the shards: the only one, or the masters of a cluster that have any.
///
/// # Errors
/// When the settings cannot work, or a server does not answer.
pub async fn examine(settings: &RedisSettings) -> Result<Vec<ServerFacts>, ExamineError> {
    settings.check()?;
    let servers = Servers::new(settings).map_err(SettingsError::Url)?;
    let in_cluster = matches!(servers, Servers::Cluster(_));
    let mut seen: Vec<Server> = Vec::new();
    let mut facts = Vec::new();
    for shard in 0..settings.shards {
        let tag = tag_of(shard, settings.shards);
        let server = servers.locator(&tag).locate().await?;
        if seen.contains(&server) {
            continue;
        }
        facts.push(
            examine_server(&server, &format!("{}:{{{tag}}}:doctor", settings.prefix), in_cluster).await?,
        );
        seen.push(server);
    }
    Ok(facts)
}

async fn examine_server(server: &Server, key: &str, in_cluster: bool) -> Result<ServerFacts, ExamineError> {
    let mut connection = server.command_connection().await?;
    let forbidden = forbidden(&mut connection, key, in_cluster).await?;
    let may = |command: &str| !forbidden.iter().any(|name| name == command);
    let info: String =
        if may("INFO") { cmd("INFO").query_async(&mut connection).await? } else { String::new() };
    let info: BTreeMap<&str, &str> = info.lines().filter_map(|line| line.split_once(':')).collect();
    let text = |name: &str| info.get(name).copied().unwrap_or_default().to_owned();
    let number = |name: &str| info.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let asked = Instant::now();
    let (seconds, micros): (i64, i64) =
        if may("TIME") { cmd("TIME").query_async(&mut connection).await? } else { (0, 0) };
    let answered = Instant::now();
    // Few users may ask it.
    let save = cmd("CONFIG").arg("GET").arg("save").query_async::<Vec<String>>(&mut connection).await;
    Ok(ServerFacts {
        version: text("redis_version"),
        is_master: text("role") != "slave",
        time_micros: seconds.saturating_mul(1_000_000).saturating_add(micros),
        asked,
        answered,
        memory_max_bytes: Some(number("maxmemory")).filter(|bytes| *bytes > 0),
        memory_bytes: number("used_memory"),
        eviction: text("maxmemory_policy"),
        appends_to_file: text("aof_enabled") == "1",
        snapshots: save.ok().and_then(|pair| pair.into_iter().nth(1)),
        forbidden,
    })
}

/// The commands of the bus that this user may not use. Each is tried on a key of its own kind, so that it does nothing to
/// the bus. What fails for another reason is allowed.
async fn forbidden(
    connection: &mut MultiplexedConnection,
    key: &str,
    in_cluster: bool,
) -> RedisResult<Vec<String>> {
    let of = |kind: &str| format!("{key}:{kind}");
    let (text, set, hash, sorted, stream) = (of("text"), of("set"), of("hash"), of("sorted"), of("stream"));
    let mut tried: Vec<(&str, Cmd)> = vec![
        ("INFO", command("INFO", &["server"])),
        ("TIME", command("TIME", &[])),
        ("SET", command("SET", &[&text, "1", "PX", &KEY_LIFE_MS.to_string()])),
        ("GET", command("GET", &[&text])),
        ("EXISTS", command("EXISTS", &[&text])),
        ("PTTL", command("PTTL", &[&text])),
        ("SADD", command("SADD", &[&set, "1", "2"])),
        ("SMEMBERS", command("SMEMBERS", &[&set])),
        ("SPOP", command("SPOP", &[&set])),
        ("SREM", command("SREM", &[&set, "1"])),
        ("HSET", command("HSET", &[&hash, "1", "1"])),
        ("HGET", command("HGET", &[&hash, "1"])),
        ("HGETALL", command("HGETALL", &[&hash])),
        ("HLEN", command("HLEN", &[&hash])),
        ("HDEL", command("HDEL", &[&hash, "1"])),
        ("ZADD", command("ZADD", &[&sorted, "1", "1"])),
        ("ZSCORE", command("ZSCORE", &[&sorted, "1"])),
        ("ZRANGE", command("ZRANGE", &[&sorted, "0", "-1"])),
        ("ZRANGEBYSCORE", command("ZRANGEBYSCORE", &[&sorted, "0", "1"])),
        ("ZREM", command("ZREM", &[&sorted, "1"])),
        ("XADD", command("XADD", &[&stream, "MAXLEN", "1", "*", "e", "1"])),
        ("XREAD", command("XREAD", &["COUNT", "1", "STREAMS", &stream, "0"])),
        ("XINFO", command("XINFO", &["STREAM", &stream])),
        ("SCRIPT LOAD", command("SCRIPT", &["LOAD", "return 1"])),
        // The digest of the script before.
        ("EVALSHA", command("EVALSHA", &["e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"])),
        ("UNLINK", command("UNLINK", &[&text, &set, &hash, &sorted, &stream])),
        ("DEL", command("DEL", &[&text])),
    ];
    if in_cluster {
        tried.push(("CLUSTER SLOTS", command("CLUSTER", &["SLOTS"])));
    }
    let mut forbidden = Vec::new();
    for (name, command) in tried {
        match command.query_async::<Value>(connection).await {
            Err(error) if error.code() == Some("NOPERM") => forbidden.push(name.to_owned()),
            // The connection is gone, so that nothing more can be found out.
            Err(error) if error.is_io_error() || error.is_timeout() => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(forbidden)
}

fn command(name: &str, arguments: &[&str]) -> Cmd {
    let mut command = cmd(name);
    for argument in arguments {
        command.arg(argument);
    }
    command
}
