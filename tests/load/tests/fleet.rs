//! The fleet against the bare server, and against one that goes away.

use std::{io, sync::Arc, time::Duration};

use madang_load::{
    bare,
    fleet::{Churn, Fleet, Load, Plan, churn},
    layout::Shape,
    measure::meter::Edge,
};
use tokio::runtime::{Builder, Runtime};

const SHAPE: Shape = Shape { rooms: 3, clients_per_room: 4, members_per_room: 4 };
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

/// A bare server in this process, until the runtime is dropped.
fn server() -> io::Result<(Runtime, Plan)> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(async { bare::listen() })?;
    let servers = vec![listener.local_addr()?];
    runtime.spawn(bare::serve(listener));
    let plan = Plan {
        servers,
        tokens: vec![Arc::from("token")],
        rooms: (0..SHAPE.rooms).map(|room| Arc::from(format!("room-{room}"))).collect(),
        seats: SHAPE.seats(1, 1),
    };
    Ok((runtime, plan))
}

fn load(window: Duration) -> Load {
    Load {
        per_room_hz: 50,
        text_bytes: 128,
        warm_up: Duration::from_millis(200),
        window,
        drain: Duration::from_secs(5),
        run: "test".to_owned(),
    }
}

#[test]
fn every_delivery_of_every_send_is_accounted_for() {
    let (_runtime, plan) = server().unwrap();
    let mut fleet = Fleet::open(plan, OPEN_DEADLINE).unwrap();
    let mut edges = Vec::new();
    let outcome = fleet.drive(&load(Duration::from_millis(800)), &mut |edge| edges.push(edge)).unwrap();
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(edges, [Edge::Start, Edge::End]);
    // A second in all, at 50 a second in each of 3 rooms; 4 clients receive each.
    assert_eq!((outcome.sent, outcome.acked, outcome.delivered), (150, 150, 600));
    assert_eq!(outcome.unanswered, 0);
    // Of those whose time lay in the window.
    assert_eq!((outcome.ack.count(), outcome.delivery.count()), (120, 480));
    assert!(outcome.delivery.quantile(0.5) > Some(Duration::ZERO));
    assert!(outcome.window.abs_diff(Duration::from_millis(800)) < Duration::from_millis(200));
    assert!((400..=600).contains(&outcome.delivered_in_window), "{}", outcome.delivered_in_window);

    // The same clients go on where they were.
    let load = Load { run: "again".to_owned(), ..load(Duration::from_millis(300)) };
    let again = fleet.drive(&load, &mut |_| {}).unwrap();
    assert!(again.is_complete(), "{again:?}");
    fleet.close().unwrap();
}

#[test]
fn a_server_that_goes_away_leaves_sends_unanswered_and_clients_lost() {
    let (runtime, plan) = server().unwrap();
    let mut runtime = Some(runtime);
    let mut fleet = Fleet::open(plan, OPEN_DEADLINE).unwrap();
    let load = Load { drain: Duration::from_millis(100), ..load(Duration::from_millis(400)) };
    let outcome = fleet
        .drive(&load, &mut |edge| {
            if edge == Edge::Start {
                runtime.take().unwrap().shutdown_timeout(Duration::from_secs(5));
            }
        })
        .unwrap();
    assert!(!outcome.is_complete());
    assert_eq!(outcome.ended.values().sum::<u64>(), 12, "{:?}", outcome.ended);
    assert!(outcome.acked > 0 && outcome.unanswered > 0, "{outcome:?}");
    assert_eq!(outcome.sent, outcome.acked + outcome.unanswered);
    assert!(outcome.faults.missing > 0, "what lost clients received is not vouched for");
    assert_eq!(outcome.ack.quantile(0.99), None, "nothing of the window came back");
}

#[test]
fn clients_come_and_go() {
    let (_runtime, plan) = server().unwrap();
    let how =
        Churn { concurrency: 8, warm_up: Duration::from_millis(100), window: Duration::from_millis(300) };
    let outcome = churn(&plan, how, &mut |_| {}).unwrap();
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert!(outcome.completed > 10, "{}", outcome.completed);
    assert!(outcome.subscribed.quantile(0.5).is_some());
}

#[test]
fn nobody_there_is_an_error_and_not_a_result() {
    let (runtime, plan) = server().unwrap();
    drop(runtime);
    let error = Fleet::open(plan.clone(), OPEN_DEADLINE).err().unwrap();
    assert!(error.to_string().contains("of 12: Connection refused"), "{error}");
    let how = Churn { concurrency: 1, warm_up: Duration::ZERO, window: Duration::from_millis(50) };
    let outcome = churn(&plan, how, &mut |_| {}).unwrap();
    assert_eq!(outcome.completed, 0);
    assert!(outcome.failed.values().sum::<u64>() > 0);
}
