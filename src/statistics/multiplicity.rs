//! Conclusions: one-sided tests against a target, and corrections for many indicators.

/// One-sided p values of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetTest {
    /// T = s(θ̂ − target)/SE.
    pub t: f64,
    /// p⁺ = 1 − F(T): small where the target is reached.
    pub reached: f64,
    /// p⁻ = F(T): small where it is missed.
    pub missed: f64,
}

/// Tests an estimate against a target on Student's law.
pub fn target_test(_estimate: f64, _se: f64, _df: f64, _target: f64, _higher_is_better: bool) -> super::Outcome<TargetTest> {
    todo!()
}

/// Holm's adjusted p values, in the order given.
pub fn holm(_p: &[f64]) -> Vec<f64> {
    todo!()
}

/// Benjamini–Hochberg's adjusted p values, in the order given.
pub fn benjamini_hochberg(_p: &[f64]) -> Vec<f64> {
    todo!()
}
