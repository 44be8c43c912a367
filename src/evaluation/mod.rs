//! Indicators and plan → effects, pooled values, verdicts; REX answers.

pub mod answers;
mod assess;
pub mod disclosure;
mod level;
mod pooling;
pub mod reminders;
pub mod result;
pub mod rex;
mod site;
pub mod snapshot;
mod verdict;
mod warning;

pub use snapshot::{Snapshot, latest, lock, numbered, refresh};

use self::result::{ConventionRef, DepositRef, Evaluation, Provenance};
use crate::{convention::Convention, ids::Siren, indicator::DepositTable};

/// Computes every indicator of the plan over these deposits, whatever their order.
///
/// Deposits of a site or dataset that the convention does not name count for nothing. What cannot be computed says why.
pub fn evaluate(convention: &Convention, version: u32, deposits: &[DepositTable], is_final: bool) -> Evaluation {
    let document = &convention.document;
    let is_party = |site: &Siren| document.parties.sites.iter().any(|party| party.siren == *site);
    let mut counted: Vec<&DepositTable> =
        deposits.iter().filter(|deposit| is_party(&deposit.site) && document.datasets.contains_key(&deposit.dataset)).collect();
    counted.sort_by(|a, b| order(a).cmp(&order(b)));

    let repeated = warning::sites_with_repeated_keys(convention, &counted);
    let assessed: Vec<_> =
        (0..document.evaluation.indicators.len()).filter_map(|index| assess::assess(convention, index, &counted, &repeated)).collect();
    Evaluation {
        convention: ConventionRef { id: document.id.clone(), version, sha256: convention.sha256.clone() },
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
