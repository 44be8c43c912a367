//! What the intervals say of the targets, over the primary indicators together.

use super::{
    assess::Assessed,
    pooling::Decisive,
    result::{IndicatorResult, Verdict},
};
use crate::{
    convention::document::{Better, Plan, Role, Target},
    statistics::multiplicity::{holm, target_test},
};

/// The target on the scale of the pooled estimate: itself, but for a relative change.
pub(super) fn on_scale(target: Target) -> Vec<f64> {
    match target {
        Target::Effect(x) | Target::Level(x) => vec![x],
        Target::Relative(r) => vec![r.ln_1p()],
        Target::Within([low, high]) => vec![low, high],
    }
}

/// One-sided p values (reached, missed); within bounds, each is the p of the whole claim (intersection–union: Schuirmann 1987).
fn test(decisive: Decisive, target: Target, better: Better) -> Option<[f64; 2]> {
    let Decisive { estimate, se, df } = decisive;
    let against = |bound: f64, higher: bool| target_test(estimate, se, df, bound, higher).ok();
    match *on_scale(target).as_slice() {
        [low, high] => {
            let (low, high) = (against(low, true)?, against(high, false)?);
            Some([low.reached.max(high.reached), low.missed.min(high.missed)])
        }
        [bound] => against(bound, better == Better::Higher).map(|test| [test.reached, test.missed]),
        _ => None,
    }
}

/// Gives every indicator its verdict, and its p values only on the final snapshot. Holm over the primary indicators with a
/// target: one that cannot be evaluated counts among them, as its plan was frozen before anyone knew; an exploratory one does not, and is
/// given no verdict, not even a provisional one.
pub(super) fn conclude(plan: &Plan, assessed: Vec<Assessed>, is_final: bool) -> Vec<IndicatorResult> {
    let mut family = Vec::new();
    let mut results: Vec<IndicatorResult> = Vec::new();
    for (index, Assessed { mut result, decisive, target, better, role }) in assessed.into_iter().enumerate() {
        if !is_final || result.exploratory.is_some() {
            result.sites.iter_mut().for_each(|site| site.effect.p = None);
        }
        result.verdict = match (is_final, role, target) {
            _ if result.exploratory.is_some() => Verdict::None,
            (false, ..) => Verdict::Provisional,
            (true, Role::Secondary, _) | (true, _, None) => Verdict::None,
            (true, Role::Primary, Some(target)) => {
                let p = decisive.and_then(|decisive| test(decisive, target, better));
                family.push((index, p));
                Verdict::NotEvaluable
            }
        };
        results.push(result);
    }
    let adjusted = |side: usize| holm(&family.iter().map(|(_, p)| p.map_or(1.0, |p| p[side])).collect::<Vec<_>>());
    let half = plan.planning.alpha / 2.0;
    for (((index, p), reached), missed) in family.iter().zip(adjusted(0)).zip(adjusted(1)) {
        if p.is_some() {
            results[*index].verdict = if reached <= half {
                Verdict::Reached
            } else if missed <= half {
                Verdict::Missed
            } else {
                Verdict::Inconclusive
            };
        }
    }
    results
}
