//! From accepted deposits to statistics per site and group.

use polars::prelude::DataFrame;

use crate::ids::{Period, Siren};

/// One accepted, current deposit, as the computation reads it: from a file on the command line, from the lake in the hub.
pub struct DepositTable {
    /// Who sent it.
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    pub period: Option<Period>,
    /// Of the file as sent.
    pub sha256: String,
    /// Typed rows, in file order.
    pub table: DataFrame,
}
