//! Pooling the effects of k sites.

use super::Outcome;

/// Estimator of the between-site variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Restricted maximum likelihood, the default.
    Reml,
    /// DerSimonian–Laird.
    DerSimonianLaird,
    /// Paule–Mandel.
    PauleMandel,
}

/// A pooled mean with its standard error and interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Pooled estimate.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
    /// Low and high bound.
    pub ci: [f64; 2],
}

/// What k sites say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Sites.
    pub k: usize,
    /// Inverse-variance mean with its normal interval.
    pub fixed: Mean,
    /// Cochran's Q.
    pub q: f64,
    /// k − 1.
    pub df: f64,
    /// p of homogeneity.
    pub q_p: f64,
    /// How τ² was estimated.
    pub method: Method,
    /// Between-site variance.
    pub tau2: f64,
    /// Its Q-profile interval; None where it is empty.
    pub tau2_ci: Option<[f64; 2]>,
    /// Random-effects mean with its normal interval.
    pub random: Mean,
    /// The same with Hartung–Knapp–Sidik–Jonkman's standard error, on t(k − 1) (metafor `knha`).
    pub hksj: Mean,
    /// The same with max(1, q) (metafor `adhoc`): what decisions use.
    pub adhoc: Mean,
    /// In percent.
    pub i2: f64,
    /// 1 + τ²/s².
    pub h2: f64,
    /// Interval of a new site's effect.
    pub prediction: [f64; 2],
    /// Weight of each site in the random-effects mean (also its hat value × 100), in percent.
    pub weights: Vec<f64>,
}

/// Pools effects `y` with sampling variances `v`.
pub fn pool(_y: &[f64], _v: &[f64], _method: Method, _confidence: f64) -> Outcome<Pool> {
    todo!()
}

/// One site left out.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// The pool without it.
    pub pool: Pool,
    /// Cook's distance: how far the pooled mean moves, in squared standard errors.
    pub cook: f64,
}

/// Pools again without each site in turn.
pub fn leave_one_out(_y: &[f64], _v: &[f64], _method: Method, _confidence: f64) -> Outcome<Vec<LeftOut>> {
    todo!()
}
