//! How faults are made, held and ended.

use std::time::Duration;

use madang_test_kit::{BreakableProxy, Direction, Service};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use tokio::time::sleep;

use crate::{
    crowd::ClientLine,
    error::Result,
    fault::{Fault, Kind, Scope},
    site::{Edge, Replica, Site},
};

/// How slow a slow line is, in milliseconds and each direction: from another city to the other side of the world and
/// a full queue on the way.
const DELAY_MS: std::ops::Range<u64> = 30..400;

/// A clock that is wrong by a time zone, or by a summer.
const STEP_SECONDS: i64 = 3_600;

/// How an injection ended.
#[derive(Debug)]
pub enum Injected {
    /// It is over. What happened meanwhile that should not have: a process that ended in another way than it was asked to.
    Over(Vec<String>),
    /// This machine cannot inject it, for this reason.
    Impossible(String),
}

/// Injects a fault, holds it and ends it. When this returns everything is up again, as far as the fault took it down.
///
/// # Errors
/// When something does not come up again.
pub async fn inject(site: &Site, lines: &[&ClientLine], fault: &Fault) -> Result<Injected> {
    let Fault { kind, scope, hold, seed } = *fault;
    let mut random = StdRng::seed_from_u64(seed);
    let mut complaints = Vec::new();
    match kind {
        Kind::GatewayKilled => killed(site.gateways(), scope, hold).await?,
        Kind::StoreKilled => killed(site.stores(), scope, hold).await?,
        Kind::AuthKilled => killed(site.auths(), scope, hold).await?,
        Kind::GatewayPaused => paused(site.gateways(), scope, hold).await,
        Kind::StorePaused => paused(site.stores(), scope, hold).await,
        Kind::AuthPaused => paused(site.auths(), scope, hold).await,
        Kind::RedisKilledKept => {
            site.redis().kill9().await?;
            sleep(hold).await;
            site.redis().restart().await?;
        }
        Kind::RedisKilledEmpty => {
            site.redis().kill9_with_replica().await?;
            sleep(hold).await;
            site.redis().restart_empty().await?;
        }
        Kind::RedisFlushed => site.redis().flush().await?,
        Kind::RedisPaused => {
            site.redis().pause().await;
            sleep(hold).await;
            site.redis().resume().await?;
        }
        Kind::RedisFailover => {
            if !site.redis().fail_over().await? {
                return Ok(Injected::Impossible("this Redis has no replica that could take over".to_owned()));
            }
        }
        Kind::RedisCut | Kind::RedisDelayed | Kind::RedisDeaf | Kind::RedisHalfOpen
            if site.lines().of(Edge::Redis, Scope::All).next().is_none() =>
        {
            return Ok(Injected::Impossible("no line of the harness leads to this Redis".to_owned()));
        }
        Kind::RedisCut => cut(site.lines().of(Edge::Redis, scope), hold).await?,
        Kind::StoreCut => cut(site.lines().of(Edge::Store, scope), hold).await?,
        Kind::AuthCut => cut(site.lines().of(Edge::Auth, scope), hold).await?,
        Kind::PostgresCut => cut(site.lines().of(Edge::StorePostgres, scope), hold).await?,
        Kind::RedisDelayed => delayed(site.lines().of(Edge::Redis, scope), hold, &mut random).await,
        Kind::StoreDelayed => delayed(site.lines().of(Edge::Store, scope), hold, &mut random).await,
        Kind::AuthDelayed => delayed(site.lines().of(Edge::Auth, scope), hold, &mut random).await,
        Kind::PostgresDelayed => {
            delayed(site.lines().of(Edge::StorePostgres, scope), hold, &mut random).await;
        }
        Kind::RedisDeaf => deaf(site.lines().of(Edge::Redis, scope), hold, &mut random).await,
        Kind::StoreDeaf => deaf(site.lines().of(Edge::Store, scope), hold, &mut random).await,
        Kind::RedisHalfOpen => {
            site.lines().of(Edge::Redis, scope).for_each(BreakableProxy::half_open);
            sleep(hold).await;
        }
        Kind::GatewayStreamTrimmed => gateway_stream_trimmed(site, scope, hold, &mut random).await?,
        Kind::PostgresRestarted => site.postgres().restart_immediately().await?,
        Kind::PostgresConnectionsEnded => {
            site.postgres().terminate_connections().await?;
        }
        Kind::RollingRestart => complaints = rolling_restart(site).await?,
        Kind::ClockForward | Kind::ClockBack => {
            let offset = if kind == Kind::ClockForward { STEP_SECONDS } else { -STEP_SECONDS };
            if let Some(reason) = stepped(site, offset, hold, &mut random).await? {
                return Ok(Injected::Impossible(reason));
            }
        }
        Kind::DiskFull => {
            if let Some(reason) = disk_full(site, hold).await? {
                return Ok(Injected::Impossible(reason));
            }
        }
        Kind::ClientsCut => clients_cut(lines, hold, &mut random).await?,
    }
    Ok(Injected::Over(complaints))
}

/// The process that a scope means. A kill or a pause takes one replica, never both: without any there is nothing to
/// be promised.
fn service(replicas: &[Replica], scope: Scope) -> Option<&Service> {
    replicas.get(scope.one()).map(Replica::service)
}

async fn killed(replicas: &[Replica], scope: Scope, hold: Duration) -> Result<()> {
    if let Some(service) = service(replicas, scope) {
        service.kill9().await?;
        sleep(hold).await;
        service.restart().await?;
    }
    Ok(())
}

async fn paused(replicas: &[Replica], scope: Scope, hold: Duration) {
    if let Some(service) = service(replicas, scope) {
        service.process().pause();
        sleep(hold).await;
        service.process().resume();
    }
}

async fn cut(lines: impl Iterator<Item = &BreakableProxy>, hold: Duration) -> Result<()> {
    let lines: Vec<_> = lines.collect();
    for line in &lines {
        line.refuse().await;
        line.cut();
    }
    sleep(hold).await;
    for line in &lines {
        line.accept()?;
    }
    Ok(())
}

async fn delayed(lines: impl Iterator<Item = &BreakableProxy>, hold: Duration, random: &mut StdRng) {
    let delay = Duration::from_millis(random.random_range(DELAY_MS));
    let lines: Vec<_> = lines.collect();
    lines.iter().for_each(|line| line.delay(delay));
    sleep(hold).await;
    lines.iter().for_each(|line| line.delay(Duration::ZERO));
}

/// Callers are heard and hear nothing. At the end what was said arrives late, or is lost with the connections.
async fn deaf(lines: impl Iterator<Item = &BreakableProxy>, hold: Duration, random: &mut StdRng) {
    let lines: Vec<_> = lines.collect();
    lines.iter().for_each(|line| line.mute(Direction::FromTarget));
    sleep(hold).await;
    heal(&lines, random);
}

fn heal(lines: &[&BreakableProxy], random: &mut StdRng) {
    if random.random() {
        lines.iter().for_each(|line| line.cut());
    }
    lines.iter().for_each(|line| line.pass());
}

async fn gateway_stream_trimmed(
    site: &Site,
    scope: Scope,
    hold: Duration,
    random: &mut StdRng,
) -> Result<()> {
    let lines: Vec<_> = site.lines().of(Edge::Redis, scope).collect();
    lines.iter().for_each(|line| line.blackhole());
    // What the others publish meanwhile is what will be missing.
    sleep(hold).await;
    let trimmed = if random.random() {
        site.redis().trim_gateway_streams().await
    } else {
        site.redis().remove_gateway_streams().await
    };
    heal(&lines, random);
    trimmed.map(drop).map_err(Into::into)
}

async fn rolling_restart(site: &Site) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for replica in site.replicas() {
        let status = replica.service().stop().await?;
        if !status.success() {
            complaints
                .push(format!("{} was asked to stop and ended with {status}", replica.service().name()));
        }
        replica.service().restart().await?;
    }
    Ok(complaints)
}

/// Answers why it cannot be done, where it cannot.
async fn stepped(site: &Site, offset: i64, hold: Duration, random: &mut StdRng) -> Result<Option<String>> {
    let mut replicas: Vec<_> = site.replicas().filter(|replica| replica.clock().is_some()).collect();
    replicas.shuffle(random);
    let Some((replica, clock)) = replicas.first().and_then(|replica| Some((*replica, replica.clock()?)))
    else {
        return Ok(Some(madang_test_kit::Error::NoFakeTime.to_string()));
    };
    let service = replica.service();
    if !clock.is_followed_by(service.process().pid()) {
        return Ok(Some(format!("{} does not follow a clock that can be stepped", service.name())));
    }
    clock.step(offset)?;
    sleep(hold).await;
    clock.step(0)?;
    Ok(None)
}

/// Answers why it cannot be done, where it cannot.
async fn disk_full(site: &Site, hold: Duration) -> Result<Option<String>> {
    let postgres = site.postgres();
    let Some(disk) = postgres.disk() else {
        return Ok(Some(site.no_disk().unwrap_or("no disk was asked for").to_owned()));
    };
    // Half a gigabyte of memory, at once: other tasks run on other threads.
    tokio::task::block_in_place(|| disk.fill())?;
    sleep(hold).await;
    disk.release()?;
    if !postgres.process().is_running() {
        postgres.restart().await?;
    }
    // Where its backends ended over the log, it recovers by itself.
    postgres.ready().await?;
    Ok(None)
}

async fn clients_cut(lines: &[&ClientLine], hold: Duration, random: &mut StdRng) -> Result<()> {
    const ONE_IN: usize = 3;
    let mut unlucky = lines.to_vec();
    unlucky.shuffle(random);
    unlucky.truncate(lines.len().div_ceil(ONE_IN));
    let drops = unlucky.into_iter().map(|line| line.drop_for(hold, random.random()));
    futures_util::future::try_join_all(drops).await.map(drop)
}
