//! From accepted deposits to statistics per site and group.
//!
//! An indicator is computed **per deposit** ([`summarise`]): its rows become sums per group and cluster, a [`Summary`] that a
//! cache may keep under (SHA-256 of the file, [`indicator_hash`]). [`SiteSums::gather`] then merges the summaries of a site in
//! the order of their hashes: a new deposit costs only itself, and neither the order of deposits nor threads change a bit.

mod change;
mod keys;
mod rows;
mod site;
mod source;
mod summary;

use polars::prelude::DataFrame;
use serde_json::json;
use sha2::{Digest, Sha256};

pub use self::{
    change::{Difference, differences},
    keys::{Keys, key_rows, keys_of, shown},
    rows::summarise,
    site::{Cells, Part, SiteSums},
    source::{Grouping, PhaseUse, Source, Sources},
    summary::{Arm, GroupKey, GroupSums, KeyedRow, Order, Phase, Summary},
};
use crate::{
    convention::document::{Indicator, Plan},
    ids::{Period, Siren},
};

/// One accepted, current deposit, as the computation reads it: from a file on the command line, from the lake in the hub.
pub struct DepositTable {
    /// Who sent it.
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    pub period: Option<Period>,
    /// Of the file as sent; of it and its reading, where its depositor imposed one.
    pub sha256: String,
    /// Typed rows, in file order.
    pub table: DataFrame,
}

/// SHA-256 (hex) of all that decides an indicator's summaries: its formula and the groups of the plan, not its title, target or role.
pub fn indicator_hash(indicator: &Indicator, plan: &Plan) -> String {
    let formula = json!({
        "format": 1,
        "dataset": indicator.dataset, "statistic": indicator.statistic, "value": indicator.value, "per": indicator.per,
        "where": indicator.filter, "unit": indicator.unit,
        "design": plan.design, "arms": plan.arms, "phases": plan.phases, "cluster": plan.cluster,
    });
    hex::encode(Sha256::digest(formula.to_string()))
}
