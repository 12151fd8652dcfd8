//! Attacks that really attack: a benchmark of an attack that the servers do not even notice would show that all is well.

use std::time::Duration;

use madang_load::{
    hostile::Attack,
    report::{Report, Row},
    scenario::{Bench, Scenario, Settings},
    target::Target,
};
use madang_test_kit::{Home, ProcessEntry, Program, Service, ServiceSpec, binaries_directory, free_address};
use tokio::runtime::Builder;

/// One of each kind: sockets, requests, frames, and writes.
const ATTACKS: [Attack; 4] =
    [Attack::UnreadCloses, Attack::MadeUpKeys, Attack::UnknownRooms, Attack::JoinsAndLeaves];

fn value(report: &Report, attack: Attack, figure: &str) -> f64 {
    let is_it = |row: &&Row| row.work == attack.name() && row.figure == figure;
    report.rows.iter().find(is_it).map_or(f64::NAN, |row| row.value)
}

/// With the warm-up before it, longer than a socket has that is to be closed (6 s).
const WINDOW: Duration = Duration::from_secs(5);

/// The all-in-one has the default limits; the others' load is the scenario's.
#[test]
fn attacks_reach_the_servers_and_harm_nobody_else() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let home = Home::create("hostile", None).unwrap();
    let service = runtime
        .block_on(Service::start(ServiceSpec {
            name: "gateway-1".to_owned(),
            program: Program::AllInOne,
            binaries: binaries_directory().unwrap(),
            address: free_address().unwrap(),
            ops_address: free_address().unwrap(),
            settings: Vec::new(),
            directory: home.path().to_owned(),
            log: home.path().join("log"),
            host: None,
        }))
        .unwrap();
    let target = Target::new(vec![ProcessEntry {
        name: service.name().to_owned(),
        pid: service.process().pid(),
        address: service.address(),
        ops_address: None,
        log: service.process().log().to_owned(),
        url: None,
    }])
    .unwrap();
    let settings = Settings { window: WINDOW, attacks: ATTACKS.to_vec() };
    let report = Bench::new(&runtime, Some(target), settings).unwrap().run(&[Scenario::Hostile]);
    assert_eq!(report.failures, []);
    for attack in ATTACKS {
        let of = |figure| value(&report, attack, figure);
        assert!(of("attacker: done") > 0.0, "{report}");
        // Not their latency, which a busy machine decides.
        assert_eq!(of("others' messages lost, repeated or refused"), 0.0, "{report}");
        assert_eq!(of("others' sockets lost"), 0.0, "{report}");
    }
    for limited in [Attack::MadeUpKeys, Attack::UnknownRooms, Attack::JoinsAndLeaves] {
        assert!(value(&report, limited, "attacker: refused") > 0.0, "{report}");
    }
    let held = value(&report, Attack::UnreadCloses, "attacker: connections at the end");
    assert_eq!(held, 0.0, "those who sign out are gone: {report}");
    runtime.block_on(service.stop()).unwrap();
}
