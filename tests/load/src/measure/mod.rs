//! What is measured: latencies, the order of what arrives, and what processes use.

pub mod disk;
pub mod histogram;
pub mod meter;
pub mod peak;
pub mod process;
pub mod sequence;
