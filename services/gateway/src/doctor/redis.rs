//! What `doctor` says of Redis.

use madang_bus::redis::{ExamineError, ServerFacts, examine as examine_redis};
use madang_domain::Timestamp;
use madang_kit::{
    clock::Clock,
    doctor::{Finding, clock as compare},
};

use crate::{GatewaySettings, RedisUrl};

const ABOUT: &str = "Redis";

/// The major version that the bus needs.
const VERSION_MIN: u32 = 7;

/// The memory in use, in parts of a hundred, from which on it is nearly full.
const MEMORY_FULL_PERCENT: u64 = 80;

/// Looks at the Redis of the settings.
pub(super) async fn examine(settings: &GatewaySettings, url: &RedisUrl, clock: &dyn Clock) -> Vec<Finding> {
    let settings = match url.settings(settings.presence_grace()) {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            let says = "none is named, so this gateway must be the only one";
            return vec![Finding::ok("redis.url", ABOUT, says)];
        }
        // Told with the other contradictions of settings.
        Err(_) => return Vec::new(),
    };
    match examine_redis(&settings).await {
        Ok(servers) => {
            let several = servers.len() > 1;
            let numbered = servers.iter().enumerate();
            numbered
                .flat_map(|(index, facts)| {
                    let name = if several { format!("master {}: ", index + 1) } else { String::new() };
                    of_server(&name, facts, clock)
                })
                .collect()
        }
        Err(error) => vec![unreachable(&error)],
    }
}

fn unreachable(error: &ExamineError) -> Finding {
    let advice = if error.is_login() {
        "correct the user and the password of MADANG_REDIS_URL, percent-encoded, or the users of Redis (`ACL LIST`)"
    } else {
        "check that it runs, that its address is right and that this host may reach it (bind, protected-mode, network \
         policies)"
    };
    Finding::error("redis.reachable", ABOUT, format!("cannot be used: {error}"), advice)
}

fn of_server(name: &str, facts: &ServerFacts, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![version(name, facts)];
    if !facts.is_master {
        let advice = "name the master, or an address that follows a failover";
        findings.push(Finding::error("redis.master", ABOUT, format!("{name}is a replica"), advice));
    }
    findings.push(rights(name, facts));
    findings.push(memory(name, facts));
    findings.push(persistence(name, facts));
    if facts.time_micros > 0 {
        let now = clock.now();
        let before = |moment: std::time::Instant| now.minus(moment.elapsed());
        let time = Timestamp::from_micros(facts.time_micros);
        findings.push(compare("redis.clock", ABOUT, before(facts.asked), before(facts.answered), time));
    }
    findings
}

fn version(name: &str, facts: &ServerFacts) -> Finding {
    const CHECK: &str = "redis.version";
    let major = facts.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= VERSION_MIN => {
            Finding::ok(CHECK, ABOUT, format!("{name}version {} answers", facts.version))
        }
        Some(_) => Finding::error(
            CHECK,
            ABOUT,
            format!("{name}version {} is older than {VERSION_MIN}.0", facts.version),
            "use Redis 7.0 or later, or Valkey",
        ),
        None => Finding::warning(
            CHECK,
            ABOUT,
            format!("{name}it answers, and does not say which version it is"),
            "grant INFO to the user of MADANG_REDIS_URL; the version must be 7.0 or later",
        ),
    }
}

fn rights(name: &str, facts: &ServerFacts) -> Finding {
    if facts.forbidden.is_empty() {
        return Finding::ok("redis.rights", ABOUT, format!("{name}the user may do all that the bus does"));
    }
    Finding::error(
        "redis.rights",
        ABOUT,
        format!("{name}the user may not use {} on keys madang:*", facts.forbidden.join(", ")),
        "ACL SETUSER name ~madang:* +@read +@write +@connection +@scripting +info +time +cluster|slots",
    )
}

fn memory(name: &str, facts: &ServerFacts) -> Finding {
    const CHECK: &str = "redis.memory";
    let Some(most) = facts.memory_max_bytes else {
        return Finding::ok(CHECK, ABOUT, format!("{name}no bound of memory, so that nothing is evicted"));
    };
    let mib = |bytes: u64| bytes >> 20;
    let says = format!(
        "{name}{} of {} MiB are used, maxmemory-policy {}",
        mib(facts.memory_bytes),
        mib(most),
        facts.eviction
    );
    if facts.eviction != "noeviction" {
        return Finding::warning(
            CHECK,
            ABOUT,
            format!(
                "{says}: a full Redis drops registrations and leases, and messages between gateways then come late"
            ),
            "set maxmemory-policy noeviction; the bus bounds what it stores",
        );
    }
    if facts.memory_bytes.saturating_mul(100) > most.saturating_mul(MEMORY_FULL_PERCENT) {
        let advice = "raise maxmemory, or use a Redis of its own for Madang";
        return Finding::warning(
            CHECK,
            ABOUT,
            format!("{says}: a full Redis refuses what gateways publish"),
            advice,
        );
    }
    Finding::ok(CHECK, ABOUT, says)
}

fn persistence(name: &str, facts: &ServerFacts) -> Finding {
    const CHECK: &str = "redis.persistence";
    let snapshots = facts.snapshots.as_deref().filter(|save| !save.is_empty());
    match (facts.appends_to_file, snapshots) {
        (false, None) => Finding::ok(
            CHECK,
            ABOUT,
            format!("{name}nothing is written to disk, which the bus does not need"),
        ),
        (appends, snapshots) => {
            let file = appends.then(|| "an append-only file".to_owned());
            let snapshots = snapshots.map(|save| format!("snapshots (save {save})"));
            let written: Vec<String> = file.into_iter().chain(snapshots).collect();
            Finding::warning(
                CHECK,
                ABOUT,
                format!(
                    "{name}writes {}, which costs time and helps the bus in nothing",
                    written.join(" and ")
                ),
                "if nobody else uses this Redis: appendonly no, save \"\"",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use madang_kit::{clock::SystemClock, doctor::Level};

    use super::*;

    fn facts() -> ServerFacts {
        ServerFacts {
            version: "7.2.4".to_owned(),
            is_master: true,
            time_micros: SystemClock.now().as_micros(),
            asked: Instant::now(),
            answered: Instant::now(),
            memory_max_bytes: Some(100 << 20),
            memory_bytes: 10 << 20,
            eviction: "noeviction".to_owned(),
            appends_to_file: false,
            snapshots: Some(String::new()),
            forbidden: Vec::new(),
        }
    }

    #[test]
    fn each_thing_that_is_wrong_is_said() {
        assert!(of_server("", &facts(), &SystemClock).iter().all(|finding| finding.level == Level::Ok));
        for (check, level, wrong) in [
            ("redis.version", Level::Error, ServerFacts { version: "6.2.14".to_owned(), ..facts() }),
            ("redis.version", Level::Warning, ServerFacts { version: String::new(), ..facts() }),
            ("redis.master", Level::Error, ServerFacts { is_master: false, ..facts() }),
            ("redis.rights", Level::Error, ServerFacts { forbidden: vec!["XADD".to_owned()], ..facts() }),
            ("redis.memory", Level::Warning, ServerFacts { eviction: "allkeys-lru".to_owned(), ..facts() }),
            ("redis.memory", Level::Warning, ServerFacts { memory_bytes: 90 << 20, ..facts() }),
            ("redis.persistence", Level::Warning, ServerFacts { appends_to_file: true, ..facts() }),
            (
                "redis.persistence",
                Level::Warning,
                ServerFacts { snapshots: Some("60 1".to_owned()), ..facts() },
            ),
            ("redis.clock", Level::Error, ServerFacts { time_micros: 1, ..facts() }),
        ] {
            let findings = of_server("", &wrong, &SystemClock);
            let bad: Vec<_> = findings.iter().filter(|finding| finding.level != Level::Ok).collect();
            assert_eq!(bad.len(), 1, "{bad:?}");
            assert_eq!((bad[0].check, bad[0].level), (check, level), "{bad:?}");
        }
    }
}
