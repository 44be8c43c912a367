//! Things that a reader of an indicator should know.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    assess::Site,
    result::Reason,
    site::{Comparison, Measure, find},
};
use crate::{
    convention::{
        Convention,
        document::{Indicator, Target},
    },
    ids::{Period, Siren},
    indicator::{DepositTable, Keys, SiteSums, Sources},
    statistics::cluster,
};

/// Share of missing values above which a group is fragile.
const MISSING: f64 = 0.20;
/// Difference of these shares between two groups above which they are.
const MISSING_GAP: f64 = 0.05;

/// Datasets and sites with a key that stands in several files.
pub(super) fn sites_with_repeated_keys(convention: &Convention, deposits: &[&DepositTable]) -> BTreeSet<(String, Siren)> {
    let mut seen: BTreeMap<(String, Siren), Keys> = BTreeMap::new();
    let mut repeated = BTreeSet::new();
    for deposit in deposits {
        let Some(dataset) = convention.document.datasets.get(&deposit.dataset) else { continue };
        let place = (deposit.dataset.clone(), deposit.site.clone());
        if !seen.entry(place.clone()).or_insert_with(|| Keys::new(dataset)).add(&deposit.table).is_empty() {
            repeated.insert(place);
        }
    }
    repeated
}

/// All warnings of one indicator, always in the same order.
pub(super) fn warnings(
    convention: &Convention,
    indicator: &Indicator,
    sources: &Sources<'_>,
    measure: &Measure,
    sites: &[Site],
    repeated: &BTreeSet<(String, Siren)>,
) -> Vec<Reason> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, before: &str, after: &str, names: Vec<&str>| {
        if !names.is_empty() {
            warnings.push(Reason::new(code, format!("{before}\u{a0}: {}. {after}", list(&names)).trim_end().to_owned()));
        }
    };
    let of = |is: &dyn Fn(&Site) -> bool| -> Vec<&str> { sites.iter().filter(|s| is(s)).map(|s| s.reference.name.as_str()).collect() };

    let silent: Vec<String> = (convention.document.parties.sites.iter())
        .filter(|party| !sites.iter().any(|site| site.reference.siren == party.siren))
        .map(|party| convention.site_name(&party.siren))
        .collect();
    warn("silent_sites", "Structures sans ligne pour cet indicateur", "", silent.iter().map(String::as_str).collect());
    warn(
        "fragile",
        "Résultat fragile, car des valeurs manquent (plus de 20\u{a0}% dans un groupe, ou plus de 5 points d’écart entre les groupes)",
        "",
        of(&|site| is_fragile(measure, &site.sums)),
    );
    warn(
        "few_clusters",
        "Moins de dix unités portent l’incertitude",
        "Lisez l’intervalle avec prudence.",
        of(&|site| site.effect.as_ref().is_ok_and(|effect| effect.clusters.is_some_and(|clusters| clusters < cluster::FEW))),
    );
    warn(
        "uninformative",
        "Structures sans aucun évènement, ou avec seulement des évènements, dans les deux groupes",
        "Elles ne comptent pas dans le rapport.",
        of(&|site| site.effect.as_ref().is_err_and(|reason| reason.code == "uninformative")),
    );
    warn("rows_without_arm", "Lignes laissées de côté, car leur groupe n’est pas indiqué", "", of(&|site| site.sums.outside_arms > 0));
    warn(
        "rows_outside_phases",
        "Lignes laissées de côté, car leur date n’est dans aucune phase",
        "",
        of(&|site| site.sums.outside_phases > 0),
    );
    warn(
        "rows_without_unit",
        "Lignes sans unité (agent, bâtiment…)",
        "Chacune compte comme une unité à part.",
        of(&|site| site.sums.whole.iter().any(|(_, sums)| sums.unclustered > 0 && !sums.sample.clusters.is_empty())),
    );
    warn(
        "units_in_several_files",
        "Des relevés cumulés se poursuivent dans plusieurs fichiers",
        "Seul le dernier compte.",
        of(&|site| site.sums.shared_keys > 0),
    );
    let datasets = [Some(sources.value.dataset), sources.per.as_ref().map(|per| per.dataset)];
    let repeats = |site: &Site| datasets.iter().flatten().any(|d| repeated.contains(&((*d).to_owned(), site.reference.siren.clone())));
    warn("repeated_keys", "Des identifiants se répètent dans plusieurs fichiers", "Leurs lignes comptent plusieurs fois.", of(&repeats));
    let months: BTreeSet<Period> = sites.iter().flat_map(|site| site.sums.unaligned.iter().flatten().copied()).collect();
    let months: Vec<String> = months.into_iter().map(Period::in_french).collect();
    let periods = match months.as_slice() {
        [] => "Fichiers sans période laissés de côté".to_owned(),
        _ => format!("Périodes laissées de côté ({})", list(&months.iter().map(String::as_str).collect::<Vec<_>>())),
    };
    warn(
        "periods_without_pair",
        &format!("{periods}, car il manque le numérateur ou le dénominateur"),
        "",
        of(&|site| !site.sums.unaligned.is_empty()),
    );
    if measure.comparison == Comparison::Changes && sources.value.grouping.cluster.is_none() {
        warnings.push(Reason::new(
            "units_assumed_apart",
            "Aucune unité n’est déclarée\u{a0}: le calcul suppose que personne n’est à la fois avant et après.",
        ));
    }
    if matches!(indicator.target, Some(Target::Relative(_))) && indicator.effect.is_some_and(|effect| !effect.is_log()) {
        warnings.push(Reason::new("relative_scale", "L’objectif est un changement relatif\u{a0}: l’effet est donné comme un rapport."));
    }
    warnings
}

fn is_fragile(measure: &Measure, sums: &SiteSums) -> bool {
    let share = |key: &_| {
        let sums = find(&sums.whole, *key);
        let all = sums.sample.total.n + sums.missing;
        (all > 0).then(|| sums.missing as f64 / all as f64)
    };
    let shares: Vec<f64> = measure.comparison.groups().iter().filter_map(share).collect();
    let (low, high) = shares.iter().fold((1.0_f64, 0.0_f64), |(low, high), share| (low.min(*share), high.max(*share)));
    high > MISSING || high - low > MISSING_GAP
}

/// «a, b et c», shortened beyond six.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if first.len() < 6 => format!("{} et {last}", first.join(", ")),
        more => format!("{} et {} autres", more[..5].join(", "), more.len() - 5),
    }
}
