//! How many sockets a gateway lets in, by its own count: `madang_gateway_admissions_total`, read again and again.
//!
//! What clients see of it is later by as much as they are late themselves, and on a machine that they fill, what came in one
//! after another is seen all at once.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::watch::{Moment, Watch};

const METRIC: &str = r#"madang_gateway_admissions_total{outcome="admitted"} "#;
const EVERY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// A reading, made between two moments.
#[derive(Debug, Clone, Copy)]
struct Reading {
    asked: Moment,
    answered: Moment,
    count: u64,
}

/// The readings of one life of a gateway.
#[derive(Debug, Default)]
struct Life(Vec<Reading>);

/// Reads the count of the gateway whose operations are at `ops_url` until `done`, through its restarts; answers the most
/// that it let in within a second.
pub async fn busiest_second(ops_url: String, watch: Watch, done: CancellationToken) -> usize {
    let client = reqwest::Client::new();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lives = vec![Life::default()];
    while done.run_until_cancelled(tick.tick()).await.is_some() {
        let asked = watch.now();
        match read(&client, &ops_url).await {
            Some(count) => {
                let life = lives.last().filter(|life| life.0.last().is_none_or(|last| last.count <= count));
                if life.is_none() {
                    lives.push(Life::default());
                }
                let reading = Reading { asked, answered: watch.now(), count };
                lives.last_mut().into_iter().for_each(|life| life.0.push(reading));
            }
            // It is down: the next one who answers begins from nothing.
            None if lives.last().is_some_and(|life| !life.0.is_empty()) => lives.push(Life::default()),
            None => {}
        }
    }
    lives.iter().map(Life::busiest_second).max().unwrap_or(0)
}

async fn read(client: &reqwest::Client, ops_url: &str) -> Option<u64> {
    let answer = client.get(format!("{ops_url}/metrics")).timeout(SECOND).send().await.ok()?;
    let text = answer.text().await.ok()?;
    text.lines().find_map(|line| line.strip_prefix(METRIC))?.trim().parse().ok()
}

impl Life {
    /// The most within a second: of all stretches that are surely a second long, each the shortest from its beginning, the
    /// count by their sure length.
    fn busiest_second(&self) -> usize {
        let stretch = |(at, from): (usize, &Reading)| {
            let to = self.0[at..].iter().find(|to| to.asked.since(from.answered) >= SECOND)?;
            let sure = to.asked.since(from.answered).as_secs_f64();
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some thousands"
            )]
            Some(((to.count - from.count) as f64 / sure).ceil() as usize)
        };
        self.0.iter().enumerate().filter_map(stretch).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(readings: &[(u64, u64, u64)]) -> Life {
        let at = |millis| Moment::after(Duration::from_millis(millis));
        let reading = |(asked, answered, count): &(u64, u64, u64)| Reading {
            asked: at(*asked),
            answered: at(*answered),
            count: *count,
        };
        Life(readings.iter().map(reading).collect())
    }

    #[test]
    fn the_most_is_found_wherever_it_begins() {
        let life =
            life(&[(0, 0, 0), (500, 500, 10), (1_000, 1_000, 100), (1_500, 1_500, 210), (2_500, 2_500, 215)]);
        assert_eq!(life.busiest_second(), 200);
    }

    #[test]
    fn a_slow_answer_does_not_shorten_a_second() {
        // Sure is what lies between an answer and the next question.
        let life = life(&[(0, 600, 0), (1_000, 1_100, 90), (1_600, 1_700, 100)]);
        assert_eq!(life.busiest_second(), 100);
    }
}
