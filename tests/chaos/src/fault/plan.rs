//! The schedule of faults, drawn from the seed.

use std::{fmt, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::Kind;

/// Which of two replicas, or of two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The one of this number, counted from 0.
    One(usize),
    /// All of them.
    All,
}

impl Scope {
    /// Whether it holds the one of a number.
    #[must_use]
    pub const fn holds(self, index: usize) -> bool {
        match self {
            Self::One(one) => one == index,
            Self::All => true,
        }
    }

    /// The one that a fault of a single process hits.
    #[must_use]
    pub const fn one(self) -> usize {
        match self {
            Self::One(one) => one,
            Self::All => 0,
        }
    }
}

/// A fault that is to be injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// Where, for what there are two of.
    pub scope: Scope,
    /// For how long.
    pub hold: Duration,
    /// For whatever else is to be drawn.
    pub seed: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hold = self.hold.as_secs_f64();
        match self.scope {
            Scope::One(one) => write!(f, "{} ({}, {hold:.1} s)", self.kind, one + 1),
            Scope::All => write!(f, "{} (all, {hold:.1} s)", self.kind),
        }
    }
}

/// Faults without end: all kinds in a shuffled order, then all of them again in another one. So each comes as often as
/// any other, and in the end after any other.
#[derive(Debug)]
pub struct Plan {
    kinds: Vec<Kind>,
    round: Vec<Kind>,
    random: StdRng,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(kinds: Vec<Kind>, seed: u64) -> Self {
        Self { kinds, round: Vec::new(), random: StdRng::seed_from_u64(seed) }
    }
}

impl Iterator for Plan {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.round.is_empty() {
            self.round.clone_from(&self.kinds);
            self.round.shuffle(&mut self.random);
        }
        let kind = self.round.pop()?;
        let scope = match self.random.random_range(0..4) {
            0 => Scope::All,
            number => Scope::One(number % 2),
        };
        let hold = Duration::from_millis(self.random.random_range(kind.hold_ms()));
        Some(Fault { kind, scope, hold, seed: self.random.random() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        let plan = |seed| Plan::new(Kind::ALL.to_vec(), seed).take(100).collect::<Vec<_>>();
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn each_kind_comes_as_often_as_any_other() {
        let mut counts: HashMap<Kind, usize> = HashMap::new();
        for fault in Plan::new(Kind::ALL.to_vec(), 1).take(3 * Kind::ALL.len()) {
            *counts.entry(fault.kind).or_default() += 1;
        }
        assert!(Kind::ALL.iter().all(|kind| counts.get(kind) == Some(&3)), "{counts:?}");
    }

    #[test]
    fn names_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert!("nonsense".parse::<Kind>().unwrap_err().contains("gateway-killed"));
    }
}
