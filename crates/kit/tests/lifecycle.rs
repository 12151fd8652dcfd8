//! Soft and hard shutdown, tracked tasks, panics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use madang_kit::{
    Lifecycle, Running,
    lifecycle::{Outcome, TaskFailure},
};
use tokio::{sync::oneshot, time::timeout};

const LONG: Duration = Duration::from_secs(60);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sets its flag when it is dropped.
struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_soft_stop_lets_tasks_finish() {
    let life = Lifecycle::new("test", LONG);
    let (finish, finished) = oneshot::channel::<()>();
    let done = Arc::new(AtomicBool::new(false));
    let (soft, flag) = (life.soft().clone(), Arc::clone(&done));
    life.tasks().spawn("worker", async move {
        soft.cancelled().await;
        finished.await.unwrap();
        flag.store(true, Ordering::SeqCst);
    });
    life.stop();
    assert!(life.is_stopping() && !life.hard().is_cancelled());
    finish.send(()).unwrap();
    assert_eq!(life.finished().await, Outcome::Drained);
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn the_drain_deadline_cuts_off_what_still_runs() {
    let life = Lifecycle::new("test", Duration::from_secs(5));
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Flag(Arc::clone(&dropped));
    life.tasks().spawn("stubborn", async move {
        let _flag = flag;
        std::future::pending::<()>().await;
    });
    let begun = tokio::time::Instant::now();
    life.stop();
    assert_eq!(life.finished().await, Outcome::Cut);
    assert!(begun.elapsed() >= Duration::from_secs(5) && begun.elapsed() < Duration::from_secs(6));
    assert!(dropped.load(Ordering::SeqCst), "a cut task is dropped, so that its guards release");
}

#[tokio::test(start_paused = true)]
async fn a_hard_stop_does_not_wait_for_the_deadline() {
    let life = Lifecycle::new("test", LONG);
    life.tasks().spawn("stubborn", std::future::pending());
    let begun = tokio::time::Instant::now();
    life.kill();
    assert_eq!(life.finished().await, Outcome::Cut);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_task_that_panics_stops_the_process_and_is_named() {
    let process = Lifecycle::new("process", LONG);
    let (auth, store) = (process.child("auth"), process.child("store"));
    auth.tasks().spawn("keys", async { panic!("the key ring is broken") });
    let expected = TaskFailure { task: "auth/keys".to_owned(), reason: "the key ring is broken".to_owned() };
    let outcome = timeout(PATIENCE, process.finished()).await.expect("the panic ends it");
    assert_eq!(outcome, Outcome::Failed(expected));
    assert!(store.is_stopping(), "its neighbours stop too");
}

#[tokio::test]
async fn a_task_that_fails_stops_the_process_with_its_causes() {
    let life = Lifecycle::new("process", LONG);
    life.tasks().spawn_fallible("reader", async {
        Err::<(), _>(std::io::Error::other(std::io::Error::other("disk on fire")))
    });
    let Outcome::Failed(failure) = life.finished().await else { panic!("it failed") };
    assert_eq!(failure.reason, "disk on fire");
}

#[tokio::test]
async fn a_contained_panic_ends_nothing_else() {
    let life = Lifecycle::new("process", LONG);
    life.tasks().spawn_contained("session", async { panic!("one client's") }).await.unwrap();
    assert!(!life.is_stopping() && life.failure().is_none());
    life.stop();
    assert_eq!(life.finished().await, Outcome::Drained);
}

#[tokio::test]
async fn one_service_of_several_can_be_stopped_alone() {
    let process = Lifecycle::new("process", LONG);
    let start = |name| {
        let life = process.child(name);
        let soft = life.soft().clone();
        life.tasks().spawn("serve", async move { soft.cancelled().await });
        Running::new(name, life).listening("grpc", ([127, 0, 0, 1], 1).into())
    };
    let (auth, store) = (start("auth"), start("store"));
    assert_eq!(auth.stop().await, Outcome::Drained);
    assert!(!process.is_stopping() && !store.lifecycle().is_stopping());
    assert_eq!(auth.address("grpc").unwrap().port(), 1);
    process.stop();
    assert_eq!(process.finished().await, Outcome::Drained);
    assert!(store.lifecycle().is_stopping());
}

#[tokio::test]
async fn a_background_task_outlives_the_others_and_delays_nothing() {
    let life = Lifecycle::new("process", LONG);
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Flag(Arc::clone(&dropped));
    let background = life.tasks().spawn_background("connection", async move {
        let _flag = flag;
        std::future::pending::<()>().await;
    });
    let (soft, seen) = (life.soft().clone(), Arc::clone(&dropped));
    life.tasks().spawn("worker", async move {
        soft.cancelled().await;
        tokio::task::yield_now().await;
        assert!(!seen.load(Ordering::SeqCst), "the connection lives while a worker may use it");
    });
    life.stop();
    assert_eq!(life.finished().await, Outcome::Drained);
    assert_eq!(life.finished().await, Outcome::Drained, "asked again, the same");
    background.await.unwrap();
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn work_that_is_carried_through_runs_in_the_task_of_a_caller_who_waits() {
    let life = Lifecycle::new("test", LONG);
    let tasks = life.tasks().clone();
    tokio::spawn(async move {
        let work = async { (tokio::task::yield_now().await, tokio::task::id()) };
        let ((), ran_in) = tasks.carry_through("work", work).await.unwrap();
        assert_eq!(ran_in, tokio::task::id());
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn work_that_is_carried_through_outlives_its_caller_and_the_shutdown_waits_for_it() {
    let life = Lifecycle::new("test", LONG);
    let (go, gone) = oneshot::channel::<()>();
    let done = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&done);
    let work = life.tasks().carry_through("work", async move {
        gone.await.unwrap();
        flag.store(true, Ordering::SeqCst);
    });
    // The caller has begun to wait, and gives up.
    assert!(timeout(Duration::from_millis(1), work).await.is_err());
    life.stop();
    go.send(()).unwrap();
    assert_eq!(life.finished().await, Outcome::Drained);
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn work_that_panics_while_it_is_carried_through_ends_neither_its_caller_nor_the_process() {
    let life = Lifecycle::new("test", LONG);
    let panics = life.tasks().carry_through("work", async {
        tokio::task::yield_now().await;
        assert!(std::env::args().next().is_none(), "planted");
    });
    assert_eq!(panics.await, None);
    life.stop();
    assert_eq!(life.finished().await, Outcome::Drained);
}
