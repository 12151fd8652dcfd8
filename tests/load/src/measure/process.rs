//! What a process has used, as the kernel accounts for it: proc(5), `/proc/<pid>/stat` and `smaps_rollup`.

use std::{fs, io, time::Duration};

/// A process, or one that cannot be read any more.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Most often: it has ended.
    #[error("cannot read {path}")]
    Read {
        /// What was read.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The kernel's file has another form than proc(5) describes.
    #[error("{path} lacks {field}")]
    Format {
        /// What was read.
        path: String,
        /// What was looked for.
        field: &'static str,
    },
}

/// What a process holds of the machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Memory {
    /// Resident bytes, shared pages counted whole.
    pub rss_bytes: u64,
    /// Resident bytes, shared pages divided among those that share them.
    pub pss_bytes: u64,
}

/// The CPU time, in user and kernel mode, of a process and all its threads since it began.
///
/// # Errors
/// When the process cannot be read.
pub fn cpu_time(pid: u32) -> Result<Duration, ProcessError> {
    let path = format!("/proc/{pid}/stat");
    cpu_time_of_stat(&read(&path)?).ok_or(ProcessError::Format { path, field: "utime and stime" })
}

/// The CPU time of a process and of those descendants of it that live now, for servers of many processes.
///
/// # Errors
/// When the process itself cannot be read.
pub fn cpu_time_with_children(pid: u32) -> Result<Duration, ProcessError> {
    let mut total = cpu_time(pid)?;
    let mut families = vec![pid];
    let processes = all_processes();
    while let Some(parent) = families.pop() {
        for (child, _) in processes.iter().filter(|(_, its_parent)| *its_parent == parent) {
            // A child that has just ended is not an error of the measurement.
            total += cpu_time(*child).unwrap_or_default();
            families.push(*child);
        }
    }
    Ok(total)
}

/// The time that all cores together have worked, for whomever, since the machine began.
///
/// # Errors
/// When the kernel's account cannot be read.
pub fn machine_time() -> Result<Duration, ProcessError> {
    let path = "/proc/stat".to_owned();
    machine_time_of_stat(&read(&path)?).ok_or(ProcessError::Format { path, field: "cpu" })
}

/// The memory of a process.
///
/// # Errors
/// When the process cannot be read.
pub fn memory(pid: u32) -> Result<Memory, ProcessError> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = read(&path)?;
    let field = |name: &'static str| {
        kilobytes_of(&text, name).ok_or_else(|| ProcessError::Format { path: path.clone(), field: name })
    };
    Ok(Memory { rss_bytes: field("Rss:")? * 1024, pss_bytes: field("Pss:")? * 1024 })
}

fn read(path: &str) -> Result<String, ProcessError> {
    fs::read_to_string(path).map_err(|source| ProcessError::Read { path: path.to_owned(), source })
}

/// The fields of a `stat` line from `state` on. The name before them stands in parentheses and may contain any.
fn fields_of_stat(stat: &str) -> Option<Vec<&str>> {
    stat.rsplit_once(')').map(|(_, fields)| fields.split_ascii_whitespace().collect())
}

fn cpu_time_of_stat(stat: &str) -> Option<Duration> {
    // proc(5) numbers the fields from 1; `state`, our first, is its third.
    const UTIME: usize = 14 - 3;
    const STIME: usize = 15 - 3;
    let fields = fields_of_stat(stat)?;
    Some(of_ticks(fields.get(UTIME)?.parse::<u64>().ok()? + fields.get(STIME)?.parse::<u64>().ok()?))
}

/// proc(5): user, nice, system, idle, iowait, irq, softirq, steal; guests' time is in the user time already.
fn machine_time_of_stat(stat: &str) -> Option<Duration> {
    const WORKING: [usize; 6] = [0, 1, 2, 5, 6, 7];
    let ticks: Vec<u64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    WORKING.iter().map(|field| ticks.get(*field).copied()).sum::<Option<u64>>().map(of_ticks)
}

fn of_ticks(ticks: u64) -> Duration {
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis(ticks * 1_000 / ticks_per_second)
}

/// Each process with its parent.
fn all_processes() -> Vec<(u32, u32)> {
    const PPID: usize = 4 - 3;
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let parent = fields_of_stat(&stat)?.get(PPID)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}

fn kilobytes_of(smaps: &str, name: &str) -> Option<u64> {
    smaps.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_that_contains_anything() {
        let stat = "77 (a) b (c)) S 1 77 77 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 1 0 100 1000 10 18446744073709551615";
        let ticks_per_second = rustix::param::clock_ticks_per_second();
        assert_eq!(cpu_time_of_stat(stat), Some(Duration::from_millis(300 * 1_000 / ticks_per_second)));
        assert_eq!(cpu_time_of_stat("77 (short) S 1"), None);
    }

    #[test]
    fn the_machines_time_is_what_it_worked_and_not_what_it_waited() {
        let ms_per_tick = 1_000 / rustix::param::clock_ticks_per_second();
        let stat = "cpu  1 2 4 1000 1000 8 16 32 64 128\ncpu0 1 2 4 1000 1000 8 16 32 64 128";
        assert_eq!(machine_time_of_stat(stat), Some(Duration::from_millis(63 * ms_per_tick)));
        assert_eq!(machine_time_of_stat("cpu  1 2 4"), None);
        assert!(machine_time().unwrap() >= cpu_time(std::process::id()).unwrap());
    }

    #[test]
    fn this_process_uses_cpu_and_memory_as_it_works() {
        let me = std::process::id();
        let before = cpu_time(me).unwrap();
        let mut x = 1_u64;
        while cpu_time(me).unwrap() < before + Duration::from_millis(30) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        let memory_before = memory(me).unwrap();
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        let grown = memory(me).unwrap().rss_bytes - memory_before.rss_bytes;
        assert!(grown >= 30 << 20, "{grown}");
        drop(block);
        assert!(memory_before.pss_bytes <= memory_before.rss_bytes);
    }

    #[test]
    fn a_child_counts_for_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        let pid = child.id();
        assert!(all_processes().contains(&(pid, std::process::id())));
        assert!(cpu_time_with_children(std::process::id()).unwrap() >= cpu_time(pid).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error_that_names_the_file() {
        let error = cpu_time(u32::MAX).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read /proc/{}/stat", u32::MAX));
    }
}
