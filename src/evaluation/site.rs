//! One indicator at one site: its groups and its effect.

use super::{
    level::{group, interval, level, point},
    result::{EffectResult, Group, Reason},
};
use crate::{
    convention::document::{EffectScale, Statistic},
    indicator::{Arm, Cells, GroupKey, GroupSums, Grouping, Phase, PhaseUse, SiteSums},
    statistics::{Effect, Level, Outcome, PairSample, Refusal, Sample, effect},
};

/// What rows are compared with, after the design and the columns that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Nothing: one level per site.
    None,
    /// Treated with control.
    Arms,
    /// Trial with baseline.
    Phases,
    /// The change of the treated with that of the control.
    Changes,
}

impl Comparison {
    pub(super) fn of(grouping: &Grouping<'_>) -> Self {
        match (grouping.arms.is_some(), grouping.phase_use) {
            (true, PhaseUse::Both) => Self::Changes,
            (true, _) => Self::Arms,
            (false, PhaseUse::Both) => Self::Phases,
            (false, _) => Self::None,
        }
    }

    /// The groups that a reader expects, the treated first.
    pub(super) fn groups(self) -> &'static [GroupKey] {
        match self {
            Self::None => &const { [GroupKey { arm: None, phase: None }] },
            Self::Arms => &const { [GroupKey::arm(Arm::Treated), GroupKey::arm(Arm::Control)] },
            Self::Phases => &const { [GroupKey::phase(Phase::Trial), GroupKey::phase(Phase::Baseline)] },
            Self::Changes => {
                &const {
                    [
                        GroupKey { arm: Some(Arm::Treated), phase: Some(Phase::Trial) },
                        GroupKey { arm: Some(Arm::Treated), phase: Some(Phase::Baseline) },
                        GroupKey { arm: Some(Arm::Control), phase: Some(Phase::Trial) },
                        GroupKey { arm: Some(Arm::Control), phase: Some(Phase::Baseline) },
                    ]
                }
            }
        }
    }

    /// The group whose level a `level` target is about.
    pub(super) fn treated(self) -> GroupKey {
        self.groups()[0]
    }
}

/// How an indicator is measured everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) statistic: Statistic,
    pub(super) comparison: Comparison,
    /// None where there is no effect to speak of.
    pub(super) scale: Option<EffectScale>,
    pub(super) confidence: f64,
}

/// The sums of a group, empty where it has no row.
pub(super) fn find(cells: &Cells, key: GroupKey) -> GroupSums {
    cells.iter().find(|(k, _)| *k == key).map(|(_, sums)| sums.clone()).unwrap_or_default()
}

impl Measure {
    /// All groups of a site: the whole time first, then per period where rows are.
    pub(super) fn groups(&self, sums: &SiteSums) -> Vec<Group> {
        let shown = |key: &GroupKey, period, sums: &GroupSums| group(*key, period, self.statistic, sums, self.confidence);
        let keys = self.comparison.groups();
        let whole = keys.iter().map(|key| shown(key, None, &find(&sums.whole, *key)));
        let periods = sums.periods.iter().flat_map(|(period, cells)| {
            let filled = keys.iter().filter_map(|key| Some((key, &cells.iter().find(|(k, _)| k == key)?.1)));
            filled.filter(|(_, s)| s.sample.total.n + s.missing + s.pairs.total.n > 0).map(|(key, s)| shown(key, Some(*period), s))
        });
        whole.chain(periods).collect()
    }

    /// The level that a `level` target is about.
    pub(super) fn level(&self, sums: &SiteSums) -> Result<Level, Reason> {
        level(self.statistic, &find(&sums.whole, self.comparison.treated()), self.confidence)
    }

    /// The arm of a site whose rows are all of one arm, with its level.
    pub(super) fn single_arm(&self, sums: &SiteSums) -> Option<(Arm, f64)> {
        if self.comparison != Comparison::Arms {
            return None;
        }
        let mut present = sums.whole.iter().filter_map(|(key, sums)| Some((key.arm?, point(self.statistic, sums).ok()?)));
        present.next().filter(|_| present.next().is_none())
    }

    /// Rows with a value in the groups compared.
    pub(super) fn rows(&self, sums: &SiteSums) -> u64 {
        self.comparison.groups().iter().map(|key| find(&sums.whole, *key).sample.total.n).sum()
    }

    /// The effect of a site.
    pub(super) fn effect(&self, sums: &SiteSums) -> Result<Effect, Reason> {
        let scale = match (self.comparison, self.scale) {
            (Comparison::None, _) => {
                return Err(Reason::new(
                    "no_groups",
                    "Ces données n’ont pas de groupe à comparer\u{a0}: la structure a un niveau, mais pas d’effet.",
                ));
            }
            (_, None) => return Err(Reason::new("no_scale", "Un total se lit tel quel\u{a0}: il n’a pas d’effet.")),
            (_, Some(scale)) => scale,
        };
        let groups: Vec<GroupSums> = self.comparison.groups().iter().map(|key| find(&sums.whole, *key)).collect();
        match (self.comparison, groups.as_slice()) {
            (Comparison::Arms, [treated, control]) => two_groups(scale, treated, control, self.confidence).map_err(Reason::from),
            (Comparison::Phases, [after, before]) => before_after(scale, after, before, self.confidence).map_err(in_phases),
            (Comparison::Changes, [t1, t0, c1, c0]) => match scale {
                EffectScale::MeanDifference | EffectScale::RiskDifference => {
                    effect::difference_in_differences([&t1.sample, &t0.sample], [&c1.sample, &c0.sample], self.confidence)
                        .map_err(Reason::from)
                }
                _ => Err(Reason::new(
                    "scale_without_changes",
                    "Une différence de différences se calcule sur des moyennes ou des parts\u{a0}: choisissez cette échelle d’effet.",
                )),
            },
            _ => Err(Reason::from(Refusal::NO_ROWS)),
        }
    }
}

/// Welch, or cluster-robust where rows have clusters.
fn two_groups(scale: EffectScale, treated: &GroupSums, control: &GroupSums, confidence: f64) -> Outcome<Effect> {
    type OnSamples = fn(&Sample, &Sample, f64) -> Outcome<Effect>;
    type OnPairs = fn(&PairSample, &PairSample, f64) -> Outcome<Effect>;
    let on_samples: OnSamples = match scale {
        EffectScale::MeanDifference => effect::mean_difference,
        EffectScale::HedgesG => effect::hedges_g,
        EffectScale::LogRatioOfMeans => effect::log_ratio_of_means,
        EffectScale::RiskDifference => effect::risk_difference,
        EffectScale::LogRiskRatio => effect::log_risk_ratio,
        EffectScale::LogOddsRatio => effect::log_odds_ratio,
        EffectScale::LogRatioOfRatios => {
            let on_pairs: OnPairs = effect::log_ratio_of_ratios;
            return on_pairs(&treated.pairs, &control.pairs, confidence);
        }
    };
    on_samples(&treated.sample, &control.sample, confidence)
}

/// Paired where units have rows both before and after.
fn before_after(scale: EffectScale, after: &GroupSums, before: &GroupSums, confidence: f64) -> Outcome<Effect> {
    let pairs = matches!(scale, EffectScale::MeanDifference | EffectScale::RiskDifference) && !before.sample.clusters.is_empty();
    if pairs {
        match effect::paired_difference(&after.sample, &before.sample, confidence) {
            Err(Refusal::NO_PAIRS) => {}
            paired => return paired,
        }
    }
    two_groups(scale, after, before, confidence)
}

fn in_phases(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::NO_TREATED => Reason::new("no_trial", "Aucune ligne n’a de valeur pendant l’expérimentation."),
        Refusal::NO_CONTROL => Reason::new("no_baseline", "Aucune ligne n’a de valeur avant l’expérimentation."),
        other => other.into(),
    }
}

/// Stable name of a scale, as in the convention.
pub(super) fn scale_name(scale: EffectScale) -> &'static str {
    match scale {
        EffectScale::MeanDifference => "mean_difference",
        EffectScale::HedgesG => "hedges_g",
        EffectScale::LogRatioOfMeans => "log_ratio_of_means",
        EffectScale::RiskDifference => "risk_difference",
        EffectScale::LogRiskRatio => "log_risk_ratio",
        EffectScale::LogOddsRatio => "log_odds_ratio",
        EffectScale::LogRatioOfRatios => "log_ratio_of_ratios",
    }
}

/// An effect as it is shown.
pub(super) fn shown(scale: Option<EffectScale>, effect: &Result<Effect, Reason>, n: u64, weight: Option<f64>) -> EffectResult {
    let of = effect.as_ref().ok();
    EffectResult {
        scale: scale.map(|scale| scale_name(scale).to_owned()),
        estimate: of.map(|e| e.estimate),
        se: of.map(|e| e.se),
        ci: of.map(|e| interval(e.ci)),
        df: of.and_then(|e| e.df),
        p: of.map(|e| e.p),
        n: of.map(|_| n),
        weight,
        reason: effect.as_ref().err().cloned(),
    }
}
