//! Processes and their descendants, as Linux's `/proc` shows them (proc_pid_stat(5)).

use std::collections::HashMap;
use std::time::Duration;

/// What a process and its descendants have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time in user and kernel mode since the start, with that of descendants, also of those that have ended.
    /// Its resolution is the kernel's clock tick, 10 ms nearly everywhere.
    pub cpu: Duration,
    /// Resident memory now. Pages that several processes share (PostgreSQL's buffers) count in each of them.
    pub resident_bytes: u64,
}

/// One line of `/proc/<pid>/stat`, of which this much matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    /// A zombie has ended; it waits for its parent to notice.
    zombie: bool,
    parent: u32,
    /// User, system, and those of children that were waited for.
    cpu_ticks: u64,
    resident_pages: u64,
    /// Clock ticks since the machine's start: with the process id, what names one process for good.
    started_ticks: u64,
}

/// One process, not to be mistaken for a later one of the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) pid: u32,
    started_ticks: u64,
}

/// The usage of a process with its descendants; `None` when there is no such process.
pub(crate) fn usage_of(pid: u32) -> Option<Usage> {
    let stats = read_all();
    stats.get(&pid)?;
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    let page_bytes = rustix::param::page_size() as u64;
    let mut usage = Usage::default();
    for stat in descend(&stats, pid).iter().filter_map(|pid| stats.get(pid)) {
        usage.cpu += Duration::from_millis(stat.cpu_ticks * 1000 / ticks_per_second);
        usage.resident_bytes += stat.resident_pages * page_bytes;
    }
    Some(usage)
}

/// The process and its descendants, parents before children.
pub(crate) fn tree_of(pid: u32) -> Vec<Member> {
    let stats = read_all();
    let member = |pid| Some(Member { pid, started_ticks: stats.get(&pid)?.started_ticks });
    descend(&stats, pid).into_iter().filter_map(member).collect()
}

/// Whether any of the processes still runs.
pub(crate) fn any_runs(members: &[Member]) -> bool {
    members.iter().any(|member| {
        read(member.pid).is_some_and(|stat| !stat.zombie && stat.started_ticks == member.started_ticks)
    })
}

fn descend(stats: &HashMap<u32, Stat>, root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(stats.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    tree
}

fn read_all() -> HashMap<u32, Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return HashMap::new() };
    entries
        .filter_map(std::result::Result::ok)
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, read(pid)?))
        })
        .collect()
}

fn read(pid: u32) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field, the program's name in parentheses, may itself hold spaces and parentheses: the fields that count
/// start after the last one.
fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    // `fields[0]` is the third field of the manual page, the state.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |manual_index: usize| fields.get(manual_index - 3)?.parse::<u64>().ok();
    Some(Stat {
        zombie: fields.first() == Some(&"Z"),
        parent: u32::try_from(number(4)?).ok()?,
        cpu_ticks: number(14)? + number(15)? + number(16)? + number(17)?,
        resident_pages: number(24)?,
        started_ticks: number(22)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let line =
            "42 (a) b (c)) S 7 42 42 0 -1 0 1 2 3 4 100 20 3 1 20 0 1 0 99 1000 55 18446744073709551615";
        assert_eq!(
            parse(line),
            Some(Stat { zombie: false, parent: 7, cpu_ticks: 124, resident_pages: 55, started_ticks: 99 })
        );
    }

    #[test]
    fn descendants_follow_their_parents() {
        let stat = |parent| Stat { zombie: false, parent, cpu_ticks: 0, resident_pages: 0, started_ticks: 0 };
        let stats = HashMap::from([(2, stat(1)), (3, stat(2)), (4, stat(3)), (9, stat(1))]);
        assert_eq!(descend(&stats, 2), [2, 3, 4]);
    }
}
