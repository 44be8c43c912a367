//! Indicators and plan → effects, pooled values, verdicts; REX answers.

pub mod answers;
mod assess;
pub mod disclosure;
mod level;
mod pooling;
pub mod release;
pub mod reminders;
pub mod result;
pub mod rex;
mod site;
pub mod snapshot;
mod verdict;
mod warning;

pub use snapshot::{Snapshot, latest, lock, numbered, refresh};

use std::collections::BTreeMap;

use self::result::{ConventionRef, DepositRef, Evaluation, Provenance, Reason, SignedPlan};
use crate::{
    convention::{
        Convention,
        agreement::{AgreedVersion, Agreement},
    },
    ids::Siren,
    indicator::DepositTable,
};

/// Computes every indicator of the plan over these deposits, whatever their order.
///
/// Deposits of a site or dataset that the convention does not name count for nothing. What cannot be computed says why.
pub fn evaluate(convention: &Convention, version: u32, deposits: &[DepositTable], is_final: bool) -> Evaluation {
    evaluate_under(convention, version, &Frozen::default(), deposits, is_final)
}

/// What the first signatures froze.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frozen {
    /// The plan.
    pub plan: Option<SignedPlan>,
    /// The indicators that are not in it, or not so, each with the reason.
    pub exploratory: BTreeMap<String, Reason>,
}

impl Frozen {
    /// By the signatures of this agreement, for the version that is evaluated.
    pub fn of(agreement: &Agreement, version: &AgreedVersion) -> Self {
        let Some(frozen) = agreement.frozen() else { return Self::default() };
        let number = |version: &AgreedVersion| u32::try_from(version.head.version).unwrap_or(u32::MAX);
        let plan =
            SignedPlan { version: number(frozen), convention_sha256: frozen.head.sha256.clone(), sha256: frozen.convention.plan_sha256() };
        let known = |id: &str| frozen.convention.document.evaluation.indicators.iter().any(|i| i.id == id);
        let reason = |id: &str| {
            let what = if known(id) { "a été changé" } else { "a été ajouté" };
            let message = format!(
                "Cet indicateur {what} après la signature du plan d’évaluation (version {})\u{a0}: il est exploratoire, et aucune conclusion n’en est tirée.",
                frozen.head.version
            );
            Reason::new(if known(id) { "changed_after_signature" } else { "added_after_signature" }, message)
        };
        let exploratory = agreement.exploratory(version).into_iter().map(|id| (id.clone(), reason(&id))).collect();
        Self { plan: Some(plan), exploratory }
    }
}

/// [`evaluate`], under a plan that was signed: what is not of it is marked exploratory, and concludes nothing.
pub fn evaluate_under(convention: &Convention, version: u32, frozen: &Frozen, deposits: &[DepositTable], is_final: bool) -> Evaluation {
    let document = &convention.document;
    let is_party = |site: &Siren| document.parties.sites.iter().any(|party| party.siren == *site);
    let mut counted: Vec<&DepositTable> =
        deposits.iter().filter(|deposit| is_party(&deposit.site) && document.datasets.contains_key(&deposit.dataset)).collect();
    counted.sort_by(|a, b| order(a).cmp(&order(b)));

    let repeated = warning::sites_with_repeated_keys(convention, &counted);
    let mut assessed: Vec<_> =
        (0..document.evaluation.indicators.len()).filter_map(|index| assess::assess(convention, index, &counted, &repeated)).collect();
    for one in &mut assessed {
        one.result.exploratory = frozen.exploratory.get(&one.result.id).cloned();
    }
    Evaluation {
        convention: ConventionRef { id: document.id.clone(), version, sha256: convention.sha256.clone(), signed_plan: frozen.plan.clone() },
        is_final,
        indicators: verdict::conclude(&document.evaluation, assessed, is_final),
        provenance: Provenance {
            deposits: counted.into_iter().map(reference).collect(),
            program: concat!("retex ", env!("CARGO_PKG_VERSION")).to_owned(),
        },
    }
}

fn order(deposit: &DepositTable) -> impl Ord + '_ {
    (&deposit.site, &deposit.dataset, deposit.period, &deposit.sha256)
}

fn reference(deposit: &DepositTable) -> DepositRef {
    DepositRef {
        site: deposit.site.clone(),
        dataset: deposit.dataset.clone(),
        period: deposit.period,
        sha256: deposit.sha256.clone(),
        rows: deposit.table.height() as u64,
    }
}
