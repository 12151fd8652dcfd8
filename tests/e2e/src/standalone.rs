//! One process of the workspace by itself, as the all-in-one is started.

use std::path::{Path, PathBuf};

use madang_test_kit::{Home, Program, Service, ServiceSpec, binaries_directory, free_address};

/// A process with a directory of its own; both end with this value.
#[derive(Debug)]
pub struct Standalone {
    /// The process.
    pub service: Service,
    log: PathBuf,
    home: Home,
}

impl Standalone {
    /// Starts a program and returns at once; [`Service::ready`] waits until it is.
    ///
    /// # Panics
    /// When it has not been built or cannot be started.
    #[must_use]
    pub fn spawn(program: Program, settings: &[(&str, &str)]) -> Self {
        let home = Home::create(program.binary(), None).expect("a directory");
        let log = home.join("log");
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let service = Service::spawn(ServiceSpec {
            name: program.binary().to_owned(),
            program,
            binaries: binaries_directory().expect("the directory of the binaries"),
            address: free_address().expect("a free port"),
            ops_address: free_address().expect("a free port"),
            settings: settings.iter().map(own).collect(),
            directory: home.path().to_owned(),
            log: log.clone(),
            host: None,
        });
        let service =
            service.unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.binary()));
        Self { service, log, home }
    }

    /// Starts a program and waits until it is ready.
    ///
    /// # Panics
    /// When it is not.
    pub async fn start(program: Program, settings: &[(&str, &str)]) -> Self {
        let standalone = Self::spawn(program, settings);
        let ready = standalone.service.ready().await;
        ready.unwrap_or_else(|error| panic!("{} does not start: {error}", program.binary()));
        standalone
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Its working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.home.path()
    }
}
