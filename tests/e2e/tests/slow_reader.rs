//! Clients that do not read: each costs its gateway a bounded queue and nobody else anything, is closed with 4508 or
//! dropped, and comes back with its cursor.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a story that cannot go on ends with a message")]

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use madang_client::{Incoming, SessionOptions, Socket, close_code};
use madang_domain::{Cursor, RoomId, Seq};
use madang_e2e::{
    COMPLETE_AGAIN, Listener, PATIENCE, Person, RawSocket, Received, Stage, Standalone, eventually,
    fast_sends, public_room,
};
use madang_test_kit::{ClusterOptions, Program, Service};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

/// The longest text that a message may have, of characters that UTF-8 spells with four bytes.
const TEXT_CHARS: usize = 4_000;
const TEXT_BYTES: usize = 4 * TEXT_CHARS;
/// What may wait for one socket of the gateway with the default settings.
const QUEUE_BYTES: usize = 256 * 1024;
/// What may wait for one socket of the other gateway: more than anybody sends here.
const AMPLE_QUEUE_BYTES: usize = 64 << 20;
/// The buffer in which the system of a deaf client keeps what it has not read.
const RECEIVE_BUFFER_BYTES: u32 = 8 * 1024;
/// The messages that follow when the queues of the deaf are full, so that unbounded ones would show. All that a deaf
/// client misses must be fewer than are replayed to a subscription (500).
const AFTERWARDS: usize = 200;
/// What the gateway counts of those whom it closes because they do not read.
const CLOSED_TOO_SLOW: &str = r#"madang_gateway_closed_total{reason="too_slow"}"#;
/// Others in the room, whose latencies are measured.
const OTHERS: usize = 3;
/// By how much the memory of the gateway may grow with two deaf clients: their queues, and what an allocator keeps.
const GROWTH_MAX_BYTES: u64 = 2 * QUEUE_BYTES as u64 + (3 << 19);
/// By how much that of the gateway with the ample queue must grow, or the measure of memory sees nothing.
const GROWTH_SEEN_BYTES: u64 = 2 * GROWTH_MAX_BYTES;
/// Above this is no delivery of the gateway's but a stall.
const STALL: Duration = Duration::from_millis(100);

/// The bytes that the kernel takes from a gateway for a client that does not read, at most.
fn kernel_bytes() -> usize {
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").expect("the kernel's limits");
    let most: usize = limits.split_whitespace().next_back().unwrap().parse().expect("bytes");
    most + RECEIVE_BUFFER_BYTES as usize
}

/// A text that says which one it is.
fn text(number: usize) -> String {
    let mark = format!("{number} ");
    let filler = TEXT_CHARS - mark.len();
    mark + &"𝄞".repeat(filler)
}

fn resident_bytes(service: &Service) -> u64 {
    service.process().usage().expect("a process that runs").resident_bytes
}

/// Somebody who does not read, until told to.
struct Deaf {
    person: Person,
    socket: RawSocket,
    /// The places of the events that were read.
    seqs: Vec<u64>,
}

impl Deaf {
    /// Subscribes to the room, and hears no more from then on.
    async fn in_room(gateway: SocketAddr, person: Person, room: RoomId) -> Self {
        let mut socket = RawSocket::open(gateway, &person.grant.access_token, RECEIVE_BUFFER_BYTES).await;
        socket.send(&json!({"type": "subscribe", "rooms": [{"room": room}]}).to_string()).await;
        socket.until_type("caught_up").await;
        Self { person, socket, seqs: Vec::new() }
    }

    /// Reads all that there is, up to the close or the end of the connection.
    async fn read_out(&mut self) -> Received {
        loop {
            match self.socket.next(PATIENCE).await {
                Received::Text(frame) if frame["type"] == "event" => {
                    self.seqs.push(frame["seq"].as_u64().expect("a place"));
                }
                Received::Text(_) | Received::Ping => {}
                other => return other,
            }
        }
    }

    /// What was read is in order, from the first event on, without a gap; answers the last place.
    fn assert_contiguous(&self, after: Seq) -> Seq {
        let last = after.get() + self.seqs.len() as u64;
        assert_eq!(self.seqs, (after.get() + 1..=last).collect::<Vec<_>>(), "{}", self.person.username);
        Seq::new(last)
    }

    /// Comes back with a cursor, and gets what is missing and nothing else.
    async fn resumes(&self, base: String, room: RoomId, after: Seq, head: Seq) {
        let missed = head.get() - after.get();
        assert!(missed > 0 && missed <= 500, "the story wants a replay, and {missed} were missed");
        let cursor = Cursor { seq: after, epoch: None };
        let options = SessionOptions::default();
        let back = Listener::start_after(vec![base], self.person.bearer(), room, cursor, options).await;
        back.until_seq(COMPLETE_AGAIN, head).await;
        back.assert_whole(after, head);
    }
}

/// Everybody else in the room, each noting when each message came.
struct Others {
    listening: JoinSet<HashMap<usize, Instant>>,
}

impl Others {
    /// Listens until a message of this number has come.
    async fn start(base: &str, people: &[Person], room: RoomId, last: usize) -> Self {
        let mut listening = JoinSet::new();
        for person in people {
            let mut socket = person.socket_in(base, room).await;
            listening.spawn(async move { arrivals(&mut socket, last).await });
        }
        Self { listening }
    }

    /// The latencies of all, sorted.
    async fn latencies(self, sent: &HashMap<usize, Instant>) -> Vec<Duration> {
        let heard = tokio::time::timeout(PATIENCE, self.listening.join_all()).await.expect("all is heard");
        let mut latencies = Vec::new();
        for arrivals in heard {
            assert_eq!(arrivals.len(), sent.len(), "each message reaches everybody else");
            latencies.extend(arrivals.iter().map(|(number, at)| at.duration_since(sent[number])));
        }
        latencies.sort();
        latencies
    }
}

async fn arrivals(socket: &mut Socket, last: usize) -> HashMap<usize, Instant> {
    let mut arrivals = HashMap::new();
    while !arrivals.contains_key(&last) {
        let frame = socket.next_frame(PATIENCE).await.expect("a frame on a socket that lives");
        if let Incoming::Event(event) = frame
            && let Some(message) = event.message()
        {
            let number = message.text.split(' ').next().and_then(|number| number.parse().ok()).unwrap();
            assert!(arrivals.insert(number, Instant::now()).is_none(), "{number} came twice");
        }
    }
    arrivals
}

/// Sends messages one after another; notes when, and what the memory of the gateways was at most.
struct Flood<'a> {
    speaker: &'a Listener,
    room: RoomId,
    sent: HashMap<usize, Instant>,
    head: Seq,
    measured: [&'a Service; 2],
    most_bytes: [u64; 2],
}

impl Flood<'_> {
    async fn send(&mut self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            self.sent.insert(number, Instant::now());
            let sent = self.speaker.session.send(self.room, &text(number)).await.expect("a send");
            self.head = sent.seq;
            if number % 16 == 0 {
                for (most, service) in self.most_bytes.iter_mut().zip(self.measured) {
                    *most = resident_bytes(service).max(*most);
                }
            }
        }
    }
}

/// The value at a share of a sorted list.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// A counter of a gateway.
async fn counted(service: &Service, name: &str) -> u64 {
    let answer = reqwest::get(format!("{}/metrics", service.ops_url())).await.expect("the metrics");
    let metrics = answer.text().await.expect("a text");
    let line = metrics.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse::<f64>().ok());
    value.unwrap_or_else(|| panic!("no {name} in {metrics}")) as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_closed_with_4508_and_costs_nobody_else_anything() {
    let options = ClusterOptions { gateways: 1, auth: 1, message_store: 1, nginx: false, ..fast_sends() };
    let stage = Stage::start(options).await;
    let gateway = stage.cluster.gateway(0);
    let base = gateway.base_url();
    let ample_queue = AMPLE_QUEUE_BYTES.to_string();
    let ample = Standalone::start(
        Program::Gateway,
        &[
            ("MADANG_AUTH_URL", &stage.cluster.auth(0).base_url()),
            ("MADANG_STORE_URL", &stage.cluster.message_store(0).base_url()),
            ("MADANG_REDIS_URL", &stage.cluster.redis().url()),
            ("MADANG_QUEUE_MAX_BYTES", &ample_queue),
        ],
    )
    .await;
    let mina = Person::register(&*base, "mina").await;
    let mut people = Vec::new();
    for number in 0..OTHERS + 3 {
        people.push(Person::register(&*base, &format!("p{number}")).await);
    }
    let room = public_room(&mina, "Courtyard", &people.iter().collect::<Vec<_>>()).await.id;
    let speaker = mina.listen(vec![base.clone()], room).await;
    let measured = [gateway, &ample.service];
    let mut flood = Flood {
        speaker: &speaker,
        room,
        sent: HashMap::new(),
        head: Seq::START,
        measured,
        most_bytes: [0; 2],
    };

    // The queues of the deaf are full after so many messages, whatever the kernel takes.
    let fills = (kernel_bytes() + QUEUE_BYTES) / TEXT_BYTES + 2;
    // The same messages without anybody deaf: what memory and latencies are compared with.
    let ends = [fills, 2 * fills, 2 * fills + AFTERWARDS];
    let others = Others::start(&base, &people[..OTHERS], room, ends[0] - 1).await;
    flood.send(0..ends[0]).await;
    let without = others.latencies(&flood.sent).await;
    let before = std::mem::take(&mut flood.most_bytes);
    let start = flood.head;

    let [pauses, never_reads, waits] = [0, 1, 2].map(|index| people[OTHERS + index].clone());
    let mut pauses = Deaf::in_room(gateway.address(), pauses, room).await;
    let mut never_reads = Deaf::in_room(gateway.address(), never_reads, room).await;
    let mut waits = Deaf::in_room(ample.service.address(), waits, room).await;
    flood.sent.clear();
    let others = Others::start(&base, &people[..OTHERS], room, ends[2] - 1).await;
    flood.send(ends[0]..ends[1]).await;
    // One of them begins to read again now, and gets what the gateway had kept, then the close that says what to do.
    let reads = async {
        let close = pauses.read_out().await;
        (pauses, close)
    };
    let ((pauses, close), ()) = tokio::join!(reads, flood.send(ends[1]..ends[2]));
    assert_eq!(close, Received::Close(close_code::TOO_SLOW), "who begins to read again");
    let with = others.latencies(&flood.sent).await;
    let head = flood.head;

    // The other one never does: the gateway lets go of it all the same.
    eventually(PATIENCE, "the gateway to close both deaf sockets", async || {
        (counted(gateway, CLOSED_TOO_SLOW).await == 2).then_some(())
    })
    .await;
    let never = never_reads.read_out().await;
    assert!(matches!(never, Received::End | Received::Close(close_code::TOO_SLOW)), "{never:?}");

    for deaf in [&pauses, &never_reads] {
        let last = deaf.assert_contiguous(start);
        deaf.resumes(base.clone(), room, last, head).await;
    }

    // Where more may wait, the same flood closes nobody: all of it arrives on the same socket.
    let mut all = Vec::new();
    while all.last() != Some(&head.get()) {
        match waits.socket.next(PATIENCE).await {
            Received::Text(frame) if frame["type"] == "event" => {
                all.push(frame["seq"].as_u64().expect("a place"));
            }
            Received::Text(_) | Received::Ping => {}
            other => panic!("{other:?} on the socket with the ample queue, after {} events", all.len()),
        }
    }
    waits.seqs = all;
    assert_eq!(waits.assert_contiguous(start), head);
    assert_eq!(counted(&ample.service, CLOSED_TOO_SLOW).await, 0);

    let growth = [0, 1].map(|index| flood.most_bytes[index].saturating_sub(before[index]));
    let [p50, p99] = [0.5, 0.99].map(|share| (quantile(&without, share), quantile(&with, share)));
    println!(
        "others' latency without and with the deaf: p50 {:?} and {:?}, p99 {:?} and {:?}; memory grew by {} KiB, \
         with the ample queue by {} KiB; the deaf read {} and {} of {} events",
        p50.0,
        p50.1,
        p99.0,
        p99.1,
        growth[0] / 1024,
        growth[1] / 1024,
        pauses.seqs.len(),
        never_reads.seqs.len(),
        head.get() - start.get(),
    );
    assert!(growth[0] <= GROWTH_MAX_BYTES, "two deaf clients cost {} bytes", growth[0]);
    assert!(growth[1] >= GROWTH_SEEN_BYTES, "the measure sees only {} bytes of a long queue", growth[1]);
    for (what, (without, with)) in [("p50", p50), ("p99", p99)] {
        let most = (without * 2).max(STALL);
        assert!(with <= most, "{what} of the others was {without:?} and is {with:?} beside deaf clients");
    }
}
