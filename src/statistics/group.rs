//! Levels of one group, with their intervals.

use super::{
    Outcome, PairSample, Refusal, Sample, check_level,
    cluster::Scores,
    distribution::{chi_squared_upper, critical},
    moments::finite,
};

/// The level of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Mean, proportion, ratio or rate.
    pub estimate: f64,
    /// Its standard error on the same scale (cluster-robust with clusters): its square is what a pooled level weighs by. Zero for
    /// a proportion of 0 or 1, which cannot be pooled.
    pub se: f64,
    /// Degrees of freedom of Student's law; None for the normal law.
    pub df: Option<f64>,
    /// Low and high bound.
    pub ci: [f64; 2],
    /// Clusters that carry the variance; under [`super::cluster::FEW`], warn.
    pub clusters: Option<u64>,
}

/// Mean with Student's interval: m ± t(n−1)·s/√n, or CR1 on t(G−1) with clusters.
///
/// Refused: `no_rows`, `one_unit`, `one_cluster`, `zero_variance`, `mixed_clusters`, `non_finite`, `bad_level`.
pub fn mean(sample: &Sample, confidence: f64) -> Outcome<Level> {
    check_level(confidence)?;
    let estimate = sample.total.mean()?;
    let (variance, df, clusters) = if sample.clustered()? {
        let robust = Scores::default().group(&sample.clusters, &sample.total, 1.0).robust()?;
        (robust.variance, robust.df(), Some(robust.clusters))
    } else {
        let n = sample.total.n as f64;
        (sample.total.variance()? / n, n - 1.0, None)
    };
    let se = positive(variance)?.sqrt();
    let half = critical(confidence, Some(df)) * se;
    Ok(Level { estimate, se, df: Some(df), ci: bounds(estimate - half, estimate + half)?, clusters })
}

/// Proportion of 0/1 values with Wilson's (1927) interval, without continuity correction:
/// (p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²))/(1 + z²/n).
///
/// With clusters n becomes n_eff = p̂(1−p̂)/v̂ (v̂ by CR1), or G where p̂ is 0 or 1, and z becomes t(G−1). `se` is √(p̂(1−p̂)/n) or √v̂.
///
/// Refused: `no_rows`, `not_binary`, `one_cluster`, `zero_variance` (clusters that all have the same proportion), `mixed_clusters`,
/// `bad_level`.
pub fn proportion(sample: &Sample, confidence: f64) -> Outcome<Level> {
    check_level(confidence)?;
    let events = sample.total.events()?;
    let n = sample.total.n as f64;
    let p = events as f64 / n;
    let (size, variance, df, clusters) = if sample.clustered()? {
        let robust = Scores::default().group(&sample.clusters, &sample.total, 1.0).robust()?;
        let size =
            if events == 0 || events == sample.total.n { robust.clusters as f64 } else { p * (1.0 - p) / positive(robust.variance)? };
        (size, robust.variance, Some(robust.df()), Some(robust.clusters))
    } else {
        (n, p * (1.0 - p) / n, None, None)
    };
    let z = critical(confidence, df);
    let z2 = z * z / size;
    let middle = (p + z2 / 2.0) / (1.0 + z2);
    let half = z / (1.0 + z2) * (p * (1.0 - p) / size + z2 / (4.0 * size)).sqrt();
    // The ends are exact at 0 and 1, where rounding would leave 1e-17.
    let low = if events == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if events == sample.total.n { 1.0 } else { (middle + half).min(1.0) };
    Ok(Level { estimate: p, se: variance.sqrt(), df, ci: bounds(low, high)?, clusters })
}

/// Ratio R = Σa/Σb, linearised: e = a − R·b, v = m/(m−1)·Σe²/(Σb)² over its m pairs (Cochran 1977, § 6), or CR1 with clusters;
/// interval R·exp(± t·√v/R) on t(m−1) or t(G−1).
///
/// Refused: `no_rows`, `one_unit`, `one_cluster`, `zero_denominator`, `not_positive` (R ≤ 0), `zero_variance`, `mixed_clusters`,
/// `non_finite`, `bad_level`.
pub fn ratio(sample: &PairSample, confidence: f64) -> Outcome<Level> {
    check_level(confidence)?;
    let estimate = sample.total.ratio()?;
    if estimate <= 0.0 {
        return Err(Refusal::NOT_POSITIVE);
    }
    let (variance, df, clusters) = if sample.clustered()? {
        let robust = Scores::default().ratio(&sample.clusters, &sample.total, 1.0).robust()?;
        (robust.variance, robust.df(), Some(robust.clusters))
    } else {
        (ratio_variance(sample)?, sample.total.n as f64 - 1.0, None)
    };
    let se = positive(variance)?.sqrt();
    let factor = (critical(confidence, Some(df)) * se / estimate).exp();
    Ok(Level { estimate, se, df: Some(df), ci: bounds(estimate / factor, estimate * factor)?, clusters })
}

/// v = m/(m−1)·Σ(a − R·b)²/(Σb)², rows taken as independent.
pub(super) fn ratio_variance(sample: &PairSample) -> Outcome<f64> {
    let squares = sample.total.residual_squares()?;
    if sample.total.n < 2 {
        return Err(Refusal::ONE_UNIT);
    }
    let (m, b) = (sample.total.n as f64, sample.total.b.value());
    finite(m / (m - 1.0) * squares / (b * b))
}

/// Rate of `events` per unit of `exposure`, with Garwood's (1936) exact Poisson interval: χ²(2x)/2T to χ²(2x+2)/2T. `se` is √x/T.
///
/// Refused: `zero_denominator`, `non_finite`, `bad_level`.
pub fn rate(events: u64, exposure: f64, confidence: f64) -> Outcome<Level> {
    check_level(confidence)?;
    if finite(exposure)? <= 0.0 {
        return Err(Refusal::ZERO_DENOMINATOR);
    }
    let (x, tail) = (events as f64, (1.0 - confidence) / 2.0);
    let low = if events == 0 { 0.0 } else { chi_squared_upper(1.0 - tail, 2.0 * x) / 2.0 / exposure };
    let high = chi_squared_upper(tail, 2.0 * x + 2.0) / 2.0 / exposure;
    Ok(Level { estimate: finite(x / exposure)?, se: x.sqrt() / exposure, df: None, ci: bounds(low, high)?, clusters: None })
}

pub(super) fn positive(variance: f64) -> Outcome<f64> {
    match finite(variance)? {
        variance if variance > 0.0 => Ok(variance),
        _ => Err(Refusal::ZERO_VARIANCE),
    }
}

pub(super) fn bounds(low: f64, high: f64) -> Outcome<[f64; 2]> {
    Ok([finite(low)?, finite(high)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{cells, close, rounds, table};

    // statsmodels proportion_confint(method="wilson"); 81 of 263 and 15 of 148 are Newcombe's (1998) examples.
    #[test]
    fn wilson() {
        for row in table("wilson") {
            let level = proportion(&cells(row[0] as u64, (row[1] - row[0]) as u64), 0.95).unwrap();
            assert!((level.ci[0] - row[2]).abs() < 1e-12 && (level.ci[1] - row[3]).abs() < 1e-12, "{level:?} {row:?}");
        }
        let newcombe = proportion(&cells(81, 182), 0.95).unwrap();
        rounds(newcombe.ci[0], 0.2553, 4);
        rounds(newcombe.ci[1], 0.3662, 4);
    }

    // scipy.stats.chi2.
    #[test]
    fn garwood() {
        for row in table("garwood") {
            let level = rate(row[0] as u64, 2.0, 0.95).unwrap();
            assert!((level.ci[0] - row[1] / 2.0).abs() <= 1e-9 * row[1]);
            close(level.ci[1], row[2] / 2.0, 1e-9);
        }
        assert_eq!(rate(1, 0.0, 0.95), Err(Refusal::ZERO_DENOMINATOR));
    }

    // R: t.test(extra[group == 1]) of `sleep` gives 0.75, (−0.5297804, 2.0297804).
    #[test]
    fn student_mean() {
        let sample: Sample = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0].into_iter().collect();
        let level = mean(&sample, 0.95).unwrap();
        rounds(level.ci[0], -0.5297804, 7);
        rounds(level.ci[1], 2.0297804, 7);
    }

    #[test]
    fn clusters_without_events_count_as_units() {
        let mut sample = Sample::default();
        for row in 0..60 {
            sample.push(0.0, Some(&format!("agent {}", row % 6)));
        }
        let level = proportion(&sample, 0.95).unwrap();
        let t2 = 2.570581835636314_f64.powi(2) / 6.0;
        assert_eq!(level.ci[0], 0.0);
        close(level.ci[1], t2 / (1.0 + t2), 1e-12);
    }

    #[test]
    fn ratio_of_a_constant_denominator_is_the_mean() {
        let (mut pairs, mut sample) = (PairSample::default(), Sample::default());
        for value in [3.0, 4.5, 2.0, 6.0] {
            pairs.push(value, 1.0, None);
            sample.push(value, None);
        }
        let (ratio, mean) = (ratio(&pairs, 0.95).unwrap(), mean(&sample, 0.95).unwrap());
        close(ratio.se, mean.se, 1e-14);
        assert!(0.0 < ratio.ci[0] && ratio.ci[0] < ratio.estimate && ratio.estimate < ratio.ci[1]);
    }

    #[test]
    fn refusals() {
        let sample = |values: &[f64]| -> Sample { values.iter().copied().collect() };
        assert_eq!(mean(&sample(&[]), 0.95), Err(Refusal::NO_ROWS));
        assert_eq!(mean(&sample(&[1.0]), 0.95), Err(Refusal::ONE_UNIT));
        assert_eq!(mean(&sample(&[0.1, 0.1, 0.1]), 0.95), Err(Refusal::ZERO_VARIANCE));
        assert_eq!(mean(&sample(&[1.0, 2.0]), 1.0), Err(Refusal::BAD_LEVEL));
        let mut one = Sample::default();
        one.push(1.0, Some("a"));
        one.push(2.0, Some("a"));
        assert_eq!(mean(&one, 0.95), Err(Refusal::ONE_CLUSTER));
        let mut proportional = PairSample::default();
        for (a, b) in [(1.0, 3.0), (2.0, 6.0), (4.0, 12.0)] {
            proportional.push(a, b, None);
        }
        assert_eq!(ratio(&proportional, 0.95), Err(Refusal::ZERO_VARIANCE));
    }
}
