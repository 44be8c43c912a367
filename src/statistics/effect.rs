//! Effects of one site: treated against control, or after against before.
//!
//! With clusters every variance is CR1 of the linearised estimate, on t(G − 1), G counting the distinct clusters of all groups.

use super::{
    Moments, Outcome, PairSample, Refusal, Sample, check_level,
    cluster::{Robust, Scores},
    distribution::{critical, gamma_ratio, two_sided_p},
    group::{bounds, positive, ratio_variance},
    moments::finite,
};

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

impl Effect {
    fn new(estimate: f64, variance: f64, df: Option<f64>, confidence: f64) -> Outcome<Self> {
        let estimate = finite(estimate)?;
        let se = positive(variance)?.sqrt();
        let half = critical(confidence, df) * se;
        let p = two_sided_p(estimate / se, df).min(1.0);
        Ok(Self { estimate, se, df, ci: bounds(estimate - half, estimate + half)?, p, clusters: None })
    }

    fn robust(estimate: f64, robust: Robust, confidence: f64) -> Outcome<Self> {
        let effect = Self::new(estimate, robust.variance, Some(robust.df()), confidence)?;
        Ok(Self { clusters: Some(robust.clusters), ..effect })
    }
}

/// m₁ − m₀ with v = s₁²/n₁ + s₀²/n₀ on Welch–Satterthwaite's degrees of freedom (Welch 1947); CR1 of the regression y ~ 1 + arm with
/// clusters.
///
/// Refused: `no_treated`, `no_control`, `one_unit`, `one_cluster`, `zero_variance`, `mixed_clusters`, `non_finite`, `bad_level`.
pub fn mean_difference(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let (m1, m0) = means(treated, control, confidence)?;
    contrast(&[(treated, 1.0), (control, -1.0)], m1 - m0, confidence)
}

/// (treated after − before) − (control after − before), each given as [after, before]; variances add up (Welch–Satterthwaite over the
/// four groups) where the groups have disjoint units, CR1 of y ~ arm × phase with clusters. Units that are in several groups
/// must be declared as clusters.
///
/// Refused: as [`mean_difference`].
pub fn difference_in_differences(treated: [&Sample; 2], control: [&Sample; 2], confidence: f64) -> Outcome<Effect> {
    let (m11, m01) = means(treated[0], control[0], confidence)?;
    let (m10, m00) = means(treated[1], control[1], confidence)?;
    let groups = [(treated[0], 1.0), (treated[1], -1.0), (control[0], -1.0), (control[1], 1.0)];
    contrast(&groups, (m11 - m10) - (m01 - m00), confidence)
}

/// Mean of d = mean after − mean before over the units (clusters) that have both, v = s_d²/n on t(n − 1). Units that have only one
/// are left out; `clusters` counts the pairs.
///
/// Refused: `no_treated` (nothing after), `no_control` (nothing before), `no_pairs`, `zero_variance`, `mixed_clusters`,
/// `non_finite`, `bad_level`.
pub fn paired_difference(after: &Sample, before: &Sample, confidence: f64) -> Outcome<Effect> {
    means(after, before, confidence)?;
    both_clustered(&[after, before])?;
    let mut differences = Moments::default();
    for (name, then) in &before.clusters {
        if let Some(now) = after.clusters.get(name) {
            differences.push(now.mean()? - then.mean()?);
        }
    }
    if differences.n < 2 {
        return Err(Refusal::NO_PAIRS);
    }
    let n = differences.n as f64;
    let effect = Effect::new(differences.mean()?, differences.variance()? / n, Some(n - 1.0), confidence)?;
    Ok(Effect { clusters: Some(differences.n), ..effect })
}

/// Hedges' (1981) g = J·(m₁−m₀)/s_pooled with the exact J = Γ(m/2)/(√(m/2)·Γ((m−1)/2)), m = n₁+n₀−2, and
/// v = 1/n₁ + 1/n₀ + g²/(2(n₁+n₀)) (metafor `SMD`, `vtype="LS"`), on the normal law.
///
/// With clusters the variance is CR1 of d's linearisation: each cluster adds J·[(Σe₁/n₁ − Σe₀/n₀)/s − d/(2s²)·(Σe²/m − n·s²/N)].
///
/// Refused: `no_treated`, `no_control`, `one_unit` (under four rows), `one_cluster`, `zero_variance`, `mixed_clusters`,
/// `non_finite`, `bad_level`.
pub fn hedges_g(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let (m1, m0) = means(treated, control, confidence)?;
    let (n1, n0) = (treated.total.n as f64, control.total.n as f64);
    let m = n1 + n0 - 2.0;
    if m < 2.0 {
        return Err(Refusal::ONE_UNIT);
    }
    let s2 = positive((treated.total.m2()? + control.total.m2()?) / m)?;
    let s = s2.sqrt();
    let d = (m1 - m0) / s;
    let j = gamma_ratio((m - 1.0) / 2.0) / (m / 2.0).sqrt();
    let g = j * d;
    if !both_clustered(&[treated, control])? {
        return Effect::new(g, 1.0 / n1 + 1.0 / n0 + g * g / (2.0 * (n1 + n0)), None, confidence);
    }
    let mut scores = Scores::default().group(&treated.clusters, &treated.total, j / s).group(&control.clusters, &control.total, -j / s);
    for (sample, mean) in [(treated, m1), (control, m0)] {
        for (name, sums) in &sample.clusters {
            let n = sums.n as f64;
            let away = sums.mean()? - mean;
            let squares = sums.m2()? + n * away * away;
            scores.add(name, -j * d / (2.0 * s2) * (squares / m - n * s2 / (n1 + n0)));
        }
    }
    Effect::robust(g, scores.robust()?, confidence)
}

/// ln(m₁/m₀) with v = s₁²/(n₁m₁²) + s₀²/(n₀m₀²) on the normal law (metafor `ROM`, `correct=FALSE`); CR1 with clusters.
///
/// Refused: as [`mean_difference`], and `not_positive` where a mean is not above zero.
pub fn log_ratio_of_means(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let (m1, m0) = means(treated, control, confidence)?;
    let estimate = log_ratio(m1, m0)?;
    if both_clustered(&[treated, control])? {
        return Effect::robust(estimate, scores(treated, control, 1.0 / m1, -1.0 / m0).robust()?, confidence);
    }
    let variance = [(treated, m1), (control, m0)]
        .into_iter()
        .map(|(sample, mean)| Ok(sample.total.variance()? / sample.total.n as f64 / (mean * mean)))
        .sum::<Outcome<f64>>()?;
    Effect::new(estimate, variance, None, confidence)
}

/// p₁ − p₀ with v = Σ p(1−p)/n on the normal law (metafor `RD`); ½ is added to the four cells where one is zero. With clusters: CR1, and
/// no ½.
///
/// Refused: `no_treated`, `no_control`, `not_binary`, `one_cluster`, `zero_variance` (clusters without a spread), `mixed_clusters`,
/// `bad_level`.
pub fn risk_difference(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let table = Table::new(treated, control, confidence)?;
    if both_clustered(&[treated, control])? {
        return Effect::robust(table.p1() - table.p0(), scores(treated, control, 1.0, -1.0).robust()?, confidence);
    }
    let table = table.with_half();
    let (p1, p0) = (table.p1(), table.p0());
    let variance = p1 * (1.0 - p1) / (table.a + table.b) + p0 * (1.0 - p0) / (table.c + table.d);
    Effect::new(p1 - p0, variance, None, confidence)
}

/// ln(p₁/p₀) with v = 1/a − 1/n₁ + 1/c − 1/n₀ on the normal law (metafor `RR`); ½ is added to the four cells where one is zero. With
/// clusters: CR1 of the linearisation.
///
/// Refused: `no_treated`, `no_control`, `not_binary`, `uninformative` (no event in both arms, or all events in both), `zero_events`
/// (with clusters, an arm without an event or with nothing else), `one_cluster`, `zero_variance`, `mixed_clusters`, `bad_level`.
pub fn log_risk_ratio(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let table = Table::new(treated, control, confidence)?.informative()?;
    if both_clustered(&[treated, control])? {
        let table = table.without_zero()?;
        let (p1, p0) = (table.p1(), table.p0());
        return Effect::robust((p1 / p0).ln(), scores(treated, control, 1.0 / p1, -1.0 / p0).robust()?, confidence);
    }
    let table = table.with_half();
    let variance = 1.0 / table.a - 1.0 / (table.a + table.b) + 1.0 / table.c - 1.0 / (table.c + table.d);
    Effect::new((table.p1() / table.p0()).ln(), variance, None, confidence)
}

/// ln(ad/bc) with v = 1/a + 1/b + 1/c + 1/d on the normal law (metafor `OR`); ½ is added to the four cells where one is zero. With
/// clusters: CR1 of the linearisation.
///
/// Refused: as [`log_risk_ratio`].
pub fn log_odds_ratio(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Effect> {
    let table = Table::new(treated, control, confidence)?.informative()?;
    if both_clustered(&[treated, control])? {
        let table = table.without_zero()?;
        let slope = |p: f64| 1.0 / (p * (1.0 - p));
        let robust = scores(treated, control, slope(table.p1()), -slope(table.p0())).robust()?;
        return Effect::robust(table.log_odds_ratio(), robust, confidence);
    }
    let table = table.with_half();
    let variance = 1.0 / table.a + 1.0 / table.b + 1.0 / table.c + 1.0 / table.d;
    Effect::new(table.log_odds_ratio(), variance, None, confidence)
}

/// ln(R₁/R₀) of two ratios Σa/Σb, v = v₁/R₁² + v₀/R₀² linearised, on Welch–Satterthwaite's degrees of freedom (a ratio often has
/// few periods, for which the normal law would be too narrow); CR1 with clusters.
///
/// Refused: `no_treated`, `no_control`, `zero_denominator`, `not_positive`, `one_unit`, `one_cluster`, `zero_variance`,
/// `mixed_clusters`, `non_finite`, `bad_level`.
pub fn log_ratio_of_ratios(treated: &PairSample, control: &PairSample, confidence: f64) -> Outcome<Effect> {
    check_level(confidence)?;
    let r1 = treated.total.ratio().map_err(|refusal| named(refusal, Refusal::NO_TREATED))?;
    let r0 = control.total.ratio().map_err(|refusal| named(refusal, Refusal::NO_CONTROL))?;
    let estimate = log_ratio(r1, r0)?;
    match (treated.clustered()?, control.clustered()?) {
        (true, true) => {
            let scores = Scores::default().ratio(&treated.clusters, &treated.total, 1.0 / r1);
            Effect::robust(estimate, scores.ratio(&control.clusters, &control.total, -1.0 / r0).robust()?, confidence)
        }
        (false, false) => {
            let (v1, v0) = (ratio_variance(treated)? / (r1 * r1), ratio_variance(control)? / (r0 * r0));
            let parts = [(v1, treated.total.n), (v0, control.total.n)];
            Effect::new(estimate, v1 + v0, Some(satterthwaite(&parts)?), confidence)
        }
        _ => Err(Refusal::MIXED_CLUSTERS),
    }
}

/// ln(r₁/r₀) of two Poisson rates, each given as (events, exposure), v = 1/x₁ + 1/x₀ on the normal law (metafor `IRR`).
///
/// Refused: `zero_denominator`, `zero_events`, `non_finite`, `bad_level`.
pub fn log_rate_ratio(treated: (u64, f64), control: (u64, f64), confidence: f64) -> Outcome<Effect> {
    check_level(confidence)?;
    if finite(treated.1)? <= 0.0 || finite(control.1)? <= 0.0 {
        return Err(Refusal::ZERO_DENOMINATOR);
    }
    if treated.0 == 0 || control.0 == 0 {
        return Err(Refusal::ZERO_EVENTS);
    }
    let (x1, x0) = (treated.0 as f64, control.0 as f64);
    Effect::new((x1 / treated.1).ln() - (x0 / control.1).ln(), 1.0 / x1 + 1.0 / x0, None, confidence)
}

/// Cells of a 2 × 2 table: treated with and without the event, control with and without.
#[derive(Clone, Copy)]
struct Table {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
}

impl Table {
    fn new(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<Self> {
        means(treated, control, confidence)?;
        let (a, c) = (treated.total.events()?, control.total.events()?);
        Ok(Self { a: a as f64, b: (treated.total.n - a) as f64, c: c as f64, d: (control.total.n - c) as f64 })
    }

    fn informative(self) -> Outcome<Self> {
        if self.a + self.c == 0.0 || self.b + self.d == 0.0 { Err(Refusal::UNINFORMATIVE) } else { Ok(self) }
    }

    fn has_zero(self) -> bool {
        [self.a, self.b, self.c, self.d].contains(&0.0)
    }

    fn without_zero(self) -> Outcome<Self> {
        if self.has_zero() { Err(Refusal::ZERO_EVENTS) } else { Ok(self) }
    }

    // metafor's add = 1/2, to = "only0".
    fn with_half(self) -> Self {
        let add = if self.has_zero() { 0.5 } else { 0.0 };
        Self { a: self.a + add, b: self.b + add, c: self.c + add, d: self.d + add }
    }

    fn p1(self) -> f64 {
        self.a / (self.a + self.b)
    }

    fn p0(self) -> f64 {
        self.c / (self.c + self.d)
    }

    fn log_odds_ratio(self) -> f64 {
        (self.a / self.b).ln() - (self.c / self.d).ln()
    }
}

// Says which group is empty rather than that one is.
fn named(refusal: Refusal, empty: Refusal) -> Refusal {
    if refusal == Refusal::NO_ROWS { empty } else { refusal }
}

fn means(treated: &Sample, control: &Sample, confidence: f64) -> Outcome<(f64, f64)> {
    check_level(confidence)?;
    let m1 = treated.total.mean().map_err(|refusal| named(refusal, Refusal::NO_TREATED))?;
    let m0 = control.total.mean().map_err(|refusal| named(refusal, Refusal::NO_CONTROL))?;
    Ok((m1, m0))
}

fn both_clustered(samples: &[&Sample]) -> Outcome<bool> {
    let clustered = samples.iter().map(|sample| sample.clustered()).collect::<Outcome<Vec<_>>>()?;
    match clustered.iter().filter(|clustered| **clustered).count() {
        0 => Ok(false),
        count if count == samples.len() => Ok(true),
        _ => Err(Refusal::MIXED_CLUSTERS),
    }
}

fn scores<'a>(treated: &'a Sample, control: &'a Sample, slope1: f64, slope0: f64) -> Scores<'a> {
    Scores::default().group(&treated.clusters, &treated.total, slope1).group(&control.clusters, &control.total, slope0)
}

fn log_ratio(treated: f64, control: f64) -> Outcome<f64> {
    if treated > 0.0 && control > 0.0 { finite((treated / control).ln()) } else { Err(Refusal::NOT_POSITIVE) }
}

// A signed sum of group means.
fn contrast(groups: &[(&Sample, f64)], estimate: f64, confidence: f64) -> Outcome<Effect> {
    let samples: Vec<_> = groups.iter().map(|(sample, _)| *sample).collect();
    if both_clustered(&samples)? {
        let scores = groups.iter().fold(Scores::default(), |scores, (sample, sign)| scores.group(&sample.clusters, &sample.total, *sign));
        return Effect::robust(estimate, scores.robust()?, confidence);
    }
    let parts =
        samples.iter().map(|sample| Ok((sample.total.variance()? / sample.total.n as f64, sample.total.n))).collect::<Outcome<Vec<_>>>()?;
    Effect::new(estimate, parts.iter().map(|(v, _)| v).sum(), Some(satterthwaite(&parts)?), confidence)
}

// (Σv)²/Σ(v²/(n−1)), in shares of Σv so that small variances do not vanish when squared.
fn satterthwaite(parts: &[(f64, u64)]) -> Outcome<f64> {
    let sum = positive(parts.iter().map(|(v, _)| v).sum())?;
    Ok(1.0 / parts.iter().map(|(v, n)| (v / sum).powi(2) / (*n as f64 - 1.0)).sum::<f64>())
}

#[cfg(test)]
mod tests;
