//! What an experiment can see before it starts.

use super::Outcome;

/// Smallest effect that k sites detect.
pub fn minimum_detectable_effect(_k: u64, _tau2: f64, _variance: f64, _confidence: f64, _power: f64) -> Outcome<f64> {
    todo!()
}

/// Inflation of a variance by clusters of `size` rows with intra-cluster correlation `icc`: 1 + (m − 1)ρ.
pub fn design_effect(size: f64, icc: f64) -> f64 {
    1.0 + (size - 1.0) * icc
}
