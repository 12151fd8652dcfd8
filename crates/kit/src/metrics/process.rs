//! The process's own numbers, read from `/proc` at the scrape. Elsewhere than on Linux they are absent.
//!
//! The names are those of the Prometheus client libraries, so that dashboards fit:
//! <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>

use std::fs;

use super::{declared::Described, exposition::Exposition};

/// Clock ticks in a second, as `/proc` counts CPU time: `USER_HZ`, fixed at 100 by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// The positions of the user ticks, the system ticks, the number of threads and the start in `/proc/self/stat`, counted
/// after the parenthesised name. They are fields 14, 15, 20 and 22 of proc(5); the name is the second.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const THREADS: usize = 17;
const START_TICKS: usize = 19;

/// Adds the metrics.
pub(super) fn observe(metrics: &Exposition, service: &'static str) {
    let build = Described::gauge("madang.build_info", "", "1, with the service and its version.");
    metrics.observe(build.by(&["service", "version"]), move |observer| {
        observer.observe(1.0, &[service, env!("CARGO_PKG_VERSION")]);
    });
    let show = |described, read: fn() -> Option<f64>| {
        metrics.observe(described, move |observer| {
            if let Some(number) = read() {
                observer.observe(number, &[]);
            }
        });
    };
    show(Described::counter("process.cpu", "s", "User and system CPU time."), || {
        Some(Stat::read()?.cpu_seconds)
    });
    show(Described::gauge("process.threads", "", "Threads of the process."), || Some(Stat::read()?.threads));
    // Looked at once: when the machine was started is a difference of clocks, and wavers by a second.
    let start = boot_time().zip(Stat::read()).map(|(boot, stat)| boot + stat.start_seconds);
    let started = Described::gauge("process.start_time", "s", "When the process began, since 1970.");
    metrics
        .observe(started, move |observer| start.into_iter().for_each(|start| observer.observe(start, &[])));
    show(Described::gauge("process.resident_memory", "By", "Resident memory."), || status_bytes("VmRSS:"));
    show(Described::gauge("process.virtual_memory", "By", "Virtual memory."), || status_bytes("VmSize:"));
    show(Described::gauge("process.open_fds", "", "Open file descriptors."), open_files);
    show(Described::gauge("process.max_fds", "", "The most file descriptors that may be open."), max_files);
}

struct Stat {
    cpu_seconds: f64,
    threads: f64,
    /// Since the machine was started.
    start_seconds: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name may hold spaces and parentheses; the last `)` ends it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (number(USER_TICKS)? + number(SYSTEM_TICKS)?) / TICKS_PER_SECOND,
            threads: number(THREADS)?,
            start_seconds: number(START_TICKS)? / TICKS_PER_SECOND,
        })
    }
}

/// When the machine was started, in seconds since 1970.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn status_bytes(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn open_files() -> Option<f64> {
    // Since Linux 6.2 the directory's size is the count; listing it costs a call per thousand sockets.
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64),
        count => Some(count as f64),
    }
}

fn max_files() -> Option<f64> {
    max_files_in(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// The soft limit. None where there is no limit.
fn max_files_in(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_read_past() {
        let text = "42 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 12345 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert!((stat.cpu_seconds - 3.0).abs() < f64::EPSILON);
        assert!((stat.threads - 7.0).abs() < f64::EPSILON);
        assert!((stat.start_seconds - 123.45).abs() < f64::EPSILON);
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn the_soft_limit_counts() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(max_files_in(limits), Some(1024.0));
        assert_eq!(
            max_files_in("Max open files            unlimited            unlimited            files"),
            None
        );
    }
}
