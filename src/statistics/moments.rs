//! Sums of rows that can be cached, merged and summed again without losing digits.
//!
//! Sums are double-double (Dekker 1971, Knuth's two-sum): about 32 significant digits. Σx² − (Σx)²/n therefore keeps 16 digits
//! of a variance whose mean is 10⁸ standard deviations away (NIST NumAcc4), and merging the parts of a split file gives the
//! same numbers to far below 10⁻¹², in any order. They are written to JSON as decimal strings, which come back bit for bit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Outcome, Refusal};

/// A double-double sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum(#[serde(with = "exact")] f64, #[serde(with = "exact")] f64);

impl Sum {
    /// An exact start.
    pub fn of(value: f64) -> Self {
        Self(value, 0.0)
    }

    /// Nearest `f64`; not finite after an overflow.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Adds one value.
    pub fn push(&mut self, value: f64) {
        *self = self.plus(Self::of(value));
    }

    /// Adds a·b without rounding the product.
    pub fn push_product(&mut self, a: f64, b: f64) {
        *self = self.plus(two_product(a, b));
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        *self = self.plus(other);
    }

    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        let (high, error) = two_sum(self.0, other.0);
        let (low, error2) = two_sum(self.1, other.1);
        let (high, error) = quick_two_sum(high, error + low);
        let (high, low) = quick_two_sum(high, error + error2);
        Self(high, low)
    }

    /// The difference of both.
    pub fn minus(self, other: Self) -> Self {
        self.plus(Self(-other.0, -other.1))
    }

    /// The product of both.
    pub fn times(self, other: Self) -> Self {
        let Self(high, low) = two_product(self.0, other.0);
        let (high, low) = quick_two_sum(high, low + (self.0 * other.1 + self.1 * other.0));
        Self(high, low)
    }

    /// The quotient of both.
    pub fn over(self, other: Self) -> Self {
        let first = self.0 / other.0;
        let rest = self.minus(other.times(Self::of(first)));
        let second = rest.0 / other.0;
        let rest = rest.minus(other.times(Self::of(second)));
        let (high, low) = quick_two_sum(first, second);
        Self(high, low).plus(Self::of(rest.0 / other.0))
    }
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

// Veltkamp's split rather than a fused multiply-add, which is a slow call where the processor's is not compiled in.
fn two_product(a: f64, b: f64) -> Sum {
    let split = |x: f64| {
        let scaled = 134_217_729.0 * x;
        let high = scaled - (scaled - x);
        (high, x - high)
    };
    let product = a * b;
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    Sum(product, ((ah * bh - product) + ah * bl + al * bh) + al * bl)
}

mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{value:?}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Count, Σy, Σy², smallest and greatest of the values of one group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Values.
    pub n: u64,
    /// Σy.
    pub sum: Sum,
    /// Σy².
    pub squares: Sum,
    #[serde(with = "exact")]
    min: f64,
    #[serde(with = "exact")]
    max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0, sum: Sum::default(), squares: Sum::default(), min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::default();
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

impl Moments {
    /// Adds one value. One that is not finite makes every result `non_finite`: the caller counts it as missing instead.
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        self.sum.push(value);
        self.squares.push_product(value, value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum.merge(other.sum);
        self.squares.merge(other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Smallest value; None without values.
    pub fn min(&self) -> Option<f64> {
        (self.n > 0).then_some(self.min)
    }

    /// Greatest value; None without values.
    pub fn max(&self) -> Option<f64> {
        (self.n > 0).then_some(self.max)
    }

    /// Σy/n. Refused: `no_rows`, `non_finite`.
    pub fn mean(&self) -> Outcome<f64> {
        if self.n == 0 {
            return Err(Refusal::NO_ROWS);
        }
        finite(self.sum.over(count(self.n)).value())
    }

    /// Sum of squared deviations from the mean, never negative. Refused: `no_rows`, `non_finite`.
    pub fn m2(&self) -> Outcome<f64> {
        if self.n == 0 {
            return Err(Refusal::NO_ROWS);
        }
        if self.min == self.max {
            return Ok(0.0);
        }
        let squared = self.sum.times(self.sum).over(count(self.n));
        finite(self.squares.minus(squared).value()).map(|m2| m2.max(0.0))
    }

    /// With n − 1. Refused: `no_rows`, `one_unit`, `non_finite`.
    pub fn variance(&self) -> Outcome<f64> {
        let m2 = self.m2()?;
        if self.n < 2 { Err(Refusal::ONE_UNIT) } else { Ok(m2 / (self.n - 1) as f64) }
    }

    /// √variance, refused like it.
    pub fn sd(&self) -> Outcome<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Values that are 1, where all are 0 or 1. Refused: `no_rows`, `not_binary`.
    pub fn events(&self) -> Outcome<u64> {
        let sum = self.sum.value();
        match self.n {
            0 => Err(Refusal::NO_ROWS),
            // Inside [0, 1], y² = y only at the ends, so the sums are equal only where every value is there.
            _ if self.min >= 0.0 && self.max <= 1.0 && sum == self.squares.value() => Ok(sum as u64),
            _ => Err(Refusal::NOT_BINARY),
        }
    }
}

/// Sums of pairs (a, b) of the units or periods of a ratio Σa/Σb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PairSums {
    /// Pairs.
    pub n: u64,
    /// Σa.
    pub a: Sum,
    /// Σb.
    pub b: Sum,
    /// Σa².
    pub aa: Sum,
    /// Σb².
    pub bb: Sum,
    /// Σab.
    pub ab: Sum,
}

impl PairSums {
    /// Adds one pair.
    pub fn push(&mut self, a: f64, b: f64) {
        self.n += 1;
        self.a.push(a);
        self.b.push(b);
        self.aa.push_product(a, a);
        self.bb.push_product(b, b);
        self.ab.push_product(a, b);
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.a.merge(other.a);
        self.b.merge(other.b);
        self.aa.merge(other.aa);
        self.bb.merge(other.bb);
        self.ab.merge(other.ab);
    }

    /// R = Σa/Σb. Refused: `no_rows`, `zero_denominator`, `non_finite`.
    pub fn ratio(&self) -> Outcome<f64> {
        self.exact_ratio().map(Sum::value)
    }

    pub(super) fn exact_ratio(&self) -> Outcome<Sum> {
        if self.n == 0 {
            return Err(Refusal::NO_ROWS);
        }
        finite(self.a.value())?;
        if finite(self.b.value())? <= 0.0 {
            return Err(Refusal::ZERO_DENOMINATOR);
        }
        let ratio = self.a.over(self.b);
        finite(ratio.value()).map(|_| ratio)
    }

    /// Σ(a − R·b)² = Σa² − 2R·Σab + R²·Σb², never negative; refused like [`Self::ratio`].
    pub fn residual_squares(&self) -> Outcome<f64> {
        let ratio = self.exact_ratio()?;
        let twice = ratio.times(self.ab).times(Sum::of(2.0));
        let squares = self.aa.minus(twice).plus(ratio.times(ratio).times(self.bb)).value();
        // What 32 digits leave of an exact zero (a proportional to b) is no dispersion.
        let noise = self.aa.value() * 1e-27;
        finite(squares).map(|squares| if squares <= noise { 0.0 } else { squares })
    }
}

/// The values of one group, and per cluster where the convention declares one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Over all rows.
    pub total: Moments,
    /// By the cluster's name; empty where rows have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, Moments>,
}

impl Sample {
    /// Adds one value; give a cluster to every row or to none.
    pub fn push(&mut self, value: f64, cluster: Option<&str>) {
        self.total.push(value);
        if let Some(name) = cluster {
            entry(&mut self.clusters, name).push(value);
        }
    }

    /// Adds another sample; clusters of the same name are one cluster.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (name, sums) in &other.clusters {
            entry(&mut self.clusters, name).merge(sums);
        }
    }

    /// Whether rows belong to clusters. Refused: `mixed_clusters`.
    pub fn clustered(&self) -> Outcome<bool> {
        clustered(self.total.n, self.clusters.values().map(|sums| sums.n))
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self { total: values.into_iter().collect(), clusters: BTreeMap::new() }
    }
}

/// The pairs of one group, and per cluster where the convention declares one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PairSample {
    /// Over all rows.
    pub total: PairSums,
    /// By the cluster's name; empty where rows have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, PairSums>,
}

impl PairSample {
    /// Adds one pair; give a cluster to every row or to none.
    pub fn push(&mut self, a: f64, b: f64, cluster: Option<&str>) {
        self.total.push(a, b);
        if let Some(name) = cluster {
            entry(&mut self.clusters, name).push(a, b);
        }
    }

    /// Adds another sample; clusters of the same name are one cluster.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for (name, sums) in &other.clusters {
            entry(&mut self.clusters, name).merge(sums);
        }
    }

    /// Whether rows belong to clusters. Refused: `mixed_clusters`.
    pub fn clustered(&self) -> Outcome<bool> {
        clustered(self.total.n, self.clusters.values().map(|sums| sums.n))
    }
}

fn entry<'a, T: Default>(clusters: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    clusters.entry(name.to_owned()).or_default()
}

fn clustered(rows: u64, clusters: impl Iterator<Item = u64>) -> Outcome<bool> {
    match clusters.sum::<u64>() {
        0 => Ok(false),
        sum if sum == rows => Ok(true),
        _ => Err(Refusal::MIXED_CLUSTERS),
    }
}

fn count(n: u64) -> Sum {
    Sum::of(n as f64)
}

pub(super) fn finite(value: f64) -> Outcome<f64> {
    if value.is_finite() { Ok(value) } else { Err(Refusal::NON_FINITE) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics::oracle::{close, numbers};

    #[test]
    fn nist_certified_values() {
        let data: serde_json::Value = serde_json::from_str(include_str!("../../tests/oracles/nist-univariate.json")).unwrap();
        for name in ["Lew", "Lottery", "Michelso"] {
            let moments: Moments = numbers(&data[name]["values"]).into_iter().collect();
            close(moments.mean().unwrap(), data[name]["mean"].as_f64().unwrap(), 1e-14);
            close(moments.sd().unwrap(), data[name]["sd"].as_f64().unwrap(), 2e-14);
        }
    }

    // NumAcc1 to 4. What is lost is what the values themselves lose as f64: 10000000.2 is known to 2e-9, so 1e-8 of the deviation 0.1.
    #[test]
    fn nist_numerical_accuracy() {
        let first: Moments = [10_000_001.0, 10_000_003.0, 10_000_002.0].into_iter().collect();
        assert_eq!((first.mean().unwrap(), first.sd().unwrap()), (10_000_002.0, 1.0));
        for (base, tolerance) in [(1.0, 1e-14), (1e6, 1e-9), (1e7, 1e-8)] {
            let around = |digit: f64| (base * 10.0 + digit) / 10.0;
            let moments: Moments =
                std::iter::once(around(2.0)).chain((0..1000).map(|i| around(if i % 2 == 0 { 1.0 } else { 3.0 }))).collect();
            close(moments.mean().unwrap(), around(2.0), 1e-15);
            close(moments.sd().unwrap(), 0.1, tolerance);
        }
    }

    #[test]
    fn refusals() {
        assert_eq!(Moments::default().mean(), Err(Refusal::NO_ROWS));
        assert_eq!(Moments::from_iter([3.0]).variance(), Err(Refusal::ONE_UNIT));
        assert_eq!(Moments::from_iter([0.1; 7]).variance(), Ok(0.0));
        assert_eq!(Moments::from_iter([1e200, 2e200]).variance(), Err(Refusal::NON_FINITE));
        assert_eq!(Moments::from_iter([f64::NAN, 1.0]).mean(), Err(Refusal::NON_FINITE));
        assert_eq!(Moments::from_iter([0.0, 1.0, 0.5]).events(), Err(Refusal::NOT_BINARY));
        assert_eq!(Moments::from_iter([0.0, 1.0, 1.0]).events(), Ok(2));
        let mut sample = Sample::default();
        sample.push(1.0, Some("a"));
        sample.push(2.0, None);
        assert_eq!(sample.clustered(), Err(Refusal::MIXED_CLUSTERS));
        let mut pairs = PairSums::default();
        assert_eq!(pairs.ratio(), Err(Refusal::NO_ROWS));
        pairs.push(1.0, 0.0);
        assert_eq!(pairs.ratio(), Err(Refusal::ZERO_DENOMINATOR));
    }

    proptest! {
        #[test]
        fn splits_merge_to_the_whole(values in prop::collection::vec((-1e6..1e6_f64, 0.1..9.0_f64, "[a-d]"), 2..60), cut in 0..60_usize) {
            let cut = cut.min(values.len());
            let gather = |rows: &[(f64, f64, String)]| {
                let (mut sample, mut pairs) = (Sample::default(), PairSample::default());
                for (a, b, cluster) in rows {
                    sample.push(a + 1e9, Some(cluster));
                    pairs.push(*a, *b, Some(cluster));
                }
                (sample, pairs)
            };
            let (whole, left, right) = (gather(&values), gather(&values[..cut]), gather(&values[cut..]));
            for (mut first, second) in [(left.clone(), &right), (right.clone(), &left)] {
                first.0.merge(&second.0);
                first.1.merge(&second.1);
                prop_assert_eq!(first.0.clusters.len(), whole.0.clusters.len());
                let relative = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
                prop_assert!(relative(first.0.total.mean().unwrap(), whole.0.total.mean().unwrap()));
                prop_assert!(relative(first.0.total.variance().unwrap(), whole.0.total.variance().unwrap()));
                prop_assert!(relative(first.1.total.residual_squares().unwrap(), whole.1.total.residual_squares().unwrap()));
            }
        }

        #[test]
        fn cached_sums_come_back_bit_for_bit(values in prop::collection::vec(any::<f64>(), 0..9)) {
            let mut sample = Sample::default();
            for value in &values {
                sample.push(*value, Some("agent 1"));
            }
            let json = serde_json::to_string(&sample).unwrap();
            let back: Sample = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
            if values.iter().map(|value| value * value).sum::<f64>().is_finite() {
                prop_assert_eq!(back, sample);
            }
        }
    }
}
