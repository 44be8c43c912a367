//! Levels of groups, as they are shown.

use super::result::{Group, Interval, Reason};
use crate::{
    convention::document::Statistic,
    ids::Period,
    indicator::{GroupKey, GroupSums},
    statistics::{self, Level, Outcome, Refusal},
};

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.message)
    }
}

/// Bounds as they are written: one that is not finite does not exist.
pub(super) fn interval(bounds: [f64; 2]) -> Interval {
    bounds.map(finite)
}

/// None rather than a number that is not one.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The level of a group with its uncertainty; none for a total, which is no estimate.
pub(super) fn level(statistic: Statistic, sums: &GroupSums, confidence: f64) -> Result<Level, Reason> {
    let level: Outcome<Level> = match statistic {
        Statistic::Mean => statistics::group::mean(&sums.sample, confidence),
        Statistic::Proportion => statistics::group::proportion(&sums.sample, confidence),
        Statistic::Ratio => statistics::group::ratio(&sums.pairs, confidence),
        Statistic::Count | Statistic::Sum => return Err(total()),
    };
    level.map_err(Reason::from)
}

/// The level alone, which a single row already has.
pub(super) fn point(statistic: Statistic, sums: &GroupSums) -> Result<f64, Reason> {
    let total = &sums.sample.total;
    let point = match statistic {
        Statistic::Mean => total.mean(),
        Statistic::Proportion => total.events().map(|events| events as f64 / total.n as f64),
        Statistic::Ratio => sums.pairs.total.ratio(),
        Statistic::Count => Ok(total.n as f64),
        Statistic::Sum if total.n == 0 => Err(Refusal::NO_ROWS),
        Statistic::Sum => Some(total.sum.value()).filter(|sum| sum.is_finite()).ok_or(Refusal::NON_FINITE),
    };
    point.map_err(Reason::from)
}

fn total() -> Reason {
    Reason::new("total", "Un total compte toutes les lignes reçues\u{a0}: il n’a pas d’intervalle.")
}

/// One group of one site.
pub(super) fn group(key: GroupKey, period: Option<Period>, statistic: Statistic, sums: &GroupSums, confidence: f64) -> Group {
    let total = &sums.sample.total;
    let point = point(statistic, sums);
    let level = level(statistic, sums, confidence);
    let ratio = statistic == Statistic::Ratio;
    let counts = statistic == Statistic::Count;
    Group {
        arm: key.name().map(str::to_owned),
        period,
        n: Some(total.n),
        missing: Some(sums.missing),
        clusters: (!sums.sample.clusters.is_empty()).then_some(sums.sample.clusters.len() as u64),
        events: (statistic == Statistic::Proportion).then(|| total.events().ok()).flatten(),
        sum: (total.n > 0 && !counts).then(|| finite(total.sum.value())).flatten(),
        per: (ratio && sums.pairs.total.n > 0).then(|| finite(sums.pairs.total.b.value())).flatten(),
        mean: point.as_ref().ok().copied(),
        sd: (statistic == Statistic::Mean).then(|| total.sd().ok()).flatten(),
        ci: level.as_ref().ok().map(|level| interval(level.ci)),
        min: if counts { None } else { total.min() },
        max: if counts { None } else { total.max() },
        reason: point.err().or_else(|| level.err()),
    }
}
