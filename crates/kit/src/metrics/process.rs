//! The process's own numbers, read from `/proc` at the scrape. Elsewhere than on Linux they are absent.

use std::fs;

use opentelemetry::metrics::Meter;

/// Clock ticks in a second, as `/proc` counts CPU time: `USER_HZ`, fixed at 100 by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// The positions of the user ticks, the system ticks and the number of threads in `/proc/self/stat`, counted
/// after the parenthesised name. They are fields 14, 15 and 20 of proc(5); the name is the second.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const THREADS: usize = 17;

/// Adds the instruments. The names are those of the Prometheus client libraries, so that dashboards fit.
pub(super) fn observe(meter: &Meter) {
    meter
        .f64_observable_counter("process.cpu")
        .with_unit("s")
        .with_description("User and system CPU time.")
        .with_callback(|observer| {
            if let Some(stat) = Stat::read() {
                observer.observe(stat.cpu_seconds, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("process.threads")
        .with_description("Threads of the process.")
        .with_callback(|observer| {
            if let Some(stat) = Stat::read() {
                observer.observe(stat.threads, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("process.resident_memory")
        .with_unit("By")
        .with_description("Resident memory.")
        .with_callback(|observer| {
            if let Some(bytes) = resident_bytes() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("process.open_fds")
        .with_description("Open file descriptors.")
        .with_callback(|observer| {
            if let Some(count) = open_files() {
                observer.observe(count, &[]);
            }
        })
        .build();
}

struct Stat {
    cpu_seconds: f64,
    threads: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may hold spaces and parentheses; the last `)` ends it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok().map(f64::from);
        Some(Self {
            cpu_seconds: (ticks(USER_TICKS)? + ticks(SYSTEM_TICKS)?) / TICKS_PER_SECOND,
            threads: fields.get(THREADS)?.parse().ok()?,
        })
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_files() -> Option<u64> {
    // Since Linux 6.2 the directory's size is the count; listing it costs a call per thousand sockets.
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).unwrap_or(u64::MAX)),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_read_past() {
        let text = "42 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 12345 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert!((stat.cpu_seconds - 3.0).abs() < f64::EPSILON);
        assert_eq!(stat.threads, 7);
        assert!(Stat::parse("").is_none());
    }
}
