//! One process of a service.

use std::path::{Path, PathBuf};

use madang_test_kit::{Error as KitError, Program, Service, ServiceSpec, StepClock, free_address};

use crate::error::{Error, Result};

/// The replica of each service whose wall clock can be stepped, where clocks are; the others run as they would anywhere.
const STEPPED: usize = 1;

/// The library that steps a clock answers one thread after the other, at every question for the time: with several threads a
/// process spends most of its time waiting for them.
const ONE_THREAD: (&str, &str) = ("MADANG_WORKER_THREADS", "1");

/// A service, and its clock where that can be stepped.
#[derive(Debug)]
pub struct Replica {
    service: Service,
    clock: Option<StepClock>,
}

impl Replica {
    /// The process.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Its clock, where it can be stepped.
    #[must_use]
    pub fn clock(&self) -> Option<&StepClock> {
        self.clock.as_ref()
    }
}

/// What a start needs from place to place.
pub(super) struct Blueprint<'a> {
    pub(super) binaries: PathBuf,
    pub(super) home: &'a Path,
    pub(super) logs: &'a Path,
    pub(super) steps_clocks: bool,
}

impl Blueprint<'_> {
    pub(super) async fn start(
        &self,
        program: Program,
        name: &str,
        index: usize,
        mut settings: Vec<(String, String)>,
    ) -> Result<Replica> {
        let name = format!("{name}-{}", index + 1);
        let directory = self.home.join(&name);
        std::fs::create_dir_all(&directory)
            .map_err(Error::file(format!("create {}", directory.display())))?;
        let is_stepped = self.steps_clocks && index == STEPPED;
        let clock = match is_stepped.then(|| StepClock::new(directory.join("clock"))) {
            None | Some(Err(KitError::NoFakeTime)) => None,
            Some(clock) => Some(clock?),
        };
        if let Some(clock) = &clock {
            settings.extend(clock.environment());
            settings.push((ONE_THREAD.0.to_owned(), ONE_THREAD.1.to_owned()));
        }
        let service = Service::start(ServiceSpec {
            program,
            binaries: self.binaries.clone(),
            address: free_address()?,
            ops_address: free_address()?,
            settings,
            directory,
            log: self.logs.join(format!("{name}.log")),
            name,
            host: None,
        })
        .await?;
        Ok(Replica { service, clock })
    }
}
