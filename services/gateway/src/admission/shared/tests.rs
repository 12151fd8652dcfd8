use std::sync::atomic::AtomicU32;

use async_trait::async_trait;
use madang_flow_control::KeyedRateLimiter;
use madang_kit::Lifecycle;
use tokio::time::{advance, sleep};
use uuid::Uuid;

use super::*;

/// 20 messages a second and 40 at once, in parts of a message.
const RATE: RateLimit = RateLimit { interval: Duration::from_micros(12_500), burst: 160 };
const MESSAGE: Price = Price { count: 4, rate: RATE };

/// So many gateways that each grants the least part, a tenth.
const MANY: u32 = 10;

/// A message from the free part.
const FREE: Paid = Paid { free: 4, taken: 0 };

/// The bus of a test.
struct FakeBus {
    epoch: Instant,
    buckets: KeyedRateLimiter<String>,
    calls: AtomicU32,
    gateways: AtomicU32,
    granted: AtomicU32,
    answers_after: Duration,
    is_down: bool,
}

impl FakeBus {
    fn new(answers_after: Duration, is_down: bool) -> Arc<Self> {
        let (epoch, buckets) = (Instant::now(), KeyedRateLimiter::new(100));
        Arc::new(Self {
            epoch,
            buckets,
            calls: AtomicU32::new(0),
            granted: AtomicU32::new(0),
            gateways: AtomicU32::new(MANY),
            answers_after,
            is_down,
        })
    }

    /// A bus that answers at once, of so many gateways.
    fn of(gateways: u32) -> Arc<Self> {
        let bus = Self::new(Duration::ZERO, false);
        bus.gateways.store(gateways, Ordering::Relaxed);
        bus
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SharedBudgets for FakeBus {
    fn gateways(&self) -> u32 {
        self.gateways.load(Ordering::Relaxed)
    }

    async fn take(&self, take: TakeFromBudget<'_>) -> Result<Taken, BudgetError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_down {
            return Err(BudgetError::Unreachable);
        }
        if !self.answers_after.is_zero() {
            sleep(self.answers_after).await;
        }
        let TakeFromBudget { budget, rate, least, most } = take;
        let taken =
            self.buckets.take_up_to(budget.to_owned(), least, most, rate, micros(self.epoch.elapsed()));
        self.granted.fetch_add(taken.unwrap_or(0), Ordering::Relaxed);
        Ok(taken.map_or_else(Taken::Refused, Taken::Granted))
    }
}

/// A gateway: its own budget, and the shared one.
struct Gateway {
    own: RateBucket,
    shared: SharedLimits,
}

impl Gateway {
    fn new(bus: &Arc<FakeBus>) -> Self {
        let budgets = Arc::clone(bus) as Arc<dyn SharedBudgets>;
        Self {
            own: RateBucket::new(),
            shared: SharedLimits::new(budgets, Arc::default(), Lifecycle::default().tasks()),
        }
    }

    async fn send(&self) -> Result<Paid, Duration> {
        self.take(MESSAGE).await
    }

    async fn take(&self, price: Price) -> Result<Paid, Duration> {
        self.own.take_many(price.count, price.rate, self.shared.now_micros())?;
        let paid = self.shared.take(&mina(), price).await;
        paid.inspect_err(|_| self.own.give_back(price.count, price.rate))
    }
}

fn mina() -> SharedKey {
    SharedKey { limit: Limit::UserSends, of: Whose::User(UserId::new(Uuid::from_u128(1))) }
}

/// Floods the gateways for so many milliseconds, once a millisecond each; answers how many messages passed.
async fn flood(gateways: &[Gateway], millis: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..millis {
        for gateway in gateways {
            passed += u32::from(gateway.send().await.is_ok());
        }
        advance(Duration::from_millis(1)).await;
    }
    passed
}

/// What the limit lets through in so many milliseconds.
fn limit(millis: u32) -> u32 {
    40 + 20 * millis / 1_000
}

#[tokio::test(start_paused = true)]
async fn one_gateway_alone_grants_all_of_the_limit_and_no_more() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let passed = flood(&[Gateway::new(&bus)], 10_000).await;
    assert!((limit(10_000) - 4..=limit(10_000) + 1).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn who_floods_many_gateways_gets_little_more_than_at_one() {
    // What passes beyond the limit, in hundredths: a quarter, and with more than three gateways a tenth for each but one.
    for (count, beyond) in [(2, 25), (3, 25), (4, 30), (8, 70)] {
        let bus = FakeBus::of(count);
        let gateways: Vec<_> = (0..count).map(|_| Gateway::new(&bus)).collect();
        let passed = flood(&gateways, 10_000).await;
        // A batch of each gateway may be in hand, and a message be begun.
        let most = limit(10_000) * (100 + beyond) / 100 + 40 / 10 + count;
        assert!((limit(10_000) - 4..=most).contains(&passed), "{passed} at {count} gateways, at most {most}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_gateway_asks_nothing() {
    let bus = FakeBus::of(1);
    let gateway = Gateway::new(&bus);
    let passed = flood(std::slice::from_ref(&gateway), 10_000).await;
    assert_eq!(bus.calls(), 0);
    assert!((limit(10_000) - 1..=limit(10_000)).contains(&passed), "{passed}");
    // Another one comes.
    bus.gateways.store(2, Ordering::Relaxed);
    flood(&[gateway], 1_000).await;
    assert!(bus.calls() > 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_far_from_the_limit_costs_no_call() {
    // A quarter, an eighth and a tenth of 20 a second.
    for (count, pause_ms) in [(2, 200), (3, 400), (4, 500), (1_000, 500)] {
        let bus = FakeBus::of(count);
        let gateway = Gateway::new(&bus);
        for _ in 0..1_000 {
            assert_eq!(gateway.send().await, Ok(FREE));
            advance(Duration::from_millis(pause_ms)).await;
        }
        assert_eq!(bus.calls(), 0, "{count} gateways");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_costs_a_call_for_a_batch_and_none_while_it_is_refused() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let gateway = Gateway::new(&bus);
    let other = Gateway::new(&bus);
    let passed = flood(&[gateway, other], 10_000).await;
    // Once what is there at once is gone, each gateway asks once for each message that comes to be there.
    assert!(bus.calls() <= 2 * passed + 50, "{} calls for {passed} messages and 20,000 tries", bus.calls());
    assert!(bus.calls() > 0);
}

#[tokio::test(start_paused = true)]
async fn without_redis_the_limit_of_each_gateway_stands() {
    let bus = FakeBus::new(Duration::ZERO, true);
    let gateways = [Gateway::new(&bus), Gateway::new(&bus)];
    let passed = flood(&gateways, 10_000).await;
    assert!((2 * limit(10_000) - 4..=2 * limit(10_000) + 2).contains(&passed), "{passed}");
    // One call a second and gateway shows whether it is back.
    assert!(bus.calls() <= 22, "{}", bus.calls());
    assert_eq!(gateways[0].shared.counters.shared_budget_failures.get(), u64::from(bus.calls() / 2));
}

#[tokio::test(start_paused = true)]
async fn a_slow_redis_delays_nothing_beyond_the_patience() {
    let bus = FakeBus::new(Duration::from_secs(60), false);
    let gateway = Arc::new(Gateway::new(&bus));
    let begun = Instant::now();
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let gateway = Arc::clone(&gateway);
        sends.spawn(async move { gateway.send().await });
    }
    assert!(sends.join_all().await.iter().all(Result::is_ok), "the own budget has forty");
    assert_eq!(begun.elapsed(), PATIENCE);
    // Nobody asks for a while.
    advance(SILENCE / 10).await;
    let begun = Instant::now();
    assert_eq!(gateway.send().await, Ok(Paid::HERE));
    assert_eq!((begun.elapsed(), bus.calls()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_there_again() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let gateway = Gateway::new(&bus);
    for _ in 0..1_000 {
        let paid = gateway.shared.take(&mina(), MESSAGE).await.unwrap();
        gateway.shared.give_back(&mina(), RATE, paid);
    }
    assert_eq!(bus.calls(), 0, "the free part");
    let held: Vec<_> =
        [gateway.send().await, gateway.send().await, gateway.send().await, gateway.send().await].into();
    assert_eq!(held, [Ok(FREE); 4]);
    for _ in 0..1_000 {
        let paid = gateway.shared.take(&mina(), MESSAGE).await.unwrap();
        assert_eq!(paid, Paid { free: 0, taken: 4 });
        gateway.shared.give_back(&mina(), RATE, paid);
    }
    assert_eq!(bus.calls(), 1, "one batch");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_when_there_is_enough() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let gateways = [Gateway::new(&bus), Gateway::new(&bus)];
    let wait = loop {
        if let Err(wait) = gateways[0].send().await {
            break wait;
        }
        if let Err(wait) = gateways[1].send().await {
            break wait;
        }
    };
    assert!(wait > Duration::ZERO && wait <= RATE.interval * 8, "{wait:?}");
    // The clock counts microseconds.
    advance(wait + Duration::from_micros(1)).await;
    assert!(gateways[0].send().await.is_ok() || gateways[1].send().await.is_ok());
}

/// A dear command costs so much of what it costs at all.
fn dear(count: u32) -> Price {
    let rate = RateLimit { interval: Duration::from_secs(2), burst: 120 };
    Price { count, rate }
}

#[tokio::test(start_paused = true)]
async fn a_dear_command_passes_at_many_gateways_as_seldom_as_cheap_ones() {
    for count in [13, 60, 100, 120] {
        let bus = FakeBus::new(Duration::ZERO, false);
        let mut passed = 0;
        for _ in 0..10 {
            let gateway = Gateway::new(&bus);
            while gateway.take(dear(count)).await.is_ok() {
                passed += count;
            }
        }
        // The shared bucket, and the free part of each.
        assert!((108..=108 + 10 * 12).contains(&passed) || passed == 100, "{passed} of {count} at once");
    }
}

#[tokio::test(start_paused = true)]
async fn one_gateway_alone_grants_dear_commands_all_of_the_limit() {
    for count in [13, 40, 60, 120, 500] {
        let bus = FakeBus::new(Duration::ZERO, false);
        let gateway = Gateway::new(&bus);
        for round in 0..3_u32 {
            let mut passed = 0;
            while gateway.take(dear(count)).await.is_ok() {
                passed += count;
            }
            assert_eq!(passed, count * (120 / count).max(1), "round {round} of {count} at once");
            advance(Duration::from_secs(1_100)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dear_command_that_is_refused_takes_nothing_of_the_free_part() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let (one, other) = (Gateway::new(&bus), Gateway::new(&bus));
    one.take(dear(100)).await.unwrap();
    other.take(dear(100)).await.unwrap_err();
    assert_eq!(other.take(dear(12)).await, Ok(Paid { free: 12, taken: 0 }));
    // Nor does one that was paid and not used.
    let paid = one.shared.take(&mina(), dear(20)).await.unwrap();
    one.shared.give_back(&mina(), dear(20).rate, paid);
    assert_eq!(one.shared.take(&mina(), dear(20)).await, Ok(paid));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_others_does_not_take_the_bus_for_silent() {
    let bus = FakeBus::new(Duration::from_millis(20), false);
    let gateway = Arc::new(Gateway::new(&bus));
    let begun = Instant::now();
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let gateway = Arc::clone(&gateway);
        sends.spawn(async move { gateway.send().await });
    }
    let paid = sends.join_all().await;
    assert!(paid.iter().all(|paid| matches!(paid, Ok(paid) if *paid != Paid::HERE)), "{paid:?}");
    assert_eq!(gateway.shared.counters.shared_budget_failures.get(), 0);
    // The first one asks for itself, the second one for all who wait.
    assert_eq!((bus.calls(), begun.elapsed()), (2, Duration::from_millis(40)));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_the_others_ends_and_is_no_failure() {
    let bus = FakeBus::new(Duration::ZERO, false);
    let gateway = Gateway::new(&bus);
    let turn = gateway.shared.kept(&mina());
    let _turn = turn.turn.lock().await;
    let begun = Instant::now();
    while gateway.send().await == Ok(FREE) {}
    assert_eq!(begun.elapsed(), TURN_PATIENCE);
    assert_eq!((bus.calls(), gateway.shared.counters.shared_budget_failures.get()), (0, 0));
    assert!(!gateway.shared.is_silent());
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_one_who_hangs_up_is_there_for_the_others() {
    let bus = FakeBus::new(Duration::from_millis(20), false);
    let gateway = Gateway::new(&bus);
    for _ in 0..4 {
        assert_eq!(gateway.send().await, Ok(FREE));
    }
    // Dropped while the call is under way.
    let hung_up = timeout(Duration::from_millis(10), gateway.shared.take(&mina(), MESSAGE)).await;
    assert!(hung_up.is_err());
    sleep(Duration::from_millis(15)).await;
    assert_eq!(gateway.shared.take(&mina(), MESSAGE).await, Ok(Paid { free: 0, taken: 4 }));
    assert_eq!(bus.calls(), 1, "the batch of the first one served the other");
}

/// As of rooms that a user makes: four a minute, and sixteen at once.
#[tokio::test(start_paused = true)]
async fn of_a_small_budget_is_taken_what_those_who_wait_pay() {
    let bus = FakeBus::new(Duration::from_millis(20), false);
    let gateway = Arc::new(Gateway::new(&bus));
    let price = Price { count: 1, rate: RateLimit { interval: Duration::from_secs(15), burst: 16 } };
    let mut commands = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let gateway = Arc::clone(&gateway);
        commands.spawn(async move { gateway.take(price).await });
    }
    let paid: u32 = commands.join_all().await.into_iter().map(|paid| paid.unwrap().taken).sum();
    assert!(paid > 1, "several waited");
    assert_eq!((bus.granted.load(Ordering::Relaxed), bus.calls()), (paid, 2));
}
