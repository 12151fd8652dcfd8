//! A channel that spreads calls over all replicas of a service and follows them as they come and go.
//!
//! HTTP/2 pins a connection to one replica, and tonic's own balancing goes on picking replicas that are
//! dead (<https://github.com/grpc/grpc-rust/issues/643>). So each channel here has
//!
//! - a **resolver** that looks the host names up again at an interval, and soon after a failure;
//! - a **probe** for each address: a connection of its own that follows the standard health service. A
//!   replica that is killed closes it at once; one that hangs, or whose machine is gone, misses a ping;
//!   one that drains says so before it refuses anything;
//! - a **balancer** that keeps in the channel those replicas that serve.
//!
//! Where the options have a certificate, each connection is by TLS, and only the service that is dialled is called; a new
//! certificate takes the place of the earlier one without a call that fails.
//!
//! When no replica serves, those that are worse stay in: a call then fails with their reason, at once,
//! rather than wait for its deadline. Calls that were under way on a replica when it died fail; callers
//! repeat what may be repeated (the clients of `madang_rpc` do).

mod balance;
mod caller;
mod channel;
mod endpoint;
mod options;
mod probe;
mod resolve;

pub use caller::{Caller, ServiceChannel};
pub use channel::channel;
pub use endpoint::SILENCE_MAX;
pub use options::ClientOptions;
pub use resolve::InvalidUrl;
