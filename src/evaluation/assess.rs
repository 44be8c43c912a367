//! One indicator over all sites.

use std::collections::BTreeSet;

use super::{
    level::finite,
    pooling::{Decisive, between_sites, empty, pool_estimates},
    result::{IndicatorResult, Reason, SiteRef, SiteResult, TargetResult, Verdict},
    site::{Comparison, Measure, scale_name, shown},
    verdict::on_scale,
    warning,
};
use crate::{
    convention::{
        Convention,
        document::{Better, EffectScale, Indicator, Role, Statistic, Target},
    },
    error::Result,
    ids::Siren,
    indicator::{Arm, DepositTable, Part, SiteSums, Source, Sources, summarise},
    statistics::Effect,
};

/// An indicator's result, with what its verdict needs.
pub(super) struct Assessed {
    pub(super) result: IndicatorResult,
    pub(super) decisive: Option<Decisive>,
    pub(super) target: Option<Target>,
    pub(super) better: Better,
    pub(super) role: Role,
}

/// One site before it is shown.
pub(super) struct Site {
    pub(super) reference: SiteRef,
    pub(super) sums: SiteSums,
    pub(super) effect: Result<Effect, Reason>,
}

/// Computes the plan's indicator at `index`. `repeated` names the sites whose keys repeat across files, by dataset.
pub(super) fn assess(
    convention: &Convention,
    index: usize,
    deposits: &[&DepositTable],
    repeated: &BTreeSet<(String, Siren)>,
) -> Option<Assessed> {
    let plan = &convention.document.evaluation;
    let indicator = plan.indicators.get(index)?;
    let sources = Sources::of(convention, index)?;
    let comparison = Comparison::of(&sources.value.grouping);
    let scale = (comparison != Comparison::None).then(|| scale_of(indicator)).flatten();
    let measure = Measure { statistic: indicator.statistic, comparison, scale, confidence: plan.confidence };

    let mut sites = sites(convention, &measure, &sources, deposits);
    let levels: Vec<Option<(Arm, f64)>> = sites.iter().map(|site| measure.single_arm(&site.sums)).collect();
    let between = scale.filter(|_| {
        let arms: BTreeSet<Arm> = levels.iter().flatten().map(|(arm, _)| *arm).collect();
        arms.len() == 2 && levels.iter().all(Option::is_some)
    });
    if between.is_some() {
        for site in &mut sites {
            site.effect = Err(Reason::new(
                "arm_constant",
                "Toutes les lignes de la structure sont du même groupe\u{a0}: son effet ne se mesure qu’avec les autres structures.",
            ));
        }
    }

    let mut weights = vec![None; sites.len()];
    let pools_levels = comparison == Comparison::None || matches!(indicator.target, Some(Target::Level(_)));
    let (pooled, decisive) = match (pools_levels, between, scale) {
        _ if sites.is_empty() => (empty("effect", 0, Reason::new("no_rows", "Aucune structure n’a envoyé de lignes.")), None),
        _ if matches!(indicator.statistic, Statistic::Count | Statistic::Sum) => (
            empty("level", 0, Reason::new("total", "Les totaux des structures se lisent un par un\u{a0}: ils ne se réunissent pas.")),
            None,
        ),
        (false, Some(scale), _) => between_sites(scale, &levels.into_iter().flatten().collect::<Vec<_>>(), plan.confidence),
        (pools_levels, ..) => {
            let of = if pools_levels { "level" } else { "effect" };
            let estimates: Vec<(usize, (f64, f64))> = (sites.iter().enumerate())
                .filter_map(|(i, site)| match pools_levels {
                    true => measure.level(&site.sums).ok().map(|level| (i, (level.estimate, level.se))),
                    false => site.effect.as_ref().ok().map(|effect| (i, (effect.estimate, effect.se))),
                })
                .collect();
            let (pooled, decisive, found) =
                pool_estimates(of, &estimates.iter().map(|(_, estimate)| *estimate).collect::<Vec<_>>(), plan.confidence);
            for ((i, _), weight) in estimates.iter().zip(found) {
                weights[*i] = weight.and_then(finite);
            }
            (pooled, decisive)
        }
    };

    let warnings = warning::warnings(convention, indicator, &sources, &measure, &sites, repeated);
    let sites = (sites.into_iter().zip(weights))
        .map(|(site, weight)| SiteResult {
            site: site.reference,
            groups: measure.groups(&site.sums),
            effect: shown(scale, &site.effect, measure.rows(&site.sums), weight),
            as_of: None,
        })
        .collect();
    let result = IndicatorResult {
        id: indicator.id.clone(),
        label: indicator.title.clone(),
        unit: indicator.unit.clone(),
        statistic: statistic_name(indicator.statistic).to_owned(),
        role: if indicator.role == Role::Primary { "primary" } else { "secondary" }.to_owned(),
        better: if indicator.better == Better::Lower { "lower" } else { "higher" }.to_owned(),
        scale: scale.map(|scale| scale_name(scale).to_owned()),
        sites,
        pooled,
        target: indicator.target.map(target_result),
        verdict: Verdict::None,
        exploratory: None,
        warnings,
    };
    Some(Assessed { result, decisive, target: indicator.target, better: indicator.better, role: indicator.role })
}

/// Every site with a deposit that the indicator reads, in the convention's order.
fn sites(convention: &Convention, measure: &Measure, sources: &Sources<'_>, deposits: &[&DepositTable]) -> Vec<Site> {
    let mut sites = Vec::new();
    for party in &convention.document.parties.sites {
        let reads = |source: &Source<'_>| -> Vec<&DepositTable> {
            deposits.iter().filter(|d| d.site == party.siren && d.dataset == source.dataset).copied().collect()
        };
        let values = reads(&sources.value);
        if values.is_empty() {
            continue;
        }
        let gathered = parts(&sources.value, &values).and_then(|values| {
            sources.per.as_ref().map(|per| parts(per, &reads(per))).transpose().map(|pers| SiteSums::gather(values, pers))
        });
        let reference = SiteRef { siren: party.siren.clone(), name: convention.site_name(&party.siren) };
        sites.push(match gathered {
            Ok(sums) => Site { reference, effect: measure.effect(&sums), sums },
            Err(error) => Site { reference, effect: Err(Reason::new(error.code, error.message)), sums: SiteSums::default() },
        });
    }
    sites
}

fn parts(source: &Source<'_>, deposits: &[&DepositTable]) -> Result<Vec<Part>> {
    let part =
        |deposit: &&DepositTable| Ok(Part { period: deposit.period, sha256: deposit.sha256.clone(), summary: summarise(source, deposit)? });
    deposits.iter().map(part).collect()
}

/// The scale of an indicator's effects. A relative target is tested on the logarithm of the ratio, which is then the scale.
fn scale_of(indicator: &Indicator) -> Option<EffectScale> {
    let [first, ratio] = match indicator.statistic {
        Statistic::Mean => [EffectScale::MeanDifference, EffectScale::LogRatioOfMeans],
        Statistic::Proportion => [EffectScale::RiskDifference, EffectScale::LogRiskRatio],
        Statistic::Ratio => [EffectScale::LogRatioOfRatios; 2],
        Statistic::Count | Statistic::Sum => return None,
    };
    Some(if matches!(indicator.target, Some(Target::Relative(_))) { ratio } else { indicator.effect.unwrap_or(first) })
}

fn statistic_name(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Count => "count",
        Statistic::Sum => "sum",
        Statistic::Mean => "mean",
        Statistic::Proportion => "proportion",
        Statistic::Ratio => "ratio",
    }
}

fn target_result(target: Target) -> TargetResult {
    let (kind, value) = match target {
        Target::Effect(x) => ("effect", vec![x]),
        Target::Level(x) => ("level", vec![x]),
        Target::Relative(x) => ("relative", vec![x]),
        Target::Within(bounds) => ("within", bounds.to_vec()),
    };
    TargetResult { kind: kind.to_owned(), value, on_scale: on_scale(target) }
}
