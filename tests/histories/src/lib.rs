//! Generated histories: people, sockets and faults against real stores and real hubs, and a judge.
//!
//! A *case* is a sequence of steps; the actions of one step happen at the same time. It is played against
//! two gateways in this process that share a store and a bus, each behind a bus and a store that can be told
//! to fail. Everything that a socket hears is kept on a tape. When all is quiet the judge compares the tapes
//! and the answers with the store's log, and what a replay of the log comes to with what a fresh fetch says.
//!
//! | module | what it is |
//! | --- | --- |
//! | `case` | what can happen, and how it is drawn |
//! | `services` | the services that outlive a case: the store, auth, the kind of bus |
//! | `fault` | a bus and a store that fail on demand |
//! | `gateway` | a gateway in this process, which can be killed |
//! | `tape` | a socket, and all that it has heard |
//! | `play` | carrying a case out, then waiting until all is quiet |
//! | `judge` | what must hold of what was heard |
//! | `trial` | many cases, shrunk where one fails |

mod case;
mod fault;
mod gateway;
mod judge;
mod play;
mod services;
mod tape;
mod trial;
mod violation;

pub use case::Settle;
pub use trial::Trial;
pub use violation::Violation;

pub(crate) use case::Case;
pub(crate) use services::Services;
pub(crate) use violation::ensure;
