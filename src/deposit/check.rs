//! From a file to its report and its typed table.

use std::path::Path;

use polars::prelude::DataFrame;

use super::report::CheckReport;
use crate::convention::rules::Rules;

/// What a check gives.
pub struct Checked {
    /// What is said of the file.
    pub report: CheckReport,
    /// The typed table in file order, valid rows only; none when no table could be read or the header is wrong.
    pub table: Option<DataFrame>,
}

/// Reads and checks the file at `path`, called `name` by its depositor; lists at most `limit` faults.
pub fn check_file(_path: &Path, _name: &str, _rules: &Rules, _limit: usize) -> Checked {
    todo!()
}
