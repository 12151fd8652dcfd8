//! The arithmetic and the simulation of `docs/scaling.md`: 1,000,000 sockets and 100,000 messages a second, from what was
//! measured on one small machine. `cargo run -p madang-scaling` prints the tables, and a test compares the document with
//! them.
//!
//! | module | holds |
//! | --- | --- |
//! | [`measured`] | what was measured, and where that stands |
//! | [`shape`] | the rooms: how many listen, and what a message costs then |
//! | [`simulation`] | messages that wait at PostgreSQL and at gateways, by chance |
//! | [`ceiling`] | the highest rate that a part sustains |
//! | [`tables`] | the tables of the document |

pub mod ceiling;
pub mod measured;
pub mod random;
pub mod shape;
pub mod simulation;
pub mod tables;
