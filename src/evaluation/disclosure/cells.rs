//! Single cells: which may be shown by themselves, and how one is shown.

use super::super::result::{EffectResult, Group, IndicatorResult, Pooled, RandomResult, Reason, SeCi, SiteResult};

/// Above this percentage of the weight, a pooled value says what one site sent.
pub(super) const DOMINANT: f64 = 85.0;

/// Whether the results of a site may be shown to others: enough units in each arm, and neither all nor none of them.
pub(super) fn is_safe(site: &SiteResult, minimum: u64) -> bool {
    let mut some = false;
    whole(site).all(|g| {
        let n = g.n.unwrap_or(0);
        if n == 0 && g.missing == Some(0) {
            // Where each site is of one arm, it has nobody in the other.
            return true;
        }
        some = true;
        g.clusters.unwrap_or(n).min(n) >= minimum && g.events.is_none_or(|e| e > 0 && e < n)
    }) && some
}

/// The groups over the whole time.
pub(super) fn whole(site: &SiteResult) -> impl Iterator<Item = &Group> {
    site.groups.iter().filter(|g| g.period.is_none())
}

/// The site whose share of the pooled value is over 85 %.
pub(super) fn dominant(result: &IndicatorResult) -> Option<&SiteResult> {
    result.sites.iter().find(|s| s.effect.weight.is_some_and(|w| w > DOMINANT))
}

/// The results of a site for the others: no extreme value, and no period, which is often small and told by differences.
pub(super) fn for_others(site: &SiteResult) -> SiteResult {
    let mut shown = site.clone();
    shown.groups.retain(|g| g.period.is_none());
    for group in &mut shown.groups {
        (group.min, group.max) = (None, None);
    }
    shown
}

/// The same where the site must not be recognised: by its size, nor by anything that its size can be told from.
pub(super) fn nameless(site: &SiteResult, result: &IndicatorResult) -> SiteResult {
    let mut shown = for_others(site);
    let total = matches!(result.statistic.as_str(), "count" | "sum");
    for group in &mut shown.groups {
        let mean = group.mean.filter(|_| !total).map(|x| rounded(x, step_of_levels(&result.statistic, x)));
        let reason = Reason::new("anonymous", "Effectif et intervalle non affichés\u{a0}: ils feraient reconnaître la collectivité.");
        *group = Group { mean, reason: Some(reason), ..empty(group) };
    }
    let estimate = shown.effect.estimate.map(|x| rounded(x, step_of_effects(shown.effect.scale.as_deref(), x)));
    shown.effect = EffectResult { estimate, reason: shown.effect.reason.take().filter(|_| estimate.is_none()), ..no_effect(&shown.effect) };
    shown
}

/// A site whose results are not shown.
pub(super) fn withheld(site: &SiteResult) -> SiteResult {
    let reason = || Some(Reason::new("withheld", "Valeur non affichée\u{a0}: trop peu de personnes pour préserver le secret."));
    let mut shown = for_others(site);
    for group in &mut shown.groups {
        *group = Group { reason: reason(), ..empty(group) };
    }
    shown.effect = EffectResult { reason: reason(), ..no_effect(&shown.effect) };
    shown.as_of = None;
    shown
}

fn empty(group: &Group) -> Group {
    Group {
        arm: group.arm.clone(),
        period: group.period,
        n: None,
        missing: None,
        clusters: None,
        events: None,
        sum: None,
        per: None,
        mean: None,
        sd: None,
        ci: None,
        min: None,
        max: None,
        reason: None,
    }
}

fn no_effect(effect: &EffectResult) -> EffectResult {
    EffectResult { scale: effect.scale.clone(), estimate: None, se: None, ci: None, df: None, p: None, n: None, weight: None, reason: None }
}

/// A pooled value without what says how heavy each site is: its estimate and the interval that decisions use.
pub(super) fn reduced(pooled: &Pooled, statistic: &str, scale: Option<&str>) -> Pooled {
    let of_level = pooled.of.as_deref() == Some("level");
    let round = |x: f64| rounded(x, if of_level { step_of_levels(statistic, x) } else { step_of_effects(scale, x) });
    let random = pooled.random.as_ref().map(|random| RandomResult {
        method: random.method.clone(),
        estimate: round(random.estimate),
        se: None,
        ci: None,
        tau2: None,
        tau2_ci: None,
        i2: None,
        h2: None,
        hksj: None,
        adhoc: SeCi { se: round(random.adhoc.se), ci: random.adhoc.ci.map(|b| b.map(round)) },
        prediction: [None, None],
    });
    Pooled { of: pooled.of.clone(), k: pooled.k, random, reason: pooled.reason.clone(), ..Pooled::default() }
}

/// Shares and effects in hundredths, other levels to three figures: fewer than give back the fraction that a mean is.
pub(super) fn step_of_levels(statistic: &str, x: f64) -> f64 {
    if statistic == "proportion" { 0.01 } else { three_figures(x) }
}

pub(super) fn step_of_effects(scale: Option<&str>, x: f64) -> f64 {
    if scale == Some("mean_difference") { three_figures(x) } else { 0.01 }
}

fn three_figures(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() { 0.01 } else { 10f64.powf(x.abs().log10().floor() - 2.0) }
}

fn rounded(x: f64, step: f64) -> f64 {
    let rounded = (x / step).round() * step;
    // Without the digits that the multiplication leaves.
    format!("{rounded:.*}", usize::try_from((-step.log10().floor()) as i64).unwrap_or(0)).parse().unwrap_or(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_cut() {
        assert_eq!(rounded(9.0 / 26.0, step_of_levels("proportion", 9.0 / 26.0)), 0.35);
        assert_eq!(rounded(1234.567, step_of_levels("mean", 1234.567)), 1230.0);
        assert_eq!(rounded(-0.012345, step_of_effects(Some("mean_difference"), -0.012345)), -0.0123);
        assert_eq!(rounded(0.0, step_of_levels("mean", 0.0)), 0.0);
    }
}
