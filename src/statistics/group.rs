//! Levels of one group, with their intervals.

use super::{Outcome, PairSample, Sample};

/// The level of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Mean, proportion, ratio or rate.
    pub estimate: f64,
    /// Its standard error on the same scale (cluster-robust with clusters): its square is what a pooled level weighs by.
    pub se: f64,
    /// Degrees of freedom of Student's law; None for the normal law.
    pub df: Option<f64>,
    /// Low and high bound.
    pub ci: [f64; 2],
    /// Clusters that carry the variance; under [`super::cluster::FEW`], warn.
    pub clusters: Option<u64>,
}

/// Mean with Student's interval.
pub fn mean(_sample: &Sample, _confidence: f64) -> Outcome<Level> {
    todo!()
}

/// Proportion of 0/1 values with Wilson's interval.
pub fn proportion(_sample: &Sample, _confidence: f64) -> Outcome<Level> {
    todo!()
}

/// Ratio Σa/Σb with its linearised interval on the log scale.
pub fn ratio(_sample: &PairSample, _confidence: f64) -> Outcome<Level> {
    todo!()
}

/// Rate of `events` per unit of `exposure`, with Garwood's exact Poisson interval.
pub fn rate(_events: u64, _exposure: f64, _confidence: f64) -> Outcome<Level> {
    todo!()
}
