//! The methods of the services: who may call each, how long a call may take, and which may be repeated.
//!
//! A call is repeated only when the service was not reached or its answer did not arrive. It is never repeated
//! when the service answered, whatever it said. Where the service cannot have begun with the request, every call is
//! repeated; otherwise only one where doing it twice is the same as doing it once. "The same" is meant strictly: the state, and
//! what the caller learns. Each line of a service's table ([`auth`],
//! [`store`]) gives its class (`always`, `never`, or `when` a function of the request says so) and the reason.
//!
//! [`auth`]: crate::auth
//! [`store`]: crate::store

use std::time::Duration;

use madang_domain::ServiceName;

/// A method of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The name of the trait's method, which metrics and logs show.
    pub name: &'static str,
    /// The name of the RPC.
    pub rpc: &'static str,
    /// The whole time that a call may take, repetitions included.
    pub timeout: Duration,
    /// When a client may repeat it.
    pub repeat: Repeat,
    /// The services that may call it. Its server refuses others, where it knows its callers.
    pub callers: &'static [ServiceName],
    /// Calls leave a client together with others of their moment, and a service answers them together.
    pub batched: bool,
}

/// When a client may repeat a call with which its service may have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it twice is the same as doing it once.
    Always,
    /// It is not.
    Never,
    /// The request decides, for example by having an idempotency key.
    When,
}

/// The time that a call may take, where its table does not give another.
pub(crate) const USUAL_TIMEOUT: Duration = Duration::from_secs(5);
