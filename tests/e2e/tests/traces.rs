//! The way of a message is told by its trace, from the socket at one gateway to the socket at another. What clients say of
//! theirs decides nothing, and a collector that is down is not noticed.

#![expect(clippy::expect_used, reason = "a story that cannot go on ends with a message")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use madang_client::{Incoming, Socket};
use madang_domain::RoomId;
use madang_e2e::{
    Collector, LIVE, PATIENCE, Person, RawSocket, Received, Span, SpanKind, Stage, Standalone, ack,
    fast_sends, public_room, send_frame, span_table,
};
use madang_test_kit::{ClusterOptions, Program};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

/// The trace and the span of a client of the site.
const CLIENT_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// Two gateways, one of each other service, and all of them export.
async fn traced_stage(collector: &Collector, settings: &[(&str, &str)]) -> Stage {
    let options = ClusterOptions { auth: 1, message_store: 1, nginx: false, ..fast_sends() };
    let mut options = settings
        .iter()
        .fold(options, |options, (name, value)| options.with_setting(Program::Gateway, name, *value));
    for (name, value) in collector.settings() {
        for program in [Program::Gateway, Program::MessageStore, Program::Auth] {
            options = options.with_setting(program, name, value.clone());
        }
    }
    Stage::start(options).await
}

/// Sends a message by a socket. Its beginning is its key.
async fn say(socket: &mut Socket, room: RoomId, text: &str) {
    let key: String = text.chars().take(16).collect();
    let answer = socket.call(send_frame(room, &key, text), PATIENCE).await.expect("an answer");
    assert!(!ack(answer).duplicate);
}

/// Waits for the event of a text.
async fn hears(socket: &mut Socket, text: &str) {
    loop {
        if let Incoming::Event(event) = socket.next_frame(LIVE).await.expect("an event")
            && event.message().is_some_and(|message| message.text == text)
        {
            return;
        }
    }
}

/// Sends a message by REST, as part of a trace of the client's.
async fn post(base: &str, person: &Person, room: RoomId, text: &str, traceparent: &str) {
    let request = reqwest::Client::new()
        .post(format!("{base}/v1/rooms/{room}/messages?unread=1"))
        .bearer_auth(&person.grant.access_token)
        .header("traceparent", traceparent)
        .header("tracestate", "vendor=a-word-of-the-client")
        .json(&json!({"text": text}));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
}

fn now_nanos() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "compared with the times of spans")]
    let now = SystemTime::now();
    u64::try_from(now.duration_since(UNIX_EPOCH).expect("a clock after 1970").as_nanos())
        .expect("before 2554")
}

/// The only span that fits.
fn one<'a>(spans: &'a [Span], what: &str, fits: impl Fn(&Span) -> bool) -> Option<&'a Span> {
    let mut fitting = spans.iter().filter(|span| fits(span));
    let first = fitting.next()?;
    assert!(fitting.next().is_none(), "more than one {what}:\n{}", span_table(spans));
    Some(first)
}

/// The spans of one message, from its command or request to the sockets of the other gateway.
struct Way {
    root: Span,
    batch: Span,
    client: Span,
    server: Span,
    commit: Span,
    publish: Span,
    deliver_here: Span,
    deliver_there: Span,
}

impl Way {
    /// Finds the spans behind the only root of a name.
    fn find(spans: &[Span], root: &str) -> Option<Self> {
        let append = "madang.store.v1.MessageStoreService/Append";
        let root = one(spans, root, |span| span.name == root && span.parent.is_empty())?;
        let child =
            |of: &Span, name: &str| one(spans, name, |span| span.is_child_of(of) && span.name == name);
        let batch = child(root, "batch Append")?;
        let client = child(batch, append)?;
        let server = child(client, append)?;
        let commit = child(server, "append batch")?;
        let publish = child(root, "publish madang:{shard}:inbox:{gateway}")?;
        let deliver_here = child(root, "deliver")?;
        let deliver_there = one(spans, "delivery there", |span| span.links_to(publish))?;
        let [root, batch, client, server, commit, publish, deliver_here, deliver_there] =
            [root, batch, client, server, commit, publish, deliver_here, deliver_there].map(Span::clone);
        Some(Self { root, batch, client, server, commit, publish, deliver_here, deliver_there })
    }

    fn spans(&self) -> Vec<Span> {
        let Self { root, batch, client, server, commit, publish, deliver_here, deliver_there } = self;
        [root, batch, client, server, commit, publish, deliver_here, deliver_there].map(Span::clone).into()
    }

    fn assert_conventions(&self, stage: &Stage) {
        let [here, there] = [0, 1].map(|gateway| stage.cluster.gateway(gateway).process().pid());
        let store = stage.cluster.message_store(0).process().pid();
        for (span, kind, service, pid) in [
            (&self.root, SpanKind::Server, "madang-gateway", here),
            (&self.batch, SpanKind::Internal, "madang-gateway", here),
            (&self.client, SpanKind::Client, "madang-gateway", here),
            (&self.server, SpanKind::Server, "madang-message-store", store),
            (&self.commit, SpanKind::Internal, "madang-message-store", store),
            (&self.publish, SpanKind::Producer, "madang-gateway", here),
            (&self.deliver_here, SpanKind::Internal, "madang-gateway", here),
            (&self.deliver_there, SpanKind::Consumer, "madang-gateway", there),
        ] {
            assert_eq!((span.kind, span.service.as_str(), span.pid), (kind, service, pid), "{span}");
            assert!(!span.is_error && span.end_nanos >= span.start_nanos, "{span}");
        }
        // Batches link to the requests in them.
        assert_eq!(self.batch.links, [(self.root.trace.clone(), self.root.id.clone())]);
        assert!(self.commit.links_to(&self.server));
        // The other gateway's is a trace of its own, and says where it comes from.
        assert_eq!((self.deliver_there.parent.as_str(), self.deliver_there.links.len()), ("", 1));
        assert_ne!(self.deliver_there.trace, self.publish.trace);
        for span in [&self.client, &self.server] {
            assert_eq!(span.attribute("rpc.system.name"), "grpc");
            assert_eq!(span.attribute("rpc.method"), "madang.store.v1.MessageStoreService/Append");
            assert_eq!(span.attribute("rpc.response.status_code"), "OK");
        }
        for (span, operation) in [(&self.publish, "send"), (&self.deliver_there, "process")] {
            assert_eq!(span.attribute("messaging.system"), "redis");
            assert_eq!(span.attribute("messaging.operation.type"), operation);
            assert_eq!(span.attribute("messaging.batch.message_count"), "1");
        }
        assert_eq!(self.deliver_there.attribute("madang.deliver.until"), "written");
        // Each within what it belongs to, and the delivery there after the beginning of the publication.
        for (inner, outer) in
            [(&self.client, &self.batch), (&self.server, &self.client), (&self.commit, &self.server)]
        {
            assert!(
                outer.start_nanos <= inner.start_nanos && inner.end_nanos <= outer.end_nanos,
                "{inner} in {outer}"
            );
        }
        assert!(self.publish.start_nanos <= self.deliver_there.start_nanos);
    }
}

impl Way {
    /// A message has so many spans, however many receive it.
    fn assert_nothing_else(&self, spans: &[Span]) {
        let of = |trace: &str| spans.iter().filter(|span| span.trace == trace).count();
        let counts = (of(&self.root.trace), of(&self.deliver_there.trace));
        assert_eq!(counts, (7, 1), "{}", span_table(spans));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_a_message_is_told_from_one_gateway_to_the_other() {
    let collector = Collector::start().await;
    let stage = traced_stage(&collector, &[]).await;
    let (here, there) = (stage.gateway(0), stage.gateway(1));
    let (mina, joon) = tokio::join!(Person::register(&*here, "mina"), Person::register(&*there, "joon"));
    let room = public_room(&mina, "Courtyard", &[&joon]).await.id;
    let mut sender = mina.socket_in(&here, room).await;
    let mut receiver = joon.socket_in(&there, room).await;
    // However many receive it: there is no span for each.
    let _others = [joon.socket_in(&there, room).await, joon.socket_in(&there, room).await];

    say(&mut sender, room, "by a socket").await;
    hears(&mut receiver, "by a socket").await;
    let way =
        collector.until("the way of a message by a socket", |spans| Way::find(spans, "websocket send")).await;
    println!("by a socket:\n{}", span_table(&way.spans()));
    way.assert_conventions(&stage);
    way.assert_nothing_else(&collector.spans());
    assert!(way.root.links.is_empty());
    assert_eq!(way.root.attribute("madang.command"), "send");
    assert_eq!(way.root.attribute("network.protocol.name"), "websocket");

    // The client's trace is not sampled, as it says: that is its own matter.
    let traceparent = format!("00-{CLIENT_TRACE}-{CLIENT_SPAN}-00");
    post(&here, &mina, room, "by REST", &traceparent).await;
    hears(&mut receiver, "by REST").await;
    let route = "POST /v1/rooms/{room}/messages";
    let way = collector.until("the way of a message by REST", |spans| Way::find(spans, route)).await;
    println!("by REST:\n{}", span_table(&way.spans()));
    way.assert_conventions(&stage);
    way.assert_nothing_else(&collector.spans());
    assert_eq!(way.root.links, [(CLIENT_TRACE.to_owned(), CLIENT_SPAN.to_owned())]);
    assert_ne!(way.root.trace, CLIENT_TRACE);
    let path = format!("/v1/rooms/{room}/messages");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/rooms/{room}/messages"),
        ("http.response.status_code", "201"),
        ("url.path", &path),
    ] {
        assert_eq!(way.root.attribute(name), value, "{name}");
    }
    let spans = collector.spans();
    let holds = |span: &&Span| span.attributes.values().any(|value| value.contains("unread=1"));
    assert!(!spans.iter().any(|span| holds(&span)), "a query is in no span");
    assert!(spans.iter().all(|span| span.trace != CLIENT_TRACE), "nothing belongs to the client's trace");

    // What opened the rooms and the inboxes belongs to the commands that asked for it.
    for (command, batch) in
        [("websocket subscribe", "batch Open"), ("websocket open_inbox", "batch OpenInbox")]
    {
        let asked = |span: &&Span| span.name == command && span.parent.is_empty();
        let commands: Vec<&Span> = spans.iter().filter(asked).collect();
        assert_eq!(commands.len(), 4, "{command}:\n{}", span_table(&spans));
        for command in commands {
            let opened =
                |span: &Span| span.name == batch && span.is_child_of(command) && span.links_to(command);
            assert!(spans.iter().any(opened), "{batch}:\n{}", span_table(&spans));
        }
    }
}

/// A text that fills the buffers between a gateway and a client that does not read after a few hundred messages.
const LONG_CHARS: usize = 4_000;
/// The bytes of the longest such text: characters that UTF-8 spells with four bytes.
const LONG_BYTES: usize = 4 * LONG_CHARS;
const RECEIVE_BUFFER_BYTES: u32 = 8 * 1024;

/// The bytes that the kernel takes for a client that does not read, at most.
fn kernel_bytes() -> usize {
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").expect("the kernel's limits");
    let most: usize =
        limits.split_whitespace().next_back().and_then(|most| most.parse().ok()).expect("bytes");
    most + RECEIVE_BUFFER_BYTES as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_lasts_until_the_last_socket_has_written_it() {
    let collector = Collector::start().await;
    // More may wait for a socket than anybody sends here.
    let stage = traced_stage(&collector, &[("MADANG_QUEUE_MAX_BYTES", "67108864")]).await;
    let (here, there) = (stage.gateway(0), stage.gateway(1));
    let mina = Person::register(&*here, "mina").await;
    let (joon, sora) = tokio::join!(Person::register(&*there, "joon"), Person::register(&*there, "sora"));
    let room = public_room(&mina, "Courtyard", &[&joon, &sora]).await.id;
    let mut sender = mina.socket(&here).await;
    let mut reads = sora.socket_in(&there, room).await;
    let address = stage.cluster.gateway(1).address();
    let mut deaf = RawSocket::open(address, &joon.grant.access_token, RECEIVE_BUFFER_BYTES).await;
    deaf.send(&json!({"type": "subscribe", "rooms": [{"room": room}]}).to_string()).await;
    deaf.until_type("caught_up").await;

    let messages = kernel_bytes() / LONG_BYTES + 8;
    let text = |number: usize| {
        let mark = format!("{number} ");
        let filler = LONG_CHARS - mark.len();
        mark + &"𝄞".repeat(filler)
    };
    let mut last_root = String::new();
    for number in 0..messages {
        say(&mut sender, room, &text(number)).await;
        if number + 2 >= messages {
            // The last two are told apart by the time.
            let count = number + 1;
            last_root = collector.until("the last command", |spans| nth_send(spans, count)).await;
        }
    }
    hears(&mut reads, &text(messages - 1)).await;

    // What gateway there ends later is exported later: when this request's span is here, whatever ended before is.
    sora.at(&there).rooms(None, None).await.expect("the rooms");
    let there_pid = stage.cluster.gateway(1).process().pid();
    let is_marker = |span: &Span| span.pid == there_pid && span.name == "GET /v1/rooms";
    collector
        .until("the request at the other gateway", |spans| spans.iter().any(is_marker).then_some(()))
        .await;
    let delivery = |spans: &[Span]| {
        let publish =
            spans.iter().find(|span| span.parent == last_root && span.kind == SpanKind::Producer)?;
        spans.iter().find(|span| span.links_to(publish)).cloned()
    };
    let spans = collector.spans();
    let ended = spans.iter().filter(|span| span.kind == SpanKind::Consumer).count();
    assert!(ended > 0, "of {messages} deliveries none has ended, and the kernel took some");
    assert!(delivery(&spans).is_none(), "the last delivery has ended, and one socket has not read it");

    let reads_at = now_nanos();
    loop {
        match deaf.next(PATIENCE).await {
            Received::Text(frame) if frame["type"] == "event" && is_number(&frame, messages - 1) => break,
            Received::Text(_) | Received::Ping => {}
            other => panic!("{other:?} where the last event belongs"),
        }
    }
    let delivery = collector.until("the last delivery", delivery).await;
    println!("the last delivery of {messages}, to a socket that read late:\n{delivery}");
    assert!(
        delivery.end_nanos >= reads_at,
        "it ended {} ns before the socket read",
        reads_at - delivery.end_nanos
    );
}

/// The id of the span of the `count`-th `send`, in the order of their starts.
fn nth_send(spans: &[Span], count: usize) -> Option<String> {
    let mut sends: Vec<&Span> = spans.iter().filter(|span| span.name == "websocket send").collect();
    sends.sort_by_key(|span| span.start_nanos);
    sends.get(count - 1).map(|span| span.id.clone())
}

fn is_number(frame: &serde_json::Value, number: usize) -> bool {
    let text = frame["message"]["text"].as_str().unwrap_or_default();
    text.split(' ').next().is_some_and(|mark| mark == number.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_wants_sampled_is_not() {
    let collector = Collector::start().await;
    let exports = collector.settings();
    let mut settings: Vec<(&str, &str)> =
        exports.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.extend([("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")]);
    let server = Standalone::start(Program::AllInOne, &settings).await;
    let base = server.service.base_url();
    let mina = Person::register(&*base, "mina").await;
    let room = public_room(&mina, "Courtyard", &[]).await.id;
    post(&base, &mina, room, "by REST", &format!("00-{CLIENT_TRACE}-{CLIENT_SPAN}-01")).await;
    // The end of a process sends what it still has.
    assert!(server.service.stop().await.expect("its end").success());
    assert_eq!(collector.spans(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_is_not_noticed() {
    const MESSAGES: usize = 1_500;
    // It takes connections, since the system does, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", silent.local_addr().expect("its address"));
    let exporting = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let mut servers = [Talk::start(&[]).await, Talk::start(&exporting).await];
    // A socket may send 100 frames a second, which no setting lifts, and a fast machine answers sooner.
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // In turns, so that what else the machine does is the same for both.
    for number in 0..MESSAGES {
        pace.tick().await;
        for talk in &mut servers {
            talk.say(number).await;
        }
    }
    let [plain, exporting] = servers;
    let (plain, exporting) = (plain.end().await, exporting.end().await);
    println!(
        "{MESSAGES} messages, without a collector and with one that does not answer: p50 {:?} and {:?}, p99 {:?} and \
         {:?}, memory {} and {} KiB, end after {:?} and {:?}",
        plain.p50,
        exporting.p50,
        plain.p99,
        exporting.p99,
        plain.resident_bytes / 1024,
        exporting.resident_bytes / 1024,
        plain.end,
        exporting.end,
    );
    assert!(exporting.p99 <= (plain.p99 * 2).max(STALL), "{:?} instead of {:?}", exporting.p99, plain.p99);
    assert!(exporting.resident_bytes <= plain.resident_bytes + GROWTH_MAX_BYTES);
    assert!(exporting.end <= plain.end + Duration::from_secs(5), "the end waits for the last spans, a while");
}

/// Above this is no delivery but a stall.
const STALL: Duration = Duration::from_millis(100);
/// The spans that may wait (2,048), the exporter's own buffers, and what an allocator keeps.
const GROWTH_MAX_BYTES: u64 = 24 << 20;

/// What sending cost.
struct Cost {
    p50: Duration,
    p99: Duration,
    resident_bytes: u64,
    /// How long the process took to end.
    end: Duration,
}

/// Somebody who talks to a process of its own.
struct Talk {
    server: Standalone,
    socket: Socket,
    room: RoomId,
    latencies: Vec<Duration>,
}

impl Talk {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("MADANG_SENDS_PER_SECOND", "1000000"), ("MADANG_SENDS_BURST", "1000000")];
        all.extend([("MADANG_ADDRESS_SENDS_PER_SECOND", "0"), ("MADANG_ROOM_SENDS_PER_SECOND", "1000000")]);
        all.extend(settings);
        let server = Standalone::start(Program::AllInOne, &all).await;
        let base = server.service.base_url();
        let mina = Person::register(&*base, "mina").await;
        let room = public_room(&mina, "Courtyard", &[]).await.id;
        let socket = mina.socket_in(&base, room).await;
        Self { server, socket, room, latencies: Vec::new() }
    }

    async fn say(&mut self, number: usize) {
        let begun = Instant::now();
        say(&mut self.socket, self.room, &format!("message {number}")).await;
        self.latencies.push(begun.elapsed());
    }

    async fn end(mut self) -> Cost {
        self.latencies.sort();
        let at = |share: f64| self.latencies[((self.latencies.len() - 1) as f64 * share) as usize];
        let (p50, p99) = (at(0.5), at(0.99));
        let process = self.server.service.process();
        let resident_bytes = process.usage().expect("a process that runs").resident_bytes;
        drop(self.socket);
        let begun = Instant::now();
        assert!(self.server.service.stop().await.expect("its end").success());
        Cost { p50, p99, resident_bytes, end: begun.elapsed() }
    }
}
