//! The CPU time that groups of processes use between two moments.

use std::time::Duration;

use super::process::{self, ProcessError};
use crate::target::{Part, Process};

/// The edges of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The window begins.
    Start,
    /// The window ends.
    End,
}

/// Reads each process's CPU time at the edges of a window.
#[derive(Debug)]
pub struct Meter {
    watched: Vec<(Part, u32)>,
    start: Vec<Duration>,
    end: Vec<Duration>,
    failed: Option<ProcessError>,
}

impl Meter {
    /// Watches these processes, and this one as [`Part::Generator`].
    #[must_use]
    pub fn new(processes: &[Process]) -> Self {
        let mut watched: Vec<_> = processes.iter().map(|process| (process.part, process.pid)).collect();
        watched.push((Part::Generator, std::process::id()));
        Self { watched, start: Vec::new(), end: Vec::new(), failed: None }
    }

    /// Reads all clocks.
    pub fn mark(&mut self, edge: Edge) {
        let watched = self.watched.iter().map(|(part, pid)| match part {
            // PostgreSQL is a process a connection.
            Part::Database => process::cpu_time_with_children(*pid),
            _ => process::cpu_time(*pid),
        });
        let clocks = watched.chain([process::machine_time()]);
        match (edge, clocks.collect()) {
            (Edge::Start, Ok(clocks)) => self.start = clocks,
            (Edge::End, Ok(clocks)) => self.end = clocks,
            (_, Err(error)) => self.failed = Some(error),
        }
    }

    /// What was used between the edges.
    ///
    /// # Errors
    /// When a process could not be read at an edge: one that has ended in the middle has not been measured.
    pub fn finish(self) -> Result<CpuTimes, ProcessError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut used: Vec<_> =
            self.start.iter().zip(&self.end).map(|(start, end)| end.saturating_sub(*start)).collect();
        // The last clock is the machine's.
        let machine = used.pop().unwrap_or_default();
        let others = machine.saturating_sub(used.iter().sum());
        let parts = self.watched.iter().map(|(part, _)| *part);
        Ok(CpuTimes { parts: parts.zip(used).collect(), others })
    }
}

/// CPU time by part.
#[derive(Debug, Clone)]
pub struct CpuTimes {
    parts: Vec<(Part, Duration)>,
    others: Duration,
}

impl CpuTimes {
    /// The seconds that the processes of these parts used together.
    #[must_use]
    pub fn seconds(&self, parts: &[Part]) -> f64 {
        let used: Duration =
            self.parts.iter().filter(|(part, _)| parts.contains(part)).map(|(_, used)| *used).sum();
        used.as_secs_f64()
    }

    /// The seconds that the machine worked for anybody else: where that is much, the measurement was disturbed.
    #[must_use]
    pub const fn seconds_of_others(&self) -> f64 {
        self.others.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_summed_between_the_edges_and_a_dead_process_is_an_error() {
        let mut meter = Meter::new(&[]);
        meter.watched.push((Part::Gateway, std::process::id()));
        meter.mark(Edge::Start);
        let until = process::cpu_time(std::process::id()).unwrap() + Duration::from_millis(40);
        while process::cpu_time(std::process::id()).unwrap() < until {}
        meter.mark(Edge::End);
        let times = meter.finish().unwrap();
        let one = times.seconds(&[Part::Gateway]);
        assert!(one >= 0.03, "{one}");
        assert!((times.seconds(&[Part::Gateway, Part::Generator]) - 2.0 * one).abs() < 0.03);
        assert!(times.seconds(&[Part::Store]).abs() < f64::EPSILON);

        let mut meter = Meter::new(&[]);
        meter.watched.push((Part::Gateway, u32::MAX));
        meter.mark(Edge::Start);
        assert!(meter.finish().is_err());
    }
}
