//! The story of a crowd. Clients on two gateways edit, react, pin, mute, ban, read and erase at random while the gateways
//! are killed. Each keeps what it shows by applying events as `docs/protocol.md` says. At the end every client must show
//! what a fresh load shows, and nothing that was acknowledged is lost or doubled.
//!
//! ```text
//!  client::Client ── deed ──▶ REST, WebSocket ──▶ gateways (killed by kills) ──▶ …
//!    │   ▲  ledger: what was acknowledged
//!    │   └── page, notices: what it shows ◀── events
//!    ▼
//!  judge: page and notices beside load (a fresh load), and the ledger beside the same
//! ```
//!
//! - [`page`] and [`notices`] are what a client shows; [`load`] loads the same afresh; [`compare`] says what differs.
//! - [`deed`] draws what a client does next; [`client`] does it; [`ledger`] keeps what came of it.
//! - [`patient`] asks again where an answer was lost.
//! - [`kills`] ends and starts gateways; [`crowd`] makes accounts and rooms; [`story`] is the run, and [`judge`] its end.

pub mod cli;
pub mod client;
pub mod compare;
pub mod crowd;
pub mod deed;
pub mod judge;
pub mod kills;
pub mod ledger;
pub mod load;
pub mod notices;
pub mod page;
pub mod patient;
pub mod story;

pub use story::{Settings, Verdict, run};
