//! Running the checker.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model, Path};

use crate::{
    bounds::{Bounds, Defect},
    delivery::Delivery,
    model::Action,
    state::State,
};

/// What a check came to.
#[derive(Debug)]
pub struct Report {
    /// The bound.
    pub bound: &'static str,
    /// The states that were looked at.
    pub states: usize,
    /// The steps between two of them.
    pub steps: usize,
    /// The length of the longest run that was looked at.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The properties that are broken, each with a run that breaks it.
    pub broken: BTreeMap<&'static str, Trace>,
    /// The witnesses that were met.
    pub met: Vec<&'static str>,
}

/// A run: what happened, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(pub Vec<Action>);

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, action) in self.0.iter().enumerate() {
            match action {
                Action::Step(step) => writeln!(f, "{:3}. {step:?}", number + 1)?,
                Action::Fault(failure) => writeln!(f, "{:3}. FAULT {failure:?}", number + 1)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bound, states, steps, depth, took, .. } = self;
        write!(f, "{bound}: {states} states, {steps} steps, depth {depth}, {:.1} s", took.as_secs_f64())?;
        for (name, trace) in &self.broken {
            write!(f, "\nbroken: {name}\n{trace}")?;
        }
        Ok(())
    }
}

/// Looks at everything that can happen within the bounds; ends early where a promise is broken.
#[must_use]
pub fn check(bounds: Bounds, defect: Option<Defect>) -> Report {
    let (begun, model) = (Instant::now(), Delivery { bounds, defect });
    // Depth first is twice as fast, and the order makes no difference where all is looked at.
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    report(&checker, begun)
}

/// Looks for a run that breaks one promise, and for the shortest.
#[must_use]
pub fn hunt(bounds: Bounds, defect: Defect, promise: &'static str) -> Report {
    let (begun, model) = (Instant::now(), Delivery { bounds, defect: Some(defect) });
    let checker = model.checker().finish_when(HasDiscoveries::AllOf([promise].into())).spawn_bfs().join();
    report(&checker, begun)
}

fn report(checker: &impl Checker<Delivery>, begun: Instant) -> Report {
    let mut report = Report {
        bound: checker.model().bounds.name,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        took: begun.elapsed(),
        broken: BTreeMap::new(),
        met: Vec::new(),
    };
    let properties = checker.model().properties();
    for (name, path) in checker.discoveries() {
        let is_failure = properties
            .iter()
            .any(|property| property.name == name && property.expectation.discovery_is_failure());
        if is_failure {
            report.broken.insert(name, trace(path));
        } else {
            report.met.push(name);
        }
    }
    report
}

fn trace(path: Path<State, Action>) -> Trace {
    Trace(path.into_actions())
}
