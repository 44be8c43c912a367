//! What the sites say together.

use super::{
    level::interval,
    result::{BetweenResult, FixedResult, Pooled, RandomResult, Reason, SeCi},
};
use crate::{
    convention::document::EffectScale,
    indicator::Arm,
    statistics::{Effect, Method, Pool, Sample, effect, pool},
};

/// An estimate with the standard error and degrees of freedom that decisions use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decisive {
    pub(super) estimate: f64,
    pub(super) se: f64,
    pub(super) df: f64,
}

/// Pools estimates with their standard errors; gives also the weight of each, in percent.
pub(super) fn pool_estimates(of: &str, estimates: &[(f64, f64)], confidence: f64) -> (Pooled, Option<Decisive>, Vec<Option<f64>>) {
    let (y, v): (Vec<f64>, Vec<f64>) = estimates.iter().map(|(estimate, se)| (*estimate, se * se)).unzip();
    let none = vec![None; y.len()];
    match pool(&y, &v, Method::Reml, confidence) {
        Ok(pool) => {
            let decisive = Decisive { estimate: pool.adhoc.estimate, se: pool.adhoc.se, df: pool.df };
            let weights = pool.weights.iter().copied().map(Some).collect();
            (pooled(of, &pool), Some(decisive), weights)
        }
        Err(refusal) => (empty(of, y.len(), refusal.into()), None, none),
    }
}

/// No pooled value, and why.
pub(super) fn empty(of: &str, k: usize, reason: Reason) -> Pooled {
    Pooled { of: Some(of.to_owned()), k: k as u64, reason: Some(reason), ..Pooled::default() }
}

fn pooled(of: &str, pool: &Pool) -> Pooled {
    Pooled {
        of: Some(of.to_owned()),
        k: pool.k as u64,
        q: Some(pool.q),
        q_df: Some(pool.df),
        q_p: Some(pool.q_p),
        fixed: Some(FixedResult { estimate: pool.fixed.estimate, se: pool.fixed.se, ci: interval(pool.fixed.ci) }),
        random: Some(RandomResult {
            method: "reml".to_owned(),
            estimate: pool.random.estimate,
            se: Some(pool.random.se),
            ci: Some(interval(pool.random.ci)),
            tau2: Some(pool.tau2),
            tau2_ci: pool.tau2_ci.map(interval),
            i2: Some(pool.i2),
            h2: Some(pool.h2),
            hksj: Some(SeCi { se: pool.hksj.se, ci: interval(pool.hksj.ci) }),
            adhoc: SeCi { se: pool.adhoc.se, ci: interval(pool.adhoc.ci) },
            prediction: interval(pool.prediction),
        }),
        between: None,
        reason: None,
        as_of: None,
    }
}

/// Where each site is of one arm, sites are the units: Welch on their levels.
pub(super) fn between_sites(scale: EffectScale, levels: &[(Arm, f64)], confidence: f64) -> (Pooled, Option<Decisive>) {
    let of_arm = |arm| levels.iter().filter(|(a, _)| *a == arm).map(|(_, level)| *level).collect::<Sample>();
    let (treated, control) = (of_arm(Arm::Treated), of_arm(Arm::Control));
    let effect: Result<Effect, Reason> = match scale {
        EffectScale::MeanDifference | EffectScale::RiskDifference => {
            effect::mean_difference(&treated, &control, confidence).map_err(Reason::from)
        }
        EffectScale::HedgesG => effect::hedges_g(&treated, &control, confidence).map_err(Reason::from),
        EffectScale::LogRatioOfMeans | EffectScale::LogRiskRatio | EffectScale::LogRatioOfRatios => {
            effect::log_ratio_of_means(&treated, &control, confidence).map_err(Reason::from)
        }
        EffectScale::LogOddsRatio => Err(Reason::new(
            "scale_between_sites",
            "Un rapport de cotes ne se calcule pas entre structures\u{a0}: choisissez une différence ou un rapport de parts.",
        )),
    };
    let k = levels.len();
    match effect {
        Err(reason) => (empty("effect", k, reason), None),
        Ok(effect) => {
            let between = BetweenResult {
                estimate: effect.estimate,
                se: effect.se,
                ci: interval(effect.ci),
                df: effect.df,
                treated: treated.total.n,
                control: control.total.n,
            };
            // The normal law where the scale has no degrees of freedom would be too sure of a handful of sites.
            let df = effect.df.unwrap_or_else(|| (k as f64 - 2.0).max(1.0));
            let decisive = Decisive { estimate: effect.estimate, se: effect.se, df };
            let reason = Reason::new(
                "sites_are_units",
                "Chaque structure est d’un seul groupe\u{a0}: l’effet se mesure entre les structures, sur leurs niveaux.",
            );
            (Pooled { between: Some(between), ..empty("effect", k, reason) }, Some(decisive))
        }
    }
}
