//! The scenario of a drain: thousands of sockets at one gateway, which is asked to stop while people talk. What is measured
//! is when their sockets were closed, how long each was away, and how the process ended.

use std::{net::SocketAddr, process::ExitStatus, time::Duration};

use madang_test_kit::Service;
use tokio::time::{Instant, sleep};

use crate::{
    error::Result,
    listeners::{First, Listeners, Outcome, SOCKETS_EACH},
    screen::Screen,
    settings::Settings,
    watch::{Moment, Watch},
};

/// Talk before and after.
const CALM: Duration = Duration::from_secs(3);

/// What every account may have at one gateway, where all of them meet.
pub const USER_SOCKETS_MAX: usize = 2 * SOCKETS_EACH;

/// What came of it.
#[derive(Debug)]
pub struct Drained {
    /// What the sockets have seen.
    pub outcome: Outcome,
    /// When the gateway was asked to stop.
    pub asked: Moment,
    /// From then until the process had ended.
    pub ended_after: Duration,
    /// How it ended.
    pub status: ExitStatus,
}

/// Opens all sockets at the first of the gateways, asks that to stop, and waits until everybody is back at the others.
///
/// # Errors
/// When the set-up fails, or the gateway does not end.
pub async fn run(
    gateways: &[SocketAddr],
    leaving: &Service,
    settings: &Settings,
    screen: &Screen,
) -> Result<Drained> {
    let watch = Watch::start();
    let listeners = Listeners::gather(gateways, First::One, settings, watch, screen).await?;
    let talking = listeners.talk();
    sleep(CALM).await;
    screen.step("asking the gateway to stop");
    let asked = watch.now();
    let began = Instant::now();
    let status = leaving.stop().await?;
    let ended_after = began.elapsed();
    listeners.all_here().await;
    sleep(CALM).await;
    screen.step("the last messages");
    let outcome = listeners.disperse(talking).await?;
    Ok(Drained { outcome, asked, ended_after, status })
}
