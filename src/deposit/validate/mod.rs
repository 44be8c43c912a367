//! Blocks of text against compiled rules: header, then each column in one pass per check, then what takes a whole row. Pure.
//!
//! A [`Judge`] looks at one block, on any thread: columns are read one at a time from text to typed values; only schemas that relate
//! columns build a JSON object per row ([`rows::rest`]). A [`Verdict`] takes the blocks in file order and carries what is of the whole
//! file: the first faults, the counts, the keys ([`keys`]). What the beginning of a file makes one assume of the whole ([`Assumed`]) is
//! held against it at the end; where the file tells otherwise it is judged again ([`Verdict::otherwise`]).

pub(super) mod column;
mod detect;
mod faults;
pub(super) mod header;
mod keys;
mod personal;
pub(super) mod read;
mod rows;
mod verdict;
pub(super) mod words;

use std::{collections::BTreeSet, collections::HashSet, sync::Arc};

use polars::prelude::{BooleanChunked, Column as Series, DataFrame, NewChunkedArray};

pub use self::verdict::Verdict;
use self::{
    column::{Reading, Summary},
    detect::{Evidence, Marks},
    faults::{Faults, Groups},
    header::Header,
    keys::{Fingerprint, Repeated},
    personal::Findings,
    words::Context,
};
use super::{
    decode::{Head, Table},
    report::{CellFault, ColumnInfo, PersonalFinding, RuleCount},
};
use crate::convention::rules::Rules;

/// What the rules say of a file.
pub struct Validated {
    /// The first faults by row, header first.
    pub errors: Vec<CellFault>,
    /// All faults.
    pub error_count: u64,
    /// Rows.
    pub rows: u64,
    /// Rows with at least one fault.
    pub rows_invalid: u64,
    /// Faults per rule, most frequent first.
    pub by_rule: Vec<RuleCount>,
    /// The first warnings.
    pub warnings: Vec<CellFault>,
    /// All warnings.
    pub warning_count: u64,
    /// What looks like personal data where none is declared.
    pub personal: Vec<PersonalFinding>,
    /// Columns that were read, in the file's order.
    pub columns: Vec<ColumnInfo>,
    /// The decimal mark, where numbers were read from text.
    pub decimal: Option<char>,
    /// How dates were read.
    pub dates: Vec<String>,
    /// Whether the valid rows of the blocks make a table: not when the header is wrong.
    pub has_table: bool,
}

/// What is assumed of a file before its last row is read.
#[derive(Debug, Clone, Default)]
pub struct Assumed {
    marks: Marks,
    /// Whether the whole file gave the marks.
    sure: bool,
    /// Columns without a name that hold something.
    filled: BTreeSet<usize>,
    /// Rows that repeat a key, once they are known.
    repeated: Option<Arc<Repeated>>,
}

/// Checks a table that is in memory; lists at most `limit` faults and as many warnings.
pub fn validate(table: &Table, rules: &Rules, limit: usize) -> Validated {
    let mut assumed = Assumed::default();
    loop {
        let judge = Judge::new(rules, table.head.clone(), assumed, limit, false);
        let mut verdict = Verdict::new(&judge);
        let block = judge.block(table, true);
        // In memory there is no file of keys to fail on.
        let _ = verdict.take(block);
        match verdict.otherwise() {
            Ok(Some(better)) => assumed = better,
            _ => return verdict.close(0),
        }
    }
}

/// Judges the blocks of one file.
pub struct Judge<'r> {
    rules: &'r Rules,
    head: Arc<Head>,
    header: Header,
    assumed: Assumed,
    limit: usize,
    /// Whether typed tables are wanted.
    tables: bool,
}

/// What is said of one block.
pub struct Block {
    height: usize,
    rows_invalid: u64,
    span: Option<(u64, u64)>,
    blank_rows: Vec<u64>,
    repeated_headers: Vec<u64>,
    filled: BTreeSet<usize>,
    faults: Told,
    warnings: Told,
    evidence: Evidence,
    summaries: Vec<Option<Summary>>,
    personal: Findings,
    keys: Vec<Vec<(Fingerprint, u64)>>,
    /// The valid rows, all declared columns in the schema's order; none where no table is wanted.
    pub table: Option<DataFrame>,
}

/// Faults of a block, or of the blocks so far.
#[derive(Default)]
struct Told {
    total: u64,
    groups: Groups,
    first: Vec<CellFault>,
}

impl Told {
    fn merge(&mut self, other: Self, limit: usize) {
        self.total += other.total;
        self.groups.merge(other.groups);
        self.first.extend(other.first.into_iter().take(limit.saturating_sub(self.first.len())));
    }
}

impl<'r> Judge<'r> {
    /// For a file that `head` opens; `tables` asks for the valid rows of each block.
    pub fn new(rules: &'r Rules, head: Arc<Head>, assumed: Assumed, limit: usize, tables: bool) -> Self {
        let header = header::check(&head, rules, &assumed.filled);
        Self { rules, head, header, assumed, limit, tables }
    }

    /// What was known of the file before its rows.
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Judges a block. `tell` asks for the faults themselves, and not only for how many there are.
    pub fn block(&self, table: &Table, tell: bool) -> Block {
        let (rules, header, height) = (self.rules, &self.header, table.height());
        let fields = rules.fields();
        let limit = if tell { self.limit } else { 0 };
        let (mut faults, mut warned) = (Faults::new(limit, height), Faults::new(limit, height));
        let mut evidence = Evidence::default();

        let width = self.head.names.len();
        let short: HashSet<usize> = table.ragged.iter().filter(|(_, count)| *count < width).map(|(row, _)| *row).collect();
        for &(row, count) in &table.ragged {
            faults.add(row, None, faults::Problem::Ragged(count));
        }
        let mut reading = Reading {
            rules,
            strict: self.head.strict,
            epoch: self.head.source.epoch.unwrap_or("iso"),
            lines: &table.rows,
            marks: self.assumed.marks,
            evidence: &mut evidence,
            faults: &mut faults,
            warnings: &mut warned,
            short: &short,
        };
        let columns: Vec<_> =
            header.positions.iter().enumerate().map(|(i, p)| p.map(|p| reading.column(&table.columns[p], &fields[i], i))).collect();

        rows::keys(rules, &columns, &table.rows, self.assumed.repeated.as_deref(), &mut faults);
        rows::references(rules, &columns, &mut faults);
        let wanted = self.tables && header.errors.is_empty();
        let frame = (wanted || !rules.predicates().is_empty()).then(|| frame(rules, &columns, height)).flatten();
        if let Some(frame) = &frame {
            rows::predicates(rules, frame, &header.unsure(rules), &mut faults);
        }
        rows::rest(rules, &columns, height, self.head.strict, &mut faults);

        let mut keys: Vec<Vec<(Fingerprint, u64)>> = Vec::new();
        if self.assumed.repeated.is_none() && !rules.keys().is_empty() {
            keys.resize_with(rules.keys().len(), || Vec::with_capacity(height));
            rows::fingerprints(rules, &columns, height, |key, row, fingerprint| keys[key].push((fingerprint, table.rows[row])));
        }
        let rows_invalid = faults.rows.iter().filter(|bad| **bad).count() as u64;
        let kept = frame.filter(|_| wanted).and_then(|frame| {
            if rows_invalid == 0 {
                return Some(frame);
            }
            let keep: BooleanChunked = BooleanChunked::from_iter_values("keep".into(), faults.rows.iter().map(|bad| !bad));
            frame.filter(&keep).ok()
        });
        let context =
            Context { head: &self.head, table, rules, positions: &header.positions, columns: &columns, marks: self.assumed.marks };
        let told = |faults: Faults| told(faults, &context);
        Block {
            height,
            rows_invalid,
            span: table.span,
            blank_rows: table.blank_rows.clone(),
            repeated_headers: table.repeated_headers.clone(),
            filled: self.filled(table),
            summaries: columns.iter().map(|c| c.as_ref().map(column::Column::summary)).collect(),
            personal: personal::scan(table, rules, &header.positions),
            faults: told(faults),
            warnings: told(warned),
            evidence,
            keys,
            table: kept,
        }
    }

    /// Columns of a block that have no name and hold something.
    fn filled(&self, table: &Table) -> BTreeSet<usize> {
        let nameless = self.head.names.iter().enumerate().filter(|(_, name)| name.is_empty()).map(|(i, _)| i);
        nameless.filter(|i| table.columns[*i].iter().any(|cell| !cell.trim().is_empty())).collect()
    }
}

fn told(mut faults: Faults, context: &Context<'_>) -> Told {
    let mut first: Vec<CellFault> = faults.first().iter().map(|found| context.fault(found)).collect();
    first.iter_mut().for_each(personal::hide);
    Told { total: faults.total, groups: faults.groups, first }
}

/// All declared columns, typed; an absent one is null.
fn frame(rules: &Rules, columns: &[Option<column::Column<'_>>], height: usize) -> Option<DataFrame> {
    let series = rules.columns().iter().zip(columns).map(|(declared, column)| match column {
        Some(column) => column.series(&declared.name, declared.kind),
        None => Series::full_null(declared.name.as_str().into(), height, &declared.kind.dtype()),
    });
    DataFrame::new(height, series.collect()).ok()
}
