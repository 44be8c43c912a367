//! Cluster-robust variances, CR1 (statsmodels' `cov_type="cluster"` with its small-sample correction).

use std::collections::BTreeMap;

use super::{Moments, Outcome, PairSums, Refusal, Sum};

/// Under this many clusters, a cluster-robust variance is shaky: warn.
pub const FEW: u64 = 10;

/// A cluster-robust variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Robust {
    /// Of the estimate.
    pub variance: f64,
    /// G: the distinct clusters of all groups.
    pub clusters: u64,
}

impl Robust {
    /// t(G − 1).
    pub fn df(self) -> f64 {
        (self.clusters - 1) as f64
    }
}

/// What each cluster adds to a linearised estimate. A cluster that has rows in several groups adds up there, so that what its
/// rows share cancels or counts double, as in the regression on the groups.
#[derive(Debug, Default)]
pub(super) struct Scores<'a> {
    by_cluster: BTreeMap<&'a str, f64>,
    rows: u64,
    groups: u64,
}

impl<'a> Scores<'a> {
    /// Adds a group whose mean enters the estimate with derivative `factor`: each cluster adds factor·Σ(y − ȳ)/n.
    pub(super) fn group(mut self, clusters: &'a BTreeMap<String, Moments>, total: &Moments, factor: f64) -> Self {
        let n = Sum::of(total.n as f64);
        let mean = total.sum.over(n);
        for (name, sums) in clusters {
            let residual = residual(sums.sum, mean.times(Sum::of(sums.n as f64)));
            *self.by_cluster.entry(name).or_default() += factor * residual / n.value();
        }
        self.count(total.n)
    }

    /// Adds a group whose ratio R enters with derivative `factor`: each cluster adds factor·Σ(a − R·b)/Σb.
    pub(super) fn ratio(mut self, clusters: &'a BTreeMap<String, PairSums>, total: &PairSums, factor: f64) -> Self {
        let ratio = total.a.over(total.b);
        for (name, sums) in clusters {
            *self.by_cluster.entry(name).or_default() += factor * residual(sums.a, ratio.times(sums.b)) / total.b.value();
        }
        self.count(total.n)
    }

    /// Adds to a cluster directly.
    pub(super) fn add(&mut self, name: &'a str, score: f64) {
        *self.by_cluster.entry(name).or_default() += score;
    }

    fn count(mut self, rows: u64) -> Self {
        self.rows += rows;
        self.groups += 1;
        self
    }

    /// CR1 = G/(G−1)·(N−1)/(N−p)·Σ score², with p the number of groups. Refused: `one_cluster`, `one_unit` (N ≤ p), `non_finite`.
    pub(super) fn robust(self) -> Outcome<Robust> {
        let clusters = self.by_cluster.len() as u64;
        if clusters < 2 {
            return Err(Refusal::ONE_CLUSTER);
        }
        if self.rows <= self.groups {
            return Err(Refusal::ONE_UNIT);
        }
        let (g, n, p) = (clusters as f64, self.rows as f64, self.groups as f64);
        let meat: f64 = self.by_cluster.values().map(|score| score * score).sum();
        let variance = super::moments::finite(g / (g - 1.0) * (n - 1.0) / (n - p) * meat)?;
        Ok(Robust { variance, clusters })
    }
}

// What 32 digits leave of an exact zero is no dispersion.
fn residual(sum: Sum, expected: Sum) -> f64 {
    let difference = sum.minus(expected).value();
    if difference.abs() <= 1e-25 * (sum.value().abs() + expected.value().abs()) { 0.0 } else { difference }
}
