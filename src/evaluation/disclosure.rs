//! What a site may see of an evaluation: its own results, and the others' as far as the convention's comparison goes, without the
//! cells that are too small to show (domain, «Disclosure»).

use super::result::{EffectResult, Evaluation, Group, IndicatorResult, Pooled, Reason, SiteResult};
use crate::{
    convention::document::{Document, SiteNaming},
    ids::Siren,
};

/// Fewest sites of a pooled value.
const SITES: u64 = 3;

/// The evaluation as `site` may see it.
pub fn for_site(document: &Document, mut evaluation: Evaluation, site: &Siren) -> Evaluation {
    let minimum = u64::from(document.disclosure.minimum_cell);
    let plan = &document.evaluation.indicators;
    evaluation.indicators = evaluation
        .indicators
        .into_iter()
        .zip(plan)
        .map(|(result, indicator)| {
            let datasets: Vec<_> =
                [indicator.dataset.as_deref(), value_dataset(indicator), per_dataset(indicator)].into_iter().flatten().collect();
            let comparison = document.uses.comparison.as_ref().filter(|c| datasets.iter().all(|d| c.datasets.iter().any(|n| n == d)));
            indicator_for_site(result, site, comparison.map(|c| c.sites), minimum)
        })
        .collect();
    // Row counts and hashes of the others' files say how much they sent.
    evaluation.provenance.deposits.retain(|d| d.site == *site);
    evaluation
}

fn value_dataset(indicator: &crate::convention::document::Indicator) -> Option<&str> {
    match indicator.value.as_ref()? {
        crate::convention::document::Value::From(from) => Some(&from.dataset),
        crate::convention::document::Value::Sql(_) => None,
    }
}

fn per_dataset(indicator: &crate::convention::document::Indicator) -> Option<&str> {
    match indicator.per.as_ref()? {
        crate::convention::document::Per::From(from) => Some(&from.dataset),
        crate::convention::document::Per::Sql(_) => None,
    }
}

fn indicator_for_site(mut result: IndicatorResult, site: &Siren, naming: Option<SiteNaming>, minimum: u64) -> IndicatorResult {
    let Some(naming) = naming else {
        result.sites.retain(|s| s.site.siren == *site);
        result.pooled = Pooled {
            reason: Some(Reason::new("not_compared", "La convention ne prévoit pas de comparer ces résultats entre collectivités.")),
            ..Pooled::default()
        };
        return result;
    };
    let shown = result.sites.iter().filter(|s| s.site.siren == *site || large_enough(s, minimum)).count() as u64;
    let withheld = result.sites.len() as u64 - shown;
    // One withheld site could be told from the pooled value and the others: then the pooled value goes too.
    if result.pooled.k < SITES || withheld > 0 {
        let of = result.pooled.of.take();
        let reason = Reason::new("withheld", "Valeur non affichée : trop peu de collectivités ou de personnes pour préserver le secret.");
        result.pooled = Pooled { of, reason: Some(result.pooled.reason.take().unwrap_or(reason)), ..Pooled::default() };
    }
    for (i, other) in result.sites.iter_mut().filter(|s| s.site.siren != *site).enumerate() {
        if !large_enough(other, minimum) {
            withhold(other);
        }
        for group in &mut other.groups {
            (group.min, group.max) = (None, None);
        }
        // What a period of another site holds is often small, and differences between periods tell it.
        other.groups.retain(|g| g.period.is_none());
        if naming == SiteNaming::Anonymous {
            other.site.name = format!("Collectivité {}", i + 1);
            other.site.siren = anonymous();
        }
    }
    result
}

/// A SIREN that is nobody's.
#[expect(clippy::expect_used, reason = "nine digits are always a SIREN")]
fn anonymous() -> Siren {
    "000000000".parse().expect("nine digits")
}

fn large_enough(site: &SiteResult, minimum: u64) -> bool {
    let whole = site.groups.iter().filter(|g| g.period.is_none());
    whole.into_iter().all(|g| {
        let units = g.clusters.unwrap_or(g.n);
        // All or none of the rows being events tells each row.
        units >= minimum && g.events.is_none_or(|e| e > 0 && e < g.n)
    })
}

fn withhold(site: &mut SiteResult) {
    let reason = || Some(Reason::new("withheld", "Valeur non affichée : trop peu de personnes pour préserver le secret."));
    for group in &mut site.groups {
        *group = Group {
            arm: group.arm.take(),
            period: group.period,
            n: 0,
            missing: 0,
            clusters: None,
            events: None,
            sum: None,
            per: None,
            mean: None,
            sd: None,
            ci: None,
            min: None,
            max: None,
            reason: reason(),
        };
    }
    site.effect = EffectResult {
        scale: site.effect.scale.take(),
        estimate: None,
        se: None,
        ci: None,
        df: None,
        p: None,
        n: None,
        weight: None,
        reason: reason(),
    };
}
