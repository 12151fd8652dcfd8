//! Messages that come by chance, and wait where others are before them.
//!
//! A message waits for one of the PostgreSQL servers, which that of its room is, and is appended. Then each gateway with
//! listeners of the room delivers it, on one of its threads; a gateway with several has a queue before them. Both are
//! queues in the order of arrival. So it suffices to know of each server until when it is busy, and to visit the messages
//! in the order in which they reach it: nothing else happens in between.
//!
//! Networks, the pauses in which gateways gather appends and entries (decision 0017), and Redis are left out: the first two
//! do not grow with the load, and of Redis the cost of an entry was not measured.

use crate::{
    measured::{APPENDS, GATEWAY_THREADS},
    random::Random,
    shape::{Bound, Shape},
};

/// Nanoseconds.
pub type Nanos = u64;

/// A second.
pub const SECOND: Nanos = 1_000_000_000;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The rooms.
    pub shape: Shape,
    /// What an entry costs.
    pub bound: Bound,
    /// Messages a second.
    pub rate: u64,
    /// Gateways, over which sockets are spread by chance; none for as many as are needed.
    pub gateways: usize,
    /// Servers of PostgreSQL, over which rooms are spread by chance; 0 where their time counts for nothing.
    pub databases: usize,
    /// Where chance begins.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The share of the databases' time in which they had something to do.
    pub database_load: f64,
    /// The same of the gateways' threads.
    pub gateway_load: f64,
    /// Entries that gateways got from others, a second.
    pub entries: f64,
    /// The times in queues and at work from the arrival of a message until a gateway has delivered it, each with the number
    /// of its listeners.
    delivered: Vec<(Nanos, u64)>,
    /// How much longer than they came messages took to be done, of the time in which they came.
    pub lag: f64,
}

/// A server that does one thing after the other.
#[derive(Debug, Clone, Copy, Default)]
struct Server {
    busy_until: Nanos,
    worked: Nanos,
}

impl Server {
    /// When work ends that comes at a time.
    fn work(&mut self, from: Nanos, work: Nanos) -> Nanos {
        self.busy_until = self.busy_until.max(from) + work;
        self.worked += work;
        self.busy_until
    }
}

/// The thread that is free first takes what is next.
fn next_free(threads: &mut [Server]) -> Option<&mut Server> {
    threads.iter_mut().min_by_key(|thread| thread.busy_until)
}

/// Plays the messages of a setup.
#[must_use]
pub fn play(setup: &Setup) -> Outcome {
    let mut random = Random::new(setup.seed);
    let count = setup.shape.messages();
    let window = count * SECOND / setup.rate;
    let messages = usize::try_from(count).unwrap_or(usize::MAX);

    // Arrivals by chance within the window, as of very many people who know nothing of one another.
    let mut arrivals: Vec<Nanos> = (0..messages).map(|_| at(&mut random, window)).collect();
    arrivals.sort_unstable();

    let mut databases = vec![Server::default(); setup.databases];
    let mut appended: Vec<(Nanos, Nanos)> = Vec::with_capacity(messages);
    for arrival in arrivals {
        let database = random.below(setup.databases.max(1));
        let done =
            databases.get_mut(database).map_or(arrival, |server| server.work(arrival, SECOND / APPENDS));
        appended.push((done, arrival));
    }
    appended.sort_unstable();

    let threads = usize::try_from(GATEWAY_THREADS).unwrap_or(1);
    let mut gateways = vec![vec![Server::default(); threads]; setup.gateways];
    let mut local = vec![0_u64; setup.gateways];
    let mut with_listeners = Vec::with_capacity(setup.gateways);
    let (mut delivered, mut entries, mut end) = (Vec::new(), 0_u64, 0);
    for (done, arrival) in appended {
        let sender = random.below(setup.gateways);
        for listener in 0..setup.shape.listeners {
            // The sender listens too.
            let gateway = if listener == 0 { sender } else { random.below(setup.gateways) };
            if local[gateway] == 0 {
                with_listeners.push(gateway);
            }
            local[gateway] += 1;
        }
        for gateway in with_listeners.drain(..) {
            entries += u64::from(gateway != sender);
            let listeners = std::mem::take(&mut local[gateway]);
            let work = setup.shape.work(listeners, setup.bound);
            if let Some(thread) = next_free(&mut gateways[gateway]) {
                let finished = thread.work(done, work);
                delivered.push((finished - arrival, listeners));
                end = end.max(finished);
            }
        }
    }
    Outcome {
        database_load: load(databases.iter(), window),
        gateway_load: load(gateways.iter().flatten(), window),
        entries: ratio(entries * SECOND, window),
        delivered,
        lag: ratio(end.saturating_sub(window), window),
    }
}

fn at(random: &mut Random, window: Nanos) -> Nanos {
    random.below(usize::try_from(window).unwrap_or(usize::MAX)) as Nanos
}

/// The work of servers, of their time.
fn load<'a>(servers: impl Iterator<Item = &'a Server>, window: Nanos) -> f64 {
    let (count, worked) = servers.fold((0_u64, 0), |(count, worked), of| (count + 1, worked + of.worked));
    ratio(worked, count.max(1) * window)
}

fn ratio(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

impl Outcome {
    /// The time within which so many percent of the listeners have a message.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Nanos {
        let mut delivered = self.delivered.clone();
        delivered.sort_unstable();
        let total: u64 = delivered.iter().map(|(_, count)| count).sum();
        let mut left = total * percent / 100;
        for (time, count) in delivered {
            if count >= left {
                return time;
            }
            left -= count;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::SHAPES;

    fn setup(rate: u64) -> Setup {
        Setup { shape: SHAPES[0], bound: Bound::Lower, rate, gateways: 84, databases: 1, seed: 1 }
    }

    #[test]
    fn a_part_that_has_time_keeps_up_and_one_that_has_not_falls_behind() {
        let half = play(&setup(APPENDS / 2));
        assert!((half.database_load - 0.5).abs() < 0.01 && half.lag < 0.01, "{half:?}");
        let twice = play(&setup(APPENDS * 2));
        assert!((0.9..1.1).contains(&twice.lag), "twice as long: {}", twice.lag);
        assert!(twice.percentile(99) > half.percentile(99) * 100);
    }

    /// A queue with one server, arrivals by chance and work of one length: the mean wait is
    /// load / (2 (1 - load)) times the work (A. K. Erlang, 1909; F. Pollaczek and A. Khinchin).
    #[test]
    fn waits_are_those_of_the_theory() {
        let many_gateways = Setup { gateways: 20_000, ..setup(APPENDS * 8 / 10) };
        let played = play(&many_gateways);
        let work = SECOND / APPENDS + SHAPES[0].work(1, Bound::Lower);
        let waits: u64 = played.delivered.iter().map(|(time, _)| time.saturating_sub(work)).sum();
        let mean = ratio(waits, played.delivered.len() as u64) / ratio(SECOND / APPENDS, 1);
        assert!((1.8..2.2).contains(&mean), "0.8 / (2 * 0.2) = 2, and it is {mean}");
    }

    #[test]
    fn the_same_seed_plays_the_same() {
        let [one, same] = [setup(20_000); 2].map(|setup| play(&setup));
        assert_eq!(one.delivered, same.delivered);
        assert_ne!(one.delivered, play(&Setup { seed: 2, ..setup(20_000) }).delivered);
    }

    #[test]
    fn a_room_of_a_hundred_has_listeners_at_most_gateways() {
        let setup = Setup { shape: SHAPES[1], databases: 0, ..setup(1_000) };
        let others = play(&setup).entries / 1_000.0;
        assert!(
            (57.0..58.3).contains(&others),
            "83 (1 - (83/84)^99) = 57.6 other gateways, and it is {others}"
        );
    }
}
