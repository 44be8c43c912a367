//! What a site may see of an evaluation: its own results, and the others' as far as the convention's comparison goes, without the
//! cells that are too small to show (domain, «Disclosure»).

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::result::{EffectResult, Evaluation, Group, IndicatorResult, Pooled, Reason, SiteResult};
use crate::{
    convention::document::{Document, SiteNaming},
    ids::Siren,
};

/// Fewest sites of a pooled value.
const SITES: u64 = 3;

/// The evaluation as `site` may see it. `secret` is what only the hub knows, always the same for one convention: without it the anonymous
/// names could be told from the convention, which the sites read.
///
/// Whatever plan the snapshot was made under, the uses that hold are those of `document`: an indicator that it does not name is not compared.
pub fn for_site(document: &Document, mut evaluation: Evaluation, site: &Siren, secret: &[u8]) -> Evaluation {
    let minimum = u64::from(document.disclosure.minimum_cell);
    let names = pseudonyms(document, secret);
    for result in &mut evaluation.indicators {
        let indicator = document.evaluation.indicators.iter().find(|i| i.id == result.id);
        let comparison = document.uses.comparison.as_ref().zip(indicator).filter(|(comparison, indicator)| {
            let datasets = [indicator.dataset.as_deref(), value_dataset(indicator), per_dataset(indicator)];
            datasets.into_iter().flatten().all(|d| comparison.datasets.iter().any(|n| n == d))
        });
        indicator_for_site(result, site, comparison.map(|(c, _)| c.sites), minimum, &names);
    }
    // Row counts and hashes of the others' files say how much they sent.
    evaluation.provenance.deposits.retain(|d| d.site == *site);
    evaluation
}

/// The number by which each party is known to the others where names are not shown: the same in every indicator and every snapshot.
fn pseudonyms(document: &Document, secret: &[u8]) -> HashMap<Siren, usize> {
    let mut sites: Vec<_> = document.parties.sites.iter().map(|p| p.siren.clone()).collect();
    sites.sort_by_key(|siren| Sha256::new().chain_update(secret).chain_update(siren.as_str()).finalize());
    sites.into_iter().zip(1..).collect()
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

/// Warnings that name no site.
const IMPERSONAL: [&str; 2] = ["units_assumed_apart", "relative_scale"];

fn indicator_for_site(result: &mut IndicatorResult, site: &Siren, naming: Option<SiteNaming>, minimum: u64, names: &HashMap<Siren, usize>) {
    let Some(naming) = naming else {
        result.sites.retain(|s| s.site.siren == *site);
        result.sites.iter_mut().for_each(|s| s.effect.weight = None);
        result.pooled = Pooled {
            reason: Some(Reason::new("not_compared", "La convention ne prévoit pas de comparer ces résultats entre collectivités.")),
            ..Pooled::default()
        };
        result.warnings.retain(|w| IMPERSONAL.contains(&w.code.as_str()));
        return;
    };
    let withheld = result.sites.iter().any(|s| s.site.siren != *site && !large_enough(s, minimum));
    // One withheld site could be told from the pooled value and the others: then the pooled value goes too, with the weights.
    if result.pooled.k < SITES || withheld {
        let of = result.pooled.of.take();
        let reason = Reason::new("withheld", "Valeur non affichée : trop peu de collectivités ou de personnes pour préserver le secret.");
        result.pooled = Pooled { of, reason: Some(result.pooled.reason.take().unwrap_or(reason)), ..Pooled::default() };
        result.sites.iter_mut().for_each(|s| s.effect.weight = None);
    }
    // They say which site has no events, or few units.
    if withheld || naming == SiteNaming::Anonymous {
        result.warnings.retain(|w| IMPERSONAL.contains(&w.code.as_str()));
    }
    if naming == SiteNaming::Anonymous {
        // The convention's order would tell the names; the site itself comes first.
        result.sites.sort_by_key(|s| (s.site.siren != *site, names.get(&s.site.siren).copied()));
    }
    for other in result.sites.iter_mut().filter(|s| s.site.siren != *site) {
        if !large_enough(other, minimum) {
            withhold(other);
        }
        for group in &mut other.groups {
            (group.min, group.max) = (None, None);
        }
        // What a period of another site holds is often small, and differences between periods tell it.
        other.groups.retain(|g| g.period.is_none());
        if naming == SiteNaming::Anonymous {
            other.site.name = names.get(&other.site.siren).map_or_else(|| "Collectivité".to_owned(), |n| format!("Collectivité {n}"));
            other.site.siren = anonymous();
        }
    }
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
