//! `doctor`: looks at what a process with these settings would meet, and says what to do about it.
//!
//! Each program has it as a subcommand, so that it runs with the settings, on the network and under the limits of the
//! process that it is about: `kubectl exec deploy/gateway -- madang-gateway doctor`. It changes nothing.
//!
//! The kit looks at the settings and at the process itself. A program adds what its settings name, by
//! [`Application::examine`](crate::Application::examine).

mod certificates;
mod clocks;
mod finding;
mod process;
mod report;
mod settings;

pub(crate) use certificates::certificates;
pub use clocks::clock;
pub use finding::{Finding, Level};
pub use process::{BESIDE_CONNECTIONS, Speaks, files, port};
pub use report::Report;
pub use settings::contradiction;
pub(crate) use settings::settings;
