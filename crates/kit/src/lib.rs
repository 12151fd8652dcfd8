//! What the `main` of every service starts from: configuration, telemetry, metrics, health, the
//! operations port, shutdown, gRPC servers and balanced gRPC clients, the clock.
//!
//! Nothing here is static, except what is so by nature (the `tracing` subscriber of the process):
//! several services can live in one process, and a test can start and stop one in its own.
//!
//! A service's `main` is about ten lines:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use madang_kit::{Application, CommonSettings, Host, OpsSettings, Running, StartError};
//!
//! /// Greets.
//! #[derive(clap::Parser)]
//! struct Settings {
//!     #[command(flatten)]
//!     common: CommonSettings,
//!     #[command(flatten)]
//!     ops: OpsSettings,
//! }
//!
//! impl Application for Settings {
//!     fn common(&self) -> &CommonSettings { &self.common }
//!     fn ops(&self) -> Option<&OpsSettings> { Some(&self.ops) }
//! }
//!
//! async fn start(_settings: Settings, host: Host) -> Result<Running, StartError> {
//!     Ok(Running::new("greeter", host.lifecycle.child("greeter")))
//! }
//!
//! fn main() -> ExitCode {
//!     madang_kit::run("madang-greeter", start)
//! }
//! ```

mod accept;
mod allocator;
mod answers;
pub mod clock;
pub mod config;
pub mod doctor;
mod file_limit;
pub mod grpc;
pub mod health;
mod inspect;
pub mod lifecycle;
mod log_budget;
pub mod metrics;
pub mod ops;
mod patience;
mod places;
mod run;
pub mod settings;
pub mod telemetry;
pub mod tls;
mod url;

pub use accept::accept;
pub use config::Secret;
pub use file_limit::FileLimit;
pub use health::{Check, Readiness};
pub use lifecycle::{Lifecycle, Running, StartError};
pub use log_budget::{Escaped, LogBudget};
pub use metrics::Metrics;
pub use patience::Patience;
pub use places::{Place, Places};
pub use run::{Application, Host, run};
pub use settings::{CommonSettings, LogFormat, OpsSettings, Registration};
pub use url::login_is_cut;
