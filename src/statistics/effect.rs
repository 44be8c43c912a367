//! Effects of one site.

use super::{Outcome, PairSample, Sample};

/// The effect of one site, on its scale (log effects stay logarithms).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    /// Treated minus control on the scale.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom of Student's law; None for the normal law.
    pub df: Option<f64>,
    /// Low and high bound.
    pub ci: [f64; 2],
    /// Two-sided p of no effect.
    pub p: f64,
    /// Clusters (or pairs) that carry the variance; under [`super::cluster::FEW`], warn.
    pub clusters: Option<u64>,
}

/// m₁ − m₀.
pub fn mean_difference(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// Mean of the differences after − before of the clusters that have both.
pub fn paired_difference(_after: &Sample, _before: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// Hedges' g.
pub fn hedges_g(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// ln(m₁/m₀).
pub fn log_ratio_of_means(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// p₁ − p₀.
pub fn risk_difference(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// ln(p₁/p₀).
pub fn log_risk_ratio(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// ln(ad/bc).
pub fn log_odds_ratio(_treated: &Sample, _control: &Sample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// ln(R₁/R₀).
pub fn log_ratio_of_ratios(_treated: &PairSample, _control: &PairSample, _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// ln(r₁/r₀) of two Poisson rates, each given as (events, exposure).
pub fn log_rate_ratio(_treated: (u64, f64), _control: (u64, f64), _confidence: f64) -> Outcome<Effect> {
    todo!()
}

/// (treated after − before) − (control after − before), each given as [after, before].
pub fn difference_in_differences(_treated: [&Sample; 2], _control: [&Sample; 2], _confidence: f64) -> Outcome<Effect> {
    todo!()
}
