//! The run.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use madang_chaos::error::{Error, Result};
use madang_test_kit::{Cluster, ClusterOptions, Program};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    client::{Client, Counts},
    crowd::{Crowd, Places},
    judge,
    kills::Kills,
};

/// More than anybody does: the story is not about rates.
const NO_RATE_LIMIT: &str = "1000000";
/// How many differences are told one by one.
const EXAMPLES: usize = 30;

/// What a story is made of.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where all that is random comes from. What is drawn depends on what clients show, and so on timing too.
    pub seed: u64,
    /// How long the clients act.
    pub length: Duration,
    /// Clients.
    pub clients: usize,
    /// Rooms.
    pub rooms: usize,
    /// Rooms of each client.
    pub rooms_each: usize,
    /// Deeds of all clients together, a second.
    pub deeds_a_second: f64,
    /// Users who are erased on the way.
    pub erased: usize,
    /// Where logs go; a temporary directory by default.
    pub directory: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub struct Verdict {
    /// What differs, in words.
    pub found: Vec<String>,
    /// The deeds, by kind.
    pub counts: BTreeMap<&'static str, Counts>,
    /// The deaths of gateways.
    pub kills: Vec<String>,
    /// Events and notices that were received.
    pub events: usize,
    /// Sockets that were opened.
    pub connections: usize,
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Users who were erased.
    pub erased: usize,
}

impl Settings {
    /// The settings of `make story`.
    #[must_use]
    pub fn new(seed: u64, length: Duration) -> Self {
        Self {
            seed,
            length,
            clients: 100,
            rooms: 10,
            rooms_each: 3,
            deeds_a_second: if cfg!(debug_assertions) { 40.0 } else { 120.0 },
            erased: 8,
            directory: None,
        }
    }
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.found.is_empty()
    }

    /// What to tell of it.
    #[must_use]
    pub fn summary(&self, seed: u64) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(text, "deed                     done  refused  unknown");
        for (what, Counts { done, refused, unknown }) in &self.counts {
            let _ = writeln!(text, "{what:22} {done:6} {refused:8} {unknown:8}");
        }
        for kill in &self.kills {
            let _ = writeln!(text, "{kill}");
        }
        let _ = writeln!(
            text,
            "{} messages acknowledged, {} events received, {} sockets opened, {} users erased, {} deaths of gateways",
            self.acknowledged,
            self.events,
            self.connections,
            self.erased,
            self.kills.len()
        );
        for found in self.found.iter().take(EXAMPLES) {
            let _ = writeln!(text, "- {found}");
        }
        let verdict = match self.found.len() {
            0 => "every client shows what a fresh load shows".to_owned(),
            found => format!("{found} differences"),
        };
        let _ = write!(text, "{verdict} (seed {seed})");
        text
    }
}

/// Plays the story.
///
/// # Errors
/// When it could not be played.
pub async fn run(settings: &Settings, say: impl Fn(&str)) -> Result<Verdict> {
    say("starting a cluster");
    let cluster = Arc::new(Cluster::start(options(settings)).await?);
    let gateways = cluster.gateways().iter().map(madang_test_kit::Service::base_url).collect();
    let places = Places { gateways, ingress: cluster.ingress_url() };
    say("registering everybody");
    let Settings { clients, rooms, rooms_each, seed, .. } = *settings;
    let Crowd { clients, people } = Crowd::gather(&places, clients, rooms, rooms_each, seed).await?;
    say("acting");
    let (stop, stopped) = watch::channel(false);
    let people = Arc::new(people);
    let mean = Duration::from_secs(1).mul_f64(clients.len() as f64 / settings.deeds_a_second);
    let began = Instant::now();
    let every = (clients.len() / settings.erased.max(1)).max(1);
    let acting = clients.into_iter().enumerate().map(|(number, client)| {
        let is_erased = settings.erased > 0 && number % every == every - 1;
        // Spread over the middle of the story.
        let share = 0.2 + 0.6 * number as f64 / settings.clients as f64;
        let erase_at = is_erased.then(|| began + settings.length.mul_f64(share));
        tokio::spawn(act(client, Arc::clone(&people), mean, erase_at, stopped.clone()))
    });
    let acting: Vec<_> = acting.collect();
    let kills = Kills::start(Arc::clone(&cluster), seed);
    sleep_until(began + settings.length).await;
    say("settling");
    let kills = kills.stop().await?;
    stop.send_replace(true);
    let acted = join_all(acting).await.into_iter().collect::<std::result::Result<Vec<_>, _>>();
    let mut clients: Vec<Client> = acted?;
    let found = judge::judge(&mut clients).await;
    let mut verdict = Verdict {
        found,
        counts: BTreeMap::new(),
        kills,
        events: 0,
        connections: 0,
        acknowledged: 0,
        erased: clients.iter().filter(|client| client.is_erased).count(),
    };
    for client in clients {
        for (what, counts) in &client.counts {
            let all = verdict.counts.entry(what).or_default();
            all.done += counts.done;
            all.refused += counts.refused;
            all.unknown += counts.unknown;
        }
        verdict.events += client.shows().events;
        verdict.connections += client.shows().connections;
        verdict.acknowledged += client.ledger.acknowledged();
        client.end().await;
    }
    match Arc::into_inner(cluster) {
        Some(cluster) => cluster.stop().await?,
        None => return Err(Error::Cast("something still uses the cluster".to_owned())),
    }
    Ok(verdict)
}

/// One client acts until it is told to stop, or is erased.
async fn act(
    mut client: Client,
    people: Arc<std::collections::HashMap<madang_domain::RoomId, Vec<(madang_domain::UserId, String)>>>,
    mean: Duration,
    erase_at: Option<Instant>,
    mut stopped: watch::Receiver<bool>,
) -> Client {
    loop {
        let pause = client.pause(mean);
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return client,
            () = sleep(pause) => {}
        }
        if erase_at.is_some_and(|at| at <= Instant::now()) {
            client.erase().await;
            return client;
        }
        client.tend().await;
        client.act(&people).await;
    }
}

fn options(settings: &Settings) -> ClusterOptions {
    let mut options = ClusterOptions { data_dir: settings.directory.clone(), ..ClusterOptions::default() };
    for name in [
        "MADANG_SENDS_PER_SECOND",
        "MADANG_SENDS_BURST",
        "MADANG_READS_PER_SECOND",
        "MADANG_READS_BURST",
        "MADANG_ROOM_SENDS_PER_SECOND",
        "MADANG_MEMBER_ADDITIONS_PER_MINUTE",
        "MADANG_ROOM_CREATIONS_PER_MINUTE",
    ] {
        options = options.with_setting(Program::Gateway, name, NO_RATE_LIMIT);
    }
    for name in ["MADANG_ADDRESS_SENDS_PER_SECOND", "MADANG_ADDRESS_READS_PER_SECOND"] {
        options = options.with_setting(Program::Gateway, name, "0");
    }
    options
}
