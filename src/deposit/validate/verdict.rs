//! The verdict on a whole file: its blocks, taken in file order.

use std::{collections::BTreeSet, sync::Arc};

use polars::prelude::DataFrame;

use super::{
    Assumed, Block, Judge, Told, Validated,
    column::Summary,
    detect::{self, Evidence},
    keys::{Repeated, Seen},
    personal::{self, Findings},
    read,
    words::Context,
};
use crate::{
    convention::rules::{Dates, Read},
    deposit::{
        decode::Table,
        report::{CellFault, ColumnInfo, RuleCount},
    },
};

/// Blank rows, and repeated headers, that are told one by one.
const TOLD: usize = 1000;
/// Columns with a sign of percentage that are told, one warning each.
const PERCENTS: usize = 20;

/// What is said of a file, block after block in file order.
pub struct Verdict<'j, 'r> {
    judge: &'j Judge<'r>,
    rows: u64,
    rows_invalid: u64,
    last: u64,
    blank_rows: Vec<u64>,
    repeated_headers: Vec<u64>,
    filled: BTreeSet<usize>,
    faults: Told,
    warnings: Told,
    evidence: Evidence,
    summaries: Vec<Option<Summary>>,
    personal: Findings,
    keys: Vec<Seen>,
}

impl<'j, 'r> Verdict<'j, 'r> {
    /// Before the first block.
    pub fn new(judge: &'j Judge<'r>) -> Self {
        Self {
            judge,
            rows: 0,
            rows_invalid: 0,
            last: judge.head.header_row.unwrap_or_default(),
            blank_rows: Vec::new(),
            repeated_headers: Vec::new(),
            filled: BTreeSet::new(),
            faults: Told::default(),
            warnings: Told::default(),
            evidence: Evidence::default(),
            summaries: vec![None; judge.rules.fields().len()],
            personal: Findings::default(),
            keys: Vec::new(),
        }
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether more faults, or warnings, are wanted one by one.
    pub fn wants_more(&self) -> bool {
        self.faults.first.len() < self.judge.limit || self.warnings.first.len() < self.judge.limit
    }

    /// Takes the next block; gives its valid rows back.
    ///
    /// # Errors
    /// When keys that do not fit in memory cannot be written.
    pub fn take(&mut self, block: Block) -> std::io::Result<Option<DataFrame>> {
        let limit = self.judge.limit;
        self.rows += block.height as u64;
        self.rows_invalid += block.rows_invalid;
        let room = |told: &[u64]| TOLD.saturating_sub(told.len());
        if let Some((first, last)) = block.span {
            self.blank_rows.extend((self.last + 1..first).take(room(&self.blank_rows)));
            self.last = last;
        }
        self.blank_rows.extend(block.blank_rows.into_iter().take(room(&self.blank_rows)));
        self.repeated_headers.extend(block.repeated_headers.into_iter().take(room(&self.repeated_headers)));
        self.filled.extend(block.filled);
        self.faults.merge(block.faults, limit);
        self.warnings.merge(block.warnings, limit);
        self.evidence.merge(block.evidence);
        for (summary, more) in self.summaries.iter_mut().zip(block.summaries) {
            match (summary.as_mut(), more) {
                (Some(summary), Some(more)) => summary.merge(more),
                (None, more) => *summary = more,
                (Some(_), None) => {}
            }
        }
        self.personal.merge(block.personal);
        for (i, entries) in block.keys.into_iter().enumerate() {
            if self.keys.len() <= i {
                self.keys.push(Seen::default());
            }
            self.keys[i].take(entries)?;
        }
        Ok(block.table)
    }

    /// What to assume where the whole file tells otherwise than what was assumed of it: then it is to be judged again.
    ///
    /// # Errors
    /// When keys that do not fit in memory cannot be read.
    pub fn otherwise(&mut self) -> std::io::Result<Option<Assumed>> {
        let assumed = &self.judge.assumed;
        let mut better = assumed.clone();
        if !assumed.sure {
            better.marks = self.evidence.marks(self.judge.head.source.delimiter);
        }
        better.filled.extend(&self.filled);
        if better.marks != assumed.marks || better.filled != assumed.filled {
            better.sure = true;
            return Ok(Some(better));
        }
        let mut repeated = Repeated::default();
        for (i, seen) in std::mem::take(&mut self.keys).into_iter().enumerate() {
            seen.repeated(|row, first| repeated.add(i, row, first))?;
        }
        if repeated.is_empty() {
            return Ok(None);
        }
        better.sure = true;
        better.repeated = Some(Arc::new(repeated));
        Ok(Some(better))
    }

    /// What is assumed from the blocks so far.
    pub fn so_far(&self) -> Assumed {
        Assumed { marks: self.evidence.marks(self.judge.head.source.delimiter), filled: self.filled.clone(), ..self.judge.assumed.clone() }
    }

    /// The whole. `hidden` rows of a sheet are said.
    pub fn close(mut self, hidden: u64) -> Validated {
        let Judge { rules, head, header, assumed, limit, .. } = self.judge;
        let (rules, limit) = (*rules, *limit);
        let mut rows_invalid = self.rows_invalid;
        let repeated = assumed.repeated.as_deref();
        if let Some(repeated) = repeated.filter(|r| !r.is_whole()) {
            // Too many to tell one by one: their count is exact all the same.
            let all: u64 = repeated.counts.iter().sum();
            repeated.counts.iter().enumerate().for_each(|(key, count)| self.faults.groups.duplicates(key, *count));
            self.faults.total = self.faults.groups.sorted().iter().map(|(count, _)| count).sum();
            rows_invalid = rows_invalid.max(all.min(self.rows));
        }
        let (empty, no_columns) = (Table::default(), Vec::new());
        let context = Context { head, table: &empty, rules, positions: &header.positions, columns: &no_columns, marks: assumed.marks };
        let mut by_rule: Vec<RuleCount> = self.faults.groups.sorted().iter().map(|(count, sample)| context.group(*count, sample)).collect();
        for fault in &header.errors {
            by_rule.push(RuleCount { code: fault.code.clone(), column: fault.column.clone(), count: 1, message: fault.message.clone() });
        }
        by_rule.sort_by_key(|rule| std::cmp::Reverse(rule.count));

        let mut warnings = header.warnings.clone();
        warnings.extend(self.about_file(&context, hidden));
        // What was said of the blocks is hidden already.
        warnings.iter_mut().for_each(personal::hide);
        // Rows that are left out come last: a thousand of them hide nothing else. All are counted, told or not.
        let rows_left = head.header_row.map_or(0, |header| self.last.saturating_sub(header + self.rows));
        let warning_count = self.warnings.total + warnings.len() as u64 + rows_left;
        warnings.append(&mut self.warnings.first);
        warnings.extend(self.rows_left());
        warnings.truncate(limit);
        let mut errors = header.errors.clone();
        errors.iter_mut().for_each(personal::hide);
        let error_count = self.faults.total + errors.len() as u64;
        errors.append(&mut self.faults.first);
        errors.truncate(limit);

        let fields = rules.fields();
        let mut infos: Vec<(usize, ColumnInfo)> = Vec::new();
        for ((field, summary), position) in fields.iter().zip(&self.summaries).zip(&header.positions) {
            if let Some(position) = position {
                let Summary { nulls, range } = summary.unwrap_or_default();
                let (min, max) = range.map_or((None, None), |range| range.text(field.column.kind));
                let kind = field.column.kind.name().to_owned();
                infos.push((*position, ColumnInfo { name: field.column.name.clone(), kind, nulls, min, max }));
            }
        }
        infos.sort_by_key(|(position, _)| *position);
        let present = fields.iter().zip(&header.positions).filter(|(_, p)| p.is_some()).map(|(f, _)| f);
        let declared = present.clone().find_map(|field| if let Read::Number { decimal, .. } = field.read { decimal } else { None });
        let decimal =
            if self.evidence.decimal_seen() { Some(assumed.marks.decimal) } else { declared.filter(|_| head.source.delimiter.is_some()) };
        Validated {
            errors,
            error_count,
            rows: self.rows,
            rows_invalid,
            by_rule,
            warnings,
            warning_count,
            personal: self.personal.told(head, rules, &header.positions),
            columns: infos.into_iter().map(|(_, info)| info).collect(),
            decimal,
            dates: self.evidence.notations.iter().cloned().collect(),
            has_table: header.errors.is_empty() && repeated.is_none_or(Repeated::is_whole),
        }
    }

    /// Rows that are left out, one by one up to a bound.
    fn rows_left(&self) -> impl Iterator<Item = CellFault> {
        let say = |code: &str, row: u64, message: &str| CellFault {
            code: code.to_owned(),
            row: Some(row),
            column: None,
            column_letter: None,
            value: None,
            message: message.to_owned(),
            rule: None,
            expected: None,
            suggestion: None,
        };
        let headers = self.repeated_headers.iter();
        let headers =
            headers.map(move |row| say("repeated_header", *row, "Cette ligne répète les titres\u{a0}: elle est laissée de côté."));
        let blanks = self.blank_rows.iter();
        headers.chain(blanks.map(move |row| say("blank_row", *row, "Cette ligne est vide\u{a0}: elle est laissée de côté.")))
    }

    /// Warnings about the file as a whole.
    fn about_file(&self, context: &Context<'_>, hidden: u64) -> Vec<CellFault> {
        let Judge { rules, head, .. } = self.judge;
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
        if self.rows == 0 {
            told.push(say("no_rows", head.header_row, "Le fichier n'a que sa ligne de titres : aucune donnée n'y figure.".into()));
        }
        if hidden > 0 {
            let message = if hidden == 1 {
                "Une ligne de la feuille est masquée : elle est lue comme les autres. Supprimez-la si elle ne doit pas compter.".to_owned()
            } else {
                format!(
                    "{hidden} lignes de la feuille sont masquées : elles sont lues comme les autres. Supprimez-les si elles ne doivent pas compter."
                )
            };
            told.push(say("hidden_rows", None, message));
        }
        for reference in rules.references().iter().filter(|r| !r.territory) {
            let message = format!("Les renvois vers « {} » ne se vérifient pas sur ce seul fichier.", reference.name);
            told.push(CellFault { rule: Some(reference.pointer.clone()), ..say("reference_unchecked", None, message) });
        }
        if let Some(shown) = self.evidence.unsure_date() {
            let read = read_day(&shown.text).map(in_french).unwrap_or_default();
            let message = format!(
                "Les dates ont été lues jour d'abord : « {} » comme {read}. Si ce n'est pas le cas, écrivez-les autrement.",
                shown.text
            );
            told.push(context.shown(shown, "ambiguous_dates", message));
        }
        if let Some(shown) = &self.evidence.short_year {
            let read = read_day(&shown.text).map(in_french).unwrap_or_default();
            let message = format!(
                "Les années de deux chiffres ont été lues {} : « {} » comme {read}. Si ce n'est pas le cas, écrivez-les avec quatre chiffres.",
                detect::short_years(),
                shown.text
            );
            told.push(context.shown(shown, "short_years", message));
        }
        if let Some(shown) = self.evidence.unsure_number() {
            let mark = self.judge.assumed.marks.decimal;
            let whole: String = shown.text.chars().filter(|c| *c != mark).collect();
            let name = if mark == ',' { "la virgule a été lue" } else { "le point a été lu" };
            let message = format!(
                "Dans « {} », {name} comme la marque des décimales. Si ce sont des milliers ({whole}), écrivez les nombres sans séparateur.",
                shown.text
            );
            told.push(context.shown(shown, "ambiguous_numbers", message));
        }
        for (shown, divided) in self.evidence.percent.iter().take(PERCENTS) {
            let number = shown.text.trim().trim_end_matches('%').trim_end().to_owned();
            let message = if *divided {
                format!(
                    "« {} » a été lu comme la part qu'il désigne ({number} pour cent, soit {number}/100). Si la colonne attend {number}, retirez le signe %.",
                    shown.text
                )
            } else {
                format!("« {} » a été lu {number}. Si la colonne attend une part entre 0 et 1, écrivez-la sans le signe %.", shown.text)
            };
            told.push(context.shown(shown, "percent_sign", message));
        }
        told
    }
}

/// The day that an ambiguous cell was read as.
fn read_day(text: &str) -> Option<chrono::NaiveDate> {
    text.trim().split(' ').next().and_then(|t| read::day(t, &Dates::Detect).ok()).map(|(day, _)| day)
}

/// «12 mars 2026».
fn in_french(day: chrono::NaiveDate) -> String {
    use chrono::Datelike;
    let month = crate::ids::Period::containing(day).in_french();
    let ordinal = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
    format!("{ordinal} {month}")
}
