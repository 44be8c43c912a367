//! What a reader who is not of the Métropole's evaluation may see of a snapshot (domain, «Disclosure»): their own results, and the others'
//! as far as the convention's comparison goes, in a closed list of tables that is protected together.
//!
//! [`protect`] is pure. Cells that are too small by themselves are withheld ([`cells`]); a cell that differs too little from the one
//! released before stands as it was ([`Change`]); then everything that would be shown is audited ([`links`], [`audit`]), and further cells
//! are withheld until no withheld value can be told to within ±10 %.

pub mod audit;
mod cells;
pub mod links;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::{cells::is_safe, links::Place};
use super::result::{Evaluation, IndicatorResult, Pooled, Reason, SiteResult, Verdict};
use crate::{
    convention::document::{Document, Indicator, Per, SiteNaming, Value},
    ids::{Period, Siren},
};

/// Fewest sites of a pooled value, and of a comparison without names.
const SITES: usize = 3;

/// What a shown cell was computed from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Basis {
    /// Hash of the indicator's formula.
    pub formula: String,
    /// The files: dataset and SHA-256.
    pub files: Vec<(String, String)>,
}

/// How far the rows of a cell have changed since it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Not at all.
    None,
    /// So little that the difference would tell what a few people did.
    Few,
    /// Enough units, or another formula.
    Enough,
}

/// The results of a site as they were shown last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Before names are taken off.
    pub shown: SiteResult,
    /// From what.
    pub basis: Basis,
    /// When.
    pub on: NaiveDate,
}

/// A pooled value as it was shown last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PooledCell {
    /// The value.
    pub shown: Pooled,
    /// When.
    pub on: NaiveDate,
}

/// The cells of an indicator that were shown, each as it was shown last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// Of the other sites.
    pub sites: BTreeMap<Siren, Cell>,
    /// Of all sites together.
    pub pooled: Option<PooledCell>,
}

/// What was released to one reader: the tables, and what the next release is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// What the reader sees.
    pub evaluation: Evaluation,
    /// What was shown last, by indicator; never leaves the hub.
    pub cells: BTreeMap<String, Cells>,
}

/// What a release is made from.
pub struct Ask<'a> {
    /// The document whose uses hold.
    pub document: &'a Document,
    /// The whole snapshot.
    pub evaluation: &'a Evaluation,
    /// The site that reads; none for named recipients and the public, who know no cell.
    pub viewer: Option<&'a Siren>,
    /// What only the hub knows, always the same for one convention: without it the anonymous names could be told from the convention.
    pub secret: &'a [u8],
    /// Today.
    pub on: NaiveDate,
    /// What was released to the same reader before.
    pub before: Option<&'a Release>,
    /// From what the results of a site for an indicator are computed now.
    pub basis: &'a dyn Fn(&Indicator, &Siren) -> Basis,
    /// How far that differs from what a cell was computed from.
    pub change: &'a dyn Fn(&Indicator, &Siren, &Basis) -> Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Fresh,
    Stands,
    Withheld,
}

/// What is decided on one indicator.
struct Decision<'a> {
    indicator: Option<&'a Indicator>,
    /// None: nothing is compared.
    naming: Option<SiteNaming>,
    /// Of every site but the reader.
    sites: BTreeMap<Siren, Show>,
    /// Whether the audit found that the pooled value tells too much.
    silent: bool,
}

/// The snapshot as the reader may see it.
///
/// Whatever plan the snapshot was made under, the uses that hold are those of the document: an indicator that it does not name is not compared.
pub fn protect(ask: &Ask<'_>) -> Release {
    let names = pseudonyms(ask);
    let mut decisions: Vec<Decision<'_>> = ask.evaluation.indicators.iter().map(|result| decide(ask, result)).collect();
    let mut last: Option<Evaluation> = None;
    loop {
        let release = render(ask, &decisions, &names);
        let exposed = exposed(ask, &decisions, &release.evaluation, &names);
        if exposed.is_empty() {
            return release;
        }
        // Where a step withheld nothing more, the whole indicator goes: each turn withholds something, so that there is a last one.
        if last.as_ref() == Some(&release.evaluation) {
            for place in &exposed {
                let of = ask.evaluation.indicators.iter().position(|r| r.id == place.indicator);
                let Some(decision) = of.and_then(|at| decisions.get_mut(at)) else { continue };
                if decision.silent && decision.naming.is_none() {
                    return withheld(ask, &mut decisions, &names);
                }
                (decision.silent, decision.naming) = (true, None);
            }
            last = None;
            continue;
        }
        last = Some(release.evaluation);
        // One step for each site, then the audit again: often the first is enough.
        let mut seen: Vec<Option<Siren>> = Vec::new();
        for place in exposed {
            if !seen.contains(&place.site) {
                withhold_more(ask, &mut decisions, &place);
                seen.push(place.site);
            }
        }
    }
}

/// The datasets that an indicator reads, that of its value first.
pub(crate) fn datasets_of(indicator: &Indicator) -> Vec<&str> {
    let value = match &indicator.value {
        Some(Value::From(from)) => Some(from.dataset.as_str()),
        _ => indicator.dataset.as_deref(),
    };
    let per = match &indicator.per {
        Some(Per::From(from)) => Some(from.dataset.as_str()),
        _ => None,
    };
    value.into_iter().chain(per).collect()
}

fn decide<'a>(ask: &Ask<'a>, result: &IndicatorResult) -> Decision<'a> {
    let document = ask.document;
    let indicator = document.evaluation.indicators.iter().find(|i| i.id == result.id);
    let comparison = document.uses.comparison.as_ref().zip(indicator).filter(|(comparison, indicator)| {
        let read = datasets_of(indicator);
        !read.is_empty() && read.iter().all(|d| comparison.datasets.iter().any(|n| n == d))
    });
    let naming = comparison.map(|(comparison, _)| comparison.sites);
    let minimum = u64::from(document.disclosure.minimum_cell);
    let before = ask.before.and_then(|b| b.cells.get(&result.id));
    let few = naming == Some(SiteNaming::Anonymous) && result.sites.len() < SITES;
    let dominant = cells::dominant(result).and_then(|s| heaviest(ask, result, s));
    let others = result.sites.iter().filter(|s| Some(&s.site.siren) != ask.viewer);
    let sites = others.map(|site| {
        let siren = &site.site.siren;
        let changed = || {
            let cell = before.and_then(|b| b.sites.get(siren));
            cell.zip(indicator).map_or(Change::Enough, |(cell, indicator)| (ask.change)(indicator, siren, &cell.basis))
        };
        let show = if few || !is_safe(site, minimum) || dominant == Some(siren) {
            Show::Withheld
        } else if changed() == Change::Few {
            Show::Stands
        } else {
            Show::Fresh
        };
        (siren.clone(), show)
    });
    Decision { indicator, naming, sites: sites.collect(), silent: false }
}

/// Where one site makes a pooled value: that site, which would give it back; its runner-up where the reader is that very site.
fn heaviest<'r>(ask: &Ask<'_>, result: &'r IndicatorResult, dominant: &'r SiteResult) -> Option<&'r Siren> {
    if Some(&dominant.site.siren) != ask.viewer {
        return Some(&dominant.site.siren);
    }
    let others = result.sites.iter().filter(|s| s.site.siren != dominant.site.siren);
    others.max_by(|a, b| a.effect.weight.unwrap_or(0.0).total_cmp(&b.effect.weight.unwrap_or(0.0))).map(|s| &s.site.siren)
}

/// How the pooled value of an indicator is shown.
enum ShowPooled {
    /// As it is: there is one that may be seen, or none to see.
    Whole,
    /// The estimate and its interval.
    Reduced,
    /// As it was shown before.
    Stands,
    Withheld(Reason),
}

fn show_pooled(ask: &Ask<'_>, result: &IndicatorResult, decision: &Decision<'_>) -> ShowPooled {
    let any = |show: Show| decision.sites.values().any(|s| *s == show);
    let has_value = result.pooled.random.is_some() || result.pooled.between.is_some();
    let too_few =
        || Reason::new("withheld", "Valeur non affichée\u{a0}: trop peu de collectivités ou de personnes pour préserver le secret.");
    if decision.naming.is_none() {
        let message = "La convention ne prévoit pas de comparer ces résultats entre collectivités.";
        return ShowPooled::Withheld(Reason::new("not_compared", message));
    }
    if any(Show::Withheld) || decision.silent || has_value && (result.sites.len() < SITES || cells::dominant(result).is_some()) {
        return ShowPooled::Withheld(too_few());
    }
    if !has_value {
        return ShowPooled::Whole;
    }
    if decision.naming == Some(SiteNaming::Anonymous) {
        // One release only: two would tell the sites that changed in between.
        return if ask.evaluation.is_final {
            ShowPooled::Reduced
        } else {
            let message =
                "La valeur d’ensemble s’affiche avec l’évaluation définitive\u{a0}: avant, elle ferait reconnaître des collectivités.";
            ShowPooled::Withheld(Reason::new("withheld", message))
        };
    }
    match any(Show::Stands) {
        false => ShowPooled::Whole,
        true if ask.before.is_some_and(|b| b.cells.get(&result.id).is_some_and(|c| c.pooled.is_some())) => ShowPooled::Stands,
        true => ShowPooled::Withheld(too_few()),
    }
}

/// Warnings that name no site.
const IMPERSONAL: [&str; 2] = ["units_assumed_apart", "relative_scale"];

fn render(ask: &Ask<'_>, decisions: &[Decision<'_>], names: &BTreeMap<Siren, String>) -> Release {
    let mut evaluation = ask.evaluation.clone();
    // Row counts and hashes of the others' files say how much they sent.
    evaluation.provenance.deposits.retain(|d| Some(&d.site) == ask.viewer);
    let mut all = BTreeMap::new();
    for (result, decision) in evaluation.indicators.iter_mut().zip(decisions) {
        let mut kept = ask.before.and_then(|b| b.cells.get(&result.id)).cloned().unwrap_or_default();
        show_indicator(ask, result, decision, names, &mut kept);
        all.insert(result.id.clone(), kept);
    }
    Release { evaluation, cells: all }
}

fn show_indicator(ask: &Ask<'_>, result: &mut IndicatorResult, decision: &Decision<'_>, names: &BTreeMap<Siren, String>, kept: &mut Cells) {
    let whole = result.clone();
    let anonymous = decision.naming == Some(SiteNaming::Anonymous);
    let pooled = show_pooled(ask, &whole, decision);
    if decision.naming.is_none() {
        result.sites.retain(|s| Some(&s.site.siren) == ask.viewer);
    }
    let personal = anonymous || decision.naming.is_none() || decision.sites.values().any(|s| *s != Show::Fresh);
    result.warnings.retain(|w| !personal || IMPERSONAL.contains(&w.code.as_str()));
    for site in &mut result.sites {
        let siren = site.site.siren.clone();
        if !matches!(pooled, ShowPooled::Whole) {
            site.effect.weight = None;
        }
        let Some(show) = decision.sites.get(&siren) else { continue };
        let stands = kept.sites.get(&siren).filter(|_| *show == Show::Stands);
        *site = match (show, stands) {
            (Show::Stands, Some(cell)) => SiteResult { as_of: Some(cell.on), ..cell.shown.clone() },
            (Show::Fresh, _) => {
                let shown = if anonymous { cells::nameless(site, &whole) } else { cells::for_others(site) };
                if let Some(indicator) = decision.indicator {
                    let mut memory = shown.clone();
                    memory.effect.weight = None;
                    kept.sites.insert(siren.clone(), Cell { shown: memory, basis: (ask.basis)(indicator, &siren), on: ask.on });
                }
                shown
            }
            _ => cells::withheld(site),
        };
    }
    if anonymous {
        // The convention's order would tell the names; the site itself comes first.
        result.sites.sort_by_key(|s| (Some(&s.site.siren) != ask.viewer, names.get(&s.site.siren).cloned()));
        for other in result.sites.iter_mut().filter(|s| Some(&s.site.siren) != ask.viewer) {
            other.site.name = names.get(&other.site.siren).cloned().unwrap_or_else(|| "Collectivité".to_owned());
            other.site.siren = anonymous_siren();
        }
    }
    result.pooled = match pooled {
        ShowPooled::Whole => whole.pooled.clone(),
        ShowPooled::Reduced => cells::reduced(&whole.pooled, &whole.statistic, whole.scale.as_deref()),
        ShowPooled::Stands => kept.pooled.as_ref().map(|p| Pooled { as_of: Some(p.on), ..p.shown.clone() }).unwrap_or_default(),
        ShowPooled::Withheld(ref reason) => {
            let own = whole.pooled.reason.clone().filter(|_| decision.naming.is_some() && whole.pooled.between.is_none());
            Pooled { of: whole.pooled.of.clone(), reason: own.or_else(|| Some(reason.clone())), ..Pooled::default() }
        }
    };
    if matches!(pooled, ShowPooled::Whole | ShowPooled::Reduced) {
        let value = result.pooled.random.is_some() || result.pooled.between.is_some();
        kept.pooled = value.then(|| PooledCell { shown: result.pooled.clone(), on: ask.on });
    } else if !matches!(whole.verdict, Verdict::Provisional | Verdict::None) {
        result.verdict = Verdict::Withheld;
    }
    let dated: Vec<(NaiveDate, &str)> = result.sites.iter().filter_map(|s| Some((s.as_of?, s.site.name.as_str()))).collect();
    if let Some(first) = dated.iter().map(|(on, _)| *on).chain(result.pooled.as_of).min() {
        let mut whose: Vec<&str> = dated.iter().map(|(_, name)| *name).collect();
        whose.extend(result.pooled.as_of.map(|_| "valeur d’ensemble"));
        let message = format!(
            "Valeurs publiées avant aujourd’hui, la plus ancienne le {}\u{a0}: {}. Trop peu de données ont changé depuis pour les actualiser sans dévoiler des personnes.",
            day(first),
            whose.join(", ")
        );
        result.warnings.push(Reason::new("released_before", message));
    }
}

/// «1er mars 2026».
fn day(on: NaiveDate) -> String {
    let number = if on.day() == 1 { "1er".to_owned() } else { on.day().to_string() };
    format!("{number} {}", Period::containing(on).in_french())
}

fn exposed(ask: &Ask<'_>, decisions: &[Decision<'_>], shown: &Evaluation, names: &BTreeMap<Siren, String>) -> Vec<Place> {
    let compared: Vec<&str> =
        (ask.evaluation.indicators.iter().zip(decisions)).filter(|(_, d)| d.naming.is_some()).map(|(r, _)| r.id.as_str()).collect();
    // What is not compared shows nothing of the others: there is nothing to tell it from.
    let only = |e: &Evaluation| {
        let mut e = e.clone();
        e.indicators.retain(|r| compared.contains(&r.id.as_str()));
        e
    };
    let (truth, shown) = (only(ask.evaluation), only(shown));
    links::exposed(ask.document, &truth, &shown, &|result, siren| {
        let name = names.get(siren);
        result.sites.iter().find(|s| s.site.siren == *siren || s.site.siren == anonymous_siren() && Some(&s.site.name) == name)
    })
}

/// The release that compares nothing at all: what is shown when no smaller sacrifice was found to be safe.
fn withheld(ask: &Ask<'_>, decisions: &mut [Decision<'_>], names: &BTreeMap<Siren, String>) -> Release {
    for decision in decisions.iter_mut() {
        (decision.silent, decision.naming) = (true, None);
        decision.sites.values_mut().for_each(|show| *show = Show::Withheld);
    }
    render(ask, decisions, names)
}

/// One step further where a withheld value can be told: the pooled value, then what the same site shows elsewhere, in the end the whole
/// comparison of the indicator.
fn withhold_more(ask: &Ask<'_>, decisions: &mut [Decision<'_>], place: &Place) {
    let results = &ask.evaluation.indicators;
    let Some(at) = results.iter().position(|r| r.id == place.indicator) else { return };
    let Some(site) = place.site.as_ref().filter(|_| !place.weight) else {
        // A pooled value that tells its weights goes; one that is gone already can be told from its parts, of which the heaviest goes.
        let shown = matches!(show_pooled(ask, &results[at], &decisions[at]), ShowPooled::Reduced | ShowPooled::Whole);
        let heaviest = results[at].sites.iter().filter(|s| decisions[at].sites.get(&s.site.siren).is_some_and(|s| *s != Show::Withheld));
        let heaviest =
            heaviest.max_by(|a, b| a.effect.weight.unwrap_or(0.0).total_cmp(&b.effect.weight.unwrap_or(0.0))).map(|s| s.site.siren.clone());
        match heaviest {
            _ if shown => decisions[at].silent = true,
            // Another weight that the same pooled value told.
            _ if place.weight => {}
            Some(siren) => drop(decisions[at].sites.insert(siren, Show::Withheld)),
            None => decisions[at].naming = None,
        }
        return;
    };
    let near = |other: usize| {
        let (a, b) = (decisions[at].indicator, decisions[other].indicator);
        a.zip(b).is_some_and(|(a, b)| datasets_of(a).iter().any(|d| datasets_of(b).contains(d)))
    };
    let open = |other: &usize| decisions[*other].sites.get(site).is_some_and(|s| *s != Show::Withheld);
    // Secondary indicators first, then the last of the plan.
    let next = (0..decisions.len()).filter(open).filter(|i| near(*i)).max_by_key(|i| (results[*i].role != "primary", *i));
    match next.or_else(|| (0..decisions.len()).rfind(|i| open(i))) {
        Some(other) => drop(decisions[other].sites.insert(site.clone(), Show::Withheld)),
        None => decisions[at].naming = None,
    }
}

/// The name by which each site is known to the others where names are not shown: the same in every indicator and every snapshot, whoever
/// joins the convention later.
fn pseudonyms(ask: &Ask<'_>) -> BTreeMap<Siren, String> {
    let named = |length: usize| -> BTreeMap<Siren, String> {
        let name = |siren: &Siren| {
            let digest = Sha256::new().chain_update(ask.secret).chain_update(siren.as_str()).finalize();
            format!("Collectivité {}", hex::encode_upper(digest).get(..length).unwrap_or_default())
        };
        ask.evaluation.indicators.iter().flat_map(|r| &r.sites).map(|s| (s.site.siren.clone(), name(&s.site.siren))).collect()
    };
    let short = named(4);
    let mut distinct: Vec<&String> = short.values().collect();
    distinct.sort();
    distinct.dedup();
    if distinct.len() == short.len() { short } else { named(12) }
}

/// A SIREN that is nobody's.
#[expect(clippy::expect_used, reason = "nine digits are always a SIREN")]
fn anonymous_siren() -> Siren {
    "000000000".parse().expect("nine digits")
}
