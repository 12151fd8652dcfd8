use std::time::Duration;

use super::*;
use crate::clock::{Clock as _, SystemClock};

#[derive(Debug, Clone, Copy)]
enum Way {
    Door,
    Window,
}

impl Label for Way {
    const NAME: &'static str = "way";
    const VALUES: &'static [&'static str] = &["door", "window"];

    fn index(self) -> usize {
        self as usize
    }
}

instruments! {
    /// A set.
    struct Frames {
        received: Counter = "madang.frames", "{frame}", "Frames that were received.";
        waiting: Gauge = "madang.frames.waiting", "{frame}", "Frames that wait.";
        sent: StripedCounter = "madang.frames.sent", "By", "Bytes of frames.";
        left: CounterBy<Way> = "madang.left", "{frame}", "Frames by their way.";
        took: Histogram<Durations> = "madang.frame.duration", "s", "Time of a frame.";
    }
}

fn assert_shows(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|shown| shown == *line), "{line}: {text}");
    }
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn it_shows_each_kind_of_a_set() {
    let metrics = Metrics::new("madang-test").unwrap();
    let frames = Arc::new(Frames::default());
    metrics.export(&frames);
    frames.received.add(3);
    frames.waiting.add(2);
    frames.sent.add(100);
    frames.left.add(Way::Window, 4);
    frames.took.observe_duration(Duration::from_millis(250));
    assert_eq!(frames.left.get(Way::Door), 0);
    assert_shows(
        &metrics.render(),
        &[
            "# HELP madang_frames_total Frames that were received.",
            "# TYPE madang_frames_total counter",
            "madang_frames_total 3",
            "# TYPE madang_frames_waiting gauge",
            "madang_frames_waiting 2",
            "madang_frames_sent_bytes_total 100",
            r#"madang_left_total{way="door"} 0"#,
            r#"madang_left_total{way="window"} 4"#,
            "# TYPE madang_frame_duration_seconds histogram",
            r#"madang_frame_duration_seconds_bucket{le="0.1"} 0"#,
            r#"madang_frame_duration_seconds_bucket{le="0.25"} 1"#,
            r#"madang_frame_duration_seconds_bucket{le="+Inf"} 1"#,
            "madang_frame_duration_seconds_sum 0.25",
            "madang_frame_duration_seconds_count 1",
        ],
    );
}

#[tokio::test]
async fn it_shows_the_service_the_process_and_the_runtime() {
    let text = Metrics::new("madang-test").unwrap().render();
    assert!(text.contains(r#"service_name="madang-test""#), "{text}");
    let build =
        format!(r#"madang_build_info{{service="madang-test",version="{}"}} 1"#, env!("CARGO_PKG_VERSION"));
    assert_shows(&text, &[&build]);
    for name in [
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "tokio_workers",
    ] {
        assert!(value(&text, name) > 0.0, "{name}: {text}");
    }
    for name in
        ["process_cpu_seconds_total", "tokio_busy_seconds_total", "tokio_parks_total", "tokio_alive_tasks"]
    {
        assert!(value(&text, name) >= 0.0, "{name}: {text}");
    }
    let now = SystemClock.now().as_micros() as f64 / 1e6;
    let age = now - value(&text, "process_start_time_seconds");
    assert!((-2.0..3_600.0).contains(&age), "{age} s");
}

#[test]
fn several_sets_are_told_apart_by_a_label() {
    let metrics = Metrics::new("madang-test").unwrap();
    let (one, two) = (Arc::new(Frames::default()), Arc::new(Frames::default()));
    metrics.export_by_label("queue", &[("one", Arc::clone(&one)), ("two", Arc::clone(&two))]);
    one.received.add(1);
    two.received.add(2);
    two.left.add(Way::Door, 5);
    two.took.observe_duration(Duration::from_secs(1));
    assert_shows(
        &metrics.render(),
        &[
            r#"madang_frames_total{queue="one"} 1"#,
            r#"madang_frames_total{queue="two"} 2"#,
            r#"madang_left_total{queue="one",way="door"} 0"#,
            r#"madang_left_total{queue="two",way="door"} 5"#,
            r#"madang_frame_duration_seconds_count{queue="two"} 1"#,
        ],
    );
}

#[test]
fn two_in_one_process_do_not_share() {
    let (one, two) = (Metrics::new("one").unwrap(), Metrics::new("two").unwrap());
    one.export(&Arc::new(Frames::default()));
    assert!(one.render().contains("madang_frames_total"));
    assert!(!two.render().contains("madang_frames_total"));
}

#[test]
fn a_recorder_shows_what_it_recorded_and_is_declared_before() {
    let metrics = Metrics::new("madang-test").unwrap();
    let bounds = DURATION_BOUNDS_SECONDS;
    let make =
        || metrics.recorder("rpc.call.duration", "s", "Time of a call.", ["rpc.method", "code"], &bounds);
    // Two services of one process may have the same one.
    let (calls, others) = (make(), make());
    let declared = metrics.declared().into_iter().find(|metric| metric.name == "rpc_call_duration_seconds");
    let declared = declared.unwrap();
    assert_eq!(declared.labels, ["rpc_method", "code"]);
    assert_eq!(declared.kind, Kind::Histogram);
    calls.record(0.25, ["read", "ok"]);
    others.record(0.5, ["read", "ok"]);
    let labels = r#"code="ok",rpc_method="read""#;
    assert_shows(
        &metrics.render(),
        &[
            &format!(r#"rpc_call_duration_seconds_bucket{{{labels},le="0.25"}} 1"#),
            &format!("rpc_call_duration_seconds_count{{{labels}}} 2"),
        ],
    );
}

#[test]
fn what_is_looked_at_is_read_at_the_scrape() {
    let metrics = Metrics::new("madang-test").unwrap();
    let readiness = Readiness::new();
    metrics.observe_readiness(&readiness);
    let (bus, _database) = (readiness.check("bus"), readiness.check_failing("database", "starting"));
    bus.ready();
    assert_shows(
        &metrics.render(),
        &[
            "madang_ready 0",
            r#"madang_readiness_check{check="bus"} 1"#,
            r#"madang_readiness_check{check="database"} 0"#,
        ],
    );
}
