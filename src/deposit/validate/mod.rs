//! A table of text against compiled rules: header, then each column in one pass per check, then what takes a whole row. Pure.
//!
//! Columns are read one at a time from text to typed values; only schemas that relate columns build a JSON object per row
//! ([`rows::rest`]). A file that outgrows memory would come here in blocks of rows: everything but keys and detection is
//! row by row, so that only these two would carry a state from block to block.

pub(super) mod column;
mod detect;
mod faults;
pub(super) mod header;
mod personal;
pub(super) mod read;
mod rows;
pub(super) mod words;

use std::collections::HashSet;

use polars::prelude::{BooleanChunked, Column as Series, DataFrame, NewChunkedArray};

use self::{
    column::Reading,
    detect::Detected,
    faults::{Faults, Found, Problem},
    words::Context,
};
use super::{
    decode::Table,
    report::{CellFault, ColumnInfo, PersonalFinding, RuleCount},
};
use crate::convention::rules::{Dates, Read, Rules};

/// What the rules say of a table.
pub struct Validated {
    /// The first faults by row, header first.
    pub errors: Vec<CellFault>,
    /// All faults.
    pub error_count: u64,
    /// Rows with at least one.
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
    /// Valid rows, all declared columns in the schema's order; none when the header is wrong.
    pub table: Option<DataFrame>,
}

/// Checks `table`; lists at most `limit` faults and as many warnings.
pub fn validate(table: &Table, rules: &Rules, limit: usize) -> Validated {
    let height = table.height();
    let header = header::check(table, rules);
    let fields = rules.fields();
    let present = || header.positions.iter().enumerate().filter_map(|(i, p)| Some((i, &fields[i], &table.columns[(*p)?])));
    let mut detected = Detected::new(table, present());
    let mut faults = Faults::new(limit, height);
    let mut warned = Faults::new(limit, height);

    let width = table.names.len();
    let short: HashSet<usize> = table.ragged.iter().filter(|(_, count)| *count < width).map(|(row, _)| *row).collect();
    for &(row, count) in &table.ragged {
        faults.add(row, None, Problem::Ragged(count));
    }
    let mut reading =
        Reading { rules, strict: table.strict, detected: &mut detected, faults: &mut faults, warnings: &mut warned, short: &short };
    let columns: Vec<_> =
        header.positions.iter().enumerate().map(|(i, p)| p.map(|p| reading.column(&table.columns[p], &fields[i], i))).collect();

    let frame = frame(rules, &columns, height);
    rows::keys(rules, &columns, height, &mut faults);
    rows::references(rules, &columns, &mut faults);
    if let Some(frame) = &frame {
        rows::predicates(rules, frame, &header.unsure(rules), &mut faults);
    }
    rows::rest(rules, &columns, height, table.strict, &mut faults);

    let context = Context { table, rules, positions: &header.positions, columns: &columns, detected: &detected };
    let error_count = faults.total + header.errors.len() as u64;
    let mut by_rule: Vec<RuleCount> = faults.groups().iter().map(|(count, sample)| context.group(*count, sample)).collect();
    for fault in &header.errors {
        by_rule.push(RuleCount { code: fault.code.clone(), column: fault.column.clone(), count: 1, message: fault.message.clone() });
    }
    by_rule.sort_by_key(|rule| std::cmp::Reverse(rule.count));

    let mut warnings = header.warnings;
    warnings.extend(about_file(table, rules, &detected, &context));
    let warning_count = warned.total + warnings.len() as u64;
    warnings.extend(warned.first().iter().map(|found| context.fault(found)));
    warnings.truncate(limit);

    let kept = frame.filter(|_| header.errors.is_empty()).and_then(|frame| {
        let keep: BooleanChunked = BooleanChunked::from_iter_values("keep".into(), faults.rows.iter().map(|bad| !bad));
        frame.filter(&keep).ok()
    });
    let rows_invalid = faults.rows.iter().filter(|bad| **bad).count() as u64;
    let mut errors = header.errors;
    errors.extend(faults.first().iter().map(|found| context.fault(found)));
    errors.truncate(limit);
    for fault in errors.iter_mut().chain(&mut warnings) {
        personal::hide(fault);
    }

    let mut infos: Vec<(usize, ColumnInfo)> = Vec::new();
    for ((field, column), position) in fields.iter().zip(&columns).zip(&header.positions) {
        if let (Some(column), Some(position)) = (column, position) {
            let (nulls, min, max) = column.summary(field.column.kind);
            infos.push((
                *position,
                ColumnInfo { name: field.column.name.clone(), kind: field.column.kind.name().to_owned(), nulls, min, max },
            ));
        }
    }
    infos.sort_by_key(|(position, _)| *position);
    let declared = present().find_map(|(_, field, _)| if let Read::Number { decimal, .. } = field.read { decimal } else { None });
    Validated {
        errors,
        error_count,
        rows_invalid,
        by_rule,
        warnings,
        warning_count,
        personal: personal::scan(table, rules, &header.positions),
        columns: infos.into_iter().map(|(_, info)| info).collect(),
        decimal: if detected.decimal_seen { Some(detected.decimal) } else { declared.filter(|_| table.source.delimiter.is_some()) },
        dates: detected.notations.iter().cloned().collect(),
        table: kept,
    }
}

/// All declared columns, typed; an absent one is null.
fn frame(rules: &Rules, columns: &[Option<column::Column<'_>>], height: usize) -> Option<DataFrame> {
    let series = rules.columns().iter().zip(columns).map(|(declared, column)| match column {
        Some(column) => column.series(&declared.name, declared.kind),
        None => Series::full_null(declared.name.as_str().into(), height, &declared.kind.dtype()),
    });
    DataFrame::new(height, series.collect()).ok()
}

/// Warnings about the file as a whole.
fn about_file(table: &Table, rules: &Rules, detected: &Detected, context: &Context<'_>) -> Vec<CellFault> {
    let say = |code: &str, row: Option<u64>, message: String| CellFault {
        code: code.to_owned(),
        row,
        column: None,
        column_letter: None,
        value: None,
        message,
        rule: None,
        expected: None,
        suggestion: None,
    };
    let mut told: Vec<CellFault> =
        rules.warnings().iter().map(|w| CellFault { rule: Some(w.pointer.clone()), ..say(&w.code, None, w.message.clone()) }).collect();
    if table.height() == 0 {
        told.push(say("no_rows", table.header_row, "Le fichier n'a que sa ligne de titres : aucune donnée n'y figure.".into()));
    }
    for row in &table.repeated_headers {
        told.push(say("repeated_header", Some(*row), "Cette ligne répète les titres : elle est laissée de côté.".into()));
    }
    for row in &table.blank_rows {
        told.push(say("blank_row", Some(*row), "Cette ligne est vide : elle est laissée de côté.".into()));
    }
    for reference in rules.references().iter().filter(|r| !r.territory) {
        let message = format!("Les renvois vers « {} » ne se vérifient pas sur ce seul fichier.", reference.name);
        told.push(CellFault { rule: Some(reference.pointer.clone()), ..say("reference_unchecked", None, message) });
    }
    if let Some((field, row)) = detected.ambiguous_at.filter(|_| detected.unsure()) {
        let found = Found { row, field: Some(field), problem: Problem::Type(read::Failure::NotADate) };
        let cell = context.fault(&found);
        let text = cell.value.clone().unwrap_or_default();
        let read =
            text.split(' ').next().and_then(|t| read::day(t, &Dates::Detect).ok()).map(|(day, _)| in_french(day)).unwrap_or_default();
        let message =
            format!("Les dates ont été lues jour d'abord : « {text} » comme {read}. Si ce n'est pas le cas, écrivez-les autrement.");
        told.push(CellFault {
            message,
            expected: None,
            suggestion: None,
            rule: None,
            ..CellFault { code: "ambiguous_dates".into(), ..cell }
        });
    }
    told
}

/// «12 mars 2026».
fn in_french(day: chrono::NaiveDate) -> String {
    use chrono::Datelike;
    let month = crate::ids::Period::containing(day).in_french();
    let ordinal = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
    format!("{ordinal} {month}")
}
