//! What is modelled: the protocol within some bounds.

use crate::bounds::{Bounds, Defect};

/// The delivery protocol within some bounds, whole or with a seeded defect.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// How much happens.
    pub bounds: Bounds,
    /// The defect.
    pub defect: Option<Defect>,
}

impl Delivery {
    /// Whether heads are compared now and then.
    pub(crate) fn sweeps(&self) -> bool {
        self.bounds.sweep && self.defect != Some(Defect::NoSweep)
    }
}
