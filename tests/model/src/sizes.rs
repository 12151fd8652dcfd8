//! How many there are of each, in every bound.

/// Gateways of every bound.
pub const GATEWAYS: usize = 2;
/// Subscribers, at most.
pub const SUBSCRIBERS: usize = 2;
/// The subscriber whose membership is taken away, where one is.
pub const REMOVED: usize = 0;
/// Requests of senders, at most: three messages and a removal.
pub const REQUESTS_MAX: usize = 4;
