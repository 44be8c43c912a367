//! From a file to its report and its typed table.

use std::{io::Read, path::Path, time::Instant};

use polars::prelude::DataFrame;
use sha2::{Digest, Sha256};

use super::{
    decode::{self, Expected},
    report::{CheckReport, FileInfo, SchemaInfo, SourceError, Stats},
    validate,
};
use crate::convention::rules::Rules;

/// What a check gives.
pub struct Checked {
    /// What is said of the file.
    pub report: CheckReport,
    /// The typed table in file order, valid rows only; none when no table could be read or the header is wrong.
    pub table: Option<DataFrame>,
}

/// Reads and checks the file at `path`, called `name` by its depositor; lists at most `limit` faults.
pub fn check_file(path: &Path, name: &str, rules: &Rules, limit: usize) -> Checked {
    check_file_with(path, name, rules, limit, &mut |_| {})
}

/// The steps of a check, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Hashing and reading cells.
    Reading,
    /// Checking so many rows.
    Checking(usize),
}

/// [`check_file`], telling `progress` each step as it begins.
pub fn check_file_with(path: &Path, name: &str, rules: &Rules, limit: usize, progress: &mut dyn FnMut(Step)) -> Checked {
    let start = Instant::now();
    progress(Step::Reading);
    let (bytes, sha256) = fingerprint(path).unwrap_or_default();
    let file = FileInfo { name: name.to_owned(), bytes, sha256, ..FileInfo::default() };
    let schema = SchemaInfo { kind: rules.kind().name().to_owned(), id: rules.id().map(str::to_owned), sha256: rules.sha256().to_owned() };
    let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
    let table = match decode::read(path, Expected { columns: &names, reading: Some(rules.reading()) }) {
        Ok(table) => table,
        Err(error) => return Checked { report: unread(file, schema, error, start), table: None },
    };
    progress(Step::Checking(table.height()));
    let checked = validate::validate(&table, rules, limit);
    let source = table.source.clone();
    let report = CheckReport {
        valid: checked.error_count == 0,
        source_error: None,
        file: FileInfo {
            format: Some(source.format.to_owned()),
            encoding: source.encoding,
            delimiter: source.delimiter.map(String::from),
            decimal: checked.decimal.map(String::from),
            sheet: source.sheet,
            header_row: table.header_row,
            dates: checked.dates,
            ..file
        },
        schema,
        stats: Stats {
            rows: table.height() as u64,
            rows_invalid: checked.rows_invalid,
            errors: checked.error_count,
            warnings: checked.warning_count,
            seconds: start.elapsed().as_secs_f64(),
        },
        columns: checked.columns,
        errors: checked.errors,
        by_rule: checked.by_rule,
        warnings: checked.warnings,
        personal: checked.personal,
    };
    Checked { report, table: checked.table }
}

fn unread(file: FileInfo, schema: SchemaInfo, error: SourceError, start: Instant) -> CheckReport {
    CheckReport {
        valid: false,
        source_error: Some(error),
        file,
        schema,
        stats: Stats { seconds: start.elapsed().as_secs_f64(), ..Stats::default() },
        columns: Vec::new(),
        errors: Vec::new(),
        by_rule: Vec::new(),
        warnings: Vec::new(),
        personal: Vec::new(),
    }
}

/// Size and SHA-256 of a file; none where it cannot be read, which reading then says.
fn fingerprint(path: &Path) -> Option<(u64, String)> {
    // A device or a pipe has no end: only a file has a fingerprint.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut file = std::fs::File::open(path).ok()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut bytes = 0u64;
    loop {
        let read = file.read(&mut buffer).ok()?;
        if read == 0 {
            return Some((bytes, hex::encode(hash.finalize())));
        }
        bytes += read as u64;
        hash.update(&buffer[..read]);
    }
}
