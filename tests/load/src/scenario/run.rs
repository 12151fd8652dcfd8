//! The run through the works.

use super::{appends, bench::Bench, connections, fan_out, hostile, idle, kind::Scenario, presence, search};
use crate::{
    error::{BenchError, with_sources},
    report::{Report, Row},
};

impl Bench<'_> {
    /// Does the works one after the other. One that fails is reported, and the next is done.
    #[must_use]
    pub fn run(&mut self, scenarios: &[Scenario]) -> Report {
        let mut report = Report { conditions: self.conditions(), ..Report::default() };
        for scenario in scenarios {
            match self.measure(*scenario) {
                Ok(rows) => report.rows.extend(rows),
                Err(error) => report.failures.push((scenario.name().to_owned(), with_sources(&error))),
            }
        }
        self.progress.done();
        report
    }

    fn measure(&mut self, scenario: Scenario) -> Result<Vec<Row>, BenchError> {
        match scenario {
            Scenario::Idle => idle::measure(self),
            Scenario::FanOut => fan_out::measure(self, &fan_out::SMALL),
            Scenario::FanOutLarge => fan_out::measure(self, &fan_out::LARGE),
            Scenario::Pairs => fan_out::measure(self, &fan_out::PAIRS),
            Scenario::Appends => appends::measure(self),
            Scenario::Search => search::measure(self),
            Scenario::Connections => connections::measure(self),
            Scenario::Presence => presence::measure(self),
            Scenario::Hostile => hostile::measure(self),
        }
    }
}
