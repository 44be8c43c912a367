//! Pooling the effects of k sites.

use super::{
    Outcome, Refusal, check_level,
    distribution::{chi_squared_tail, chi_squared_upper, critical, crossing},
    group::bounds,
    moments::finite,
};

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

/// Pools effects `y` with sampling variances `v` (metafor `rma`).
///
/// - Fixed: Σwy/Σw with w = 1/v; Q = Σw(y − μ̂_F)² on χ²(k − 1).
/// - τ²: REML by Fisher scoring to 1e-12, from Hedges' estimate (where it does not settle, the zero of the score is searched);
///   DerSimonian–Laird max(0, (Q−k+1)/(Σw − Σw²/Σw)); Paule–Mandel, the zero of Q(τ²) = k − 1. Interval by Q-profile (Viechtbauer 2007).
/// - Random: w* = 1/(v+τ²), SE = √(1/Σw*). HKSJ: SE = √(q/Σw*), q = Σw*(y−μ̂)²/(k−1), on t(k−1) (metafor `knha`); `adhoc` takes max(1, q).
/// - I² = 100·τ²/(τ²+s²), H² = 1 + τ²/s², s² = (k−1)Σw/((Σw)² − Σw²) (Higgins and Thompson 2002).
/// - Prediction: μ̂ ± t(k−1)·√(τ² + SE_adhoc²).
///
/// Refused: `too_few_sites` (k < 3), `lengths_differ`, `bad_variance`, `non_finite`, `no_convergence`, `bad_level`.
pub fn pool(y: &[f64], v: &[f64], method: Method, confidence: f64) -> Outcome<Pool> {
    check_level(confidence)?;
    if y.len() != v.len() {
        return Err(Refusal::LENGTHS_DIFFER);
    }
    if y.len() < 3 {
        return Err(Refusal::TOO_FEW_SITES);
    }
    if !v.iter().all(|v| *v > 0.0 && v.is_finite() && (1.0 / v).is_finite()) {
        return Err(Refusal::BAD_VARIANCE);
    }
    if !y.iter().all(|y| y.is_finite()) {
        return Err(Refusal::NON_FINITE);
    }
    let sites = Sites { y, v };
    let df = y.len() as f64 - 1.0;
    let fixed = sites.fit(0.0);
    let q = finite(fixed.q)?;
    let s2 = finite(df * fixed.w / (fixed.w * fixed.w - fixed.w2))?;
    let tau2 = finite(match method {
        Method::Reml => sites.reml(s2)?,
        Method::DerSimonianLaird => ((q - df) / (fixed.w - fixed.w2 / fixed.w)).max(0.0),
        Method::PauleMandel => sites.solve_q(df, s2)?,
    })?;
    let random = sites.fit(tau2);
    let tail = (1.0 - confidence) / 2.0;
    let empty = q < chi_squared_upper(1.0 - tail, df);
    let tau2_ci = if empty {
        None
    } else {
        let low = sites.solve_q(chi_squared_upper(tail, df), s2)?;
        Some(bounds(low, sites.solve_q(chi_squared_upper(1.0 - tail, df), s2)?)?)
    };
    let (z, t) = (critical(confidence, None), critical(confidence, Some(df)));
    let scale = random.q / df;
    let adhoc = Mean::new(random.mean, (scale.max(1.0) / random.w).sqrt(), t)?;
    let half = t * (tau2 + adhoc.se * adhoc.se).sqrt();
    Ok(Pool {
        k: y.len(),
        fixed: Mean::new(fixed.mean, (1.0 / fixed.w).sqrt(), z)?,
        q,
        df,
        q_p: chi_squared_tail(q, df),
        method,
        tau2,
        tau2_ci,
        random: Mean::new(random.mean, (1.0 / random.w).sqrt(), z)?,
        hksj: Mean::new(random.mean, (scale / random.w).sqrt(), t)?,
        adhoc,
        i2: 100.0 * tau2 / (tau2 + s2),
        h2: finite(1.0 + tau2 / s2)?,
        prediction: bounds(random.mean - half, random.mean + half)?,
        weights: v.iter().map(|v| 100.0 / (v + tau2) / random.w).collect(),
    })
}

impl Mean {
    fn new(estimate: f64, se: f64, critical: f64) -> Outcome<Self> {
        let half = critical * se;
        Ok(Self { estimate: finite(estimate)?, se: finite(se)?, ci: bounds(estimate - half, estimate + half)? })
    }
}

struct Sites<'a> {
    y: &'a [f64],
    v: &'a [f64],
}

/// Weighted sums at one τ²: Σw, Σw², Σw³, the mean, Q = Σw(y−μ̂)² and Σw²(y−μ̂)².
struct Fit {
    w: f64,
    w2: f64,
    w3: f64,
    mean: f64,
    q: f64,
    q2: f64,
}

impl Fit {
    // Derivative of the restricted log likelihood, twice: y'PPy − tr(P).
    fn score(&self) -> f64 {
        self.q2 - (self.w - self.w2 / self.w)
    }

    // tr(PP), twice the expected information.
    fn information(&self) -> f64 {
        self.w2 - 2.0 * self.w3 / self.w + (self.w2 / self.w).powi(2)
    }
}

impl Sites<'_> {
    fn fit(&self, tau2: f64) -> Fit {
        let sum = |term: &dyn Fn(f64, f64) -> f64| self.y.iter().zip(self.v).map(|(y, v)| term(1.0 / (v + tau2), *y)).sum::<f64>();
        let w = sum(&|w, _| w);
        // About the first effect, so that effects which are all equal leave residuals of exactly zero.
        let origin = self.y[0];
        let mean = origin + sum(&|w, y| w * (y - origin)) / w;
        Fit {
            w,
            w2: sum(&|w, _| w * w),
            w3: sum(&|w, _| w * w * w),
            mean,
            q: sum(&|w, y| w * (y - mean) * (y - mean)),
            q2: sum(&|w, y| (w * (y - mean)).powi(2)),
        }
    }

    fn reml(&self, s2: f64) -> Outcome<f64> {
        let k = self.y.len() as f64;
        let mean = self.y.iter().sum::<f64>() / k;
        let spread = self.y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / (k - 1.0);
        let mut tau2 = (spread - self.v.iter().sum::<f64>() / k).max(0.0);
        for _ in 0..200 {
            let fit = self.fit(tau2);
            let next = finite((tau2 + fit.score() / fit.information()).max(0.0))?;
            let change = (next - tau2).abs();
            tau2 = next;
            if change <= 1e-13 * (tau2 + s2) {
                return Ok(tau2);
            }
        }
        if self.fit(0.0).score() <= 0.0 {
            return Ok(0.0);
        }
        let high = above(s2, |tau2| self.fit(tau2).score())?;
        Ok(crossing(0.0, high, |tau2| self.fit(tau2).score()))
    }

    // Where the generalised Q(τ²), which decreases, meets a value; 0 where Q(0) is already below.
    fn solve_q(&self, value: f64, s2: f64) -> Outcome<f64> {
        let excess = |tau2| self.fit(tau2).q - value;
        if excess(0.0) <= 0.0 {
            return Ok(0.0);
        }
        Ok(crossing(0.0, above(s2, excess)?, excess))
    }
}

// A bound above which a function has gone below zero.
fn above(start: f64, f: impl Fn(f64) -> f64) -> Outcome<f64> {
    let mut high = start;
    while f(high) > 0.0 {
        high *= 2.0;
        if high > 1e300 {
            return Err(Refusal::NO_CONVERGENCE);
        }
    }
    Ok(high)
}

/// One site left out.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// The pool without it.
    pub pool: Pool,
    /// Cook's distance: how far the pooled mean moves, in squared standard errors.
    pub cook: f64,
}

/// Pools again without each site in turn, τ² estimated anew (metafor `leave1out`, `cooks.distance`): Cook's distance is
/// (μ̂ − μ̂₍₋ᵢ₎)²/SE² with the random-effects SE of all sites. The hat value of a site is its weight.
///
/// Refused: as [`pool`] without one site (so k < 4 is `too_few_sites`).
pub fn leave_one_out(y: &[f64], v: &[f64], method: Method, confidence: f64) -> Outcome<Vec<LeftOut>> {
    let whole = pool(y, v, method, confidence)?;
    let without = |values: &[f64], left: usize| -> Vec<f64> {
        values.iter().enumerate().filter(|(index, _)| *index != left).map(|(_, value)| *value).collect()
    };
    (0..y.len())
        .map(|left| {
            let pool = pool(&without(y, left), &without(v, left), method, confidence)?;
            let cook = ((whole.random.estimate - pool.random.estimate) / whole.random.se).powi(2);
            Ok(LeftOut { pool, cook })
        })
        .collect()
}
