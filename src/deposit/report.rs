//! What the check of a file says: the JSON of `retex check`, of the API and of a stored receipt.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::convention::personal::PersonalKind;

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// Whether the file counts.
    pub valid: bool,
    /// Set when no table could be read at all; then all else is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_error: Option<SourceError>,
    /// What was read.
    pub file: FileInfo,
    /// What it was checked against.
    pub schema: SchemaInfo,
    /// Counts.
    pub stats: Stats,
    /// One per column that was read.
    pub columns: Vec<ColumnInfo>,
    /// The first faults, by row, up to the limit.
    pub errors: Vec<CellFault>,
    /// Full counts.
    pub by_rule: Vec<RuleCount>,
    /// What does not refuse the file.
    pub warnings: Vec<CellFault>,
    /// What looks like personal data in columns that are not declared to hold any: a file whose faults are none of these waits until its
    /// depositor has looked at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<PersonalFinding>,
}

/// Personal data of one kind in one column that is not declared to hold any.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonalFinding {
    /// Header of the column.
    pub column: String,
    /// `A`, `B` … as a spreadsheet shows it.
    pub column_letter: Option<String>,
    /// What it looks like.
    pub kind: PersonalKind,
    /// In how many cells.
    pub count: u64,
    /// French sentence that says what to do.
    pub message: String,
    /// The first cells.
    pub cells: Vec<PersonalCell>,
}

/// A cell with personal data in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonalCell {
    /// Physical row that a spreadsheet shows, from 1.
    pub row: Option<u64>,
    /// Its text, cut at 200 characters, with the data masked.
    pub masked: String,
}

/// Why no table could be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceError {
    /// Stable English code.
    pub code: String,
    /// French sentence.
    pub message: String,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    /// As the depositor named it.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// Of the file as sent.
    pub sha256: String,
    /// `csv`, `xlsx`, `ods`, `xls`, `parquet`, `arrow`, `json`, `jsonl`.
    pub format: Option<String>,
    /// Of a compressed file: `gz`, `zst`, `zip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// `utf-8`, `utf-8-bom`, `windows-1252`, `utf-16le` …
    pub encoding: Option<String>,
    /// `;`, `,`, tab.
    pub delimiter: Option<String>,
    /// `'` or `none`, where texts are not between double quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// `,` or `.`.
    pub decimal: Option<String>,
    /// Name of the sheet that was read.
    pub sheet: Option<String>,
    /// Physical row of the header.
    #[serde(default)]
    pub header_row: Option<u64>,
    /// How dates were read, if any: `dd/mm/yyyy`, `iso`, `serial-1900` …
    #[serde(default)]
    pub dates: Vec<String>,
    /// What of other datasets its values were compared with, if the convention asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<Compared>,
}

/// A reference to another dataset, and the files that it was looked for in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// Columns of this file.
    pub fields: Vec<String>,
    /// The other dataset.
    pub dataset: String,
    /// As people call it.
    pub title: String,
    /// Numbers of the deposits that were read.
    pub deposits: Vec<String>,
    /// Whether there was anything to compare with.
    pub verified: bool,
}

/// What the file was checked against.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SchemaInfo {
    /// `json-schema` or `table-schema`.
    pub kind: String,
    /// Convention's id and dataset, or the schema's `$id` or name.
    pub id: Option<String>,
    /// Of the schema's canonical JSON.
    pub sha256: String,
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Data rows.
    pub rows: u64,
    /// Rows with at least one error.
    pub rows_invalid: u64,
    /// All errors, also those beyond the limit.
    pub errors: u64,
    /// All warnings.
    pub warnings: u64,
    /// Wall time.
    pub seconds: f64,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnInfo {
    /// Its header.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`, `datetime`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Empty cells.
    pub nulls: u64,
    /// Smallest value, as text; null for text columns.
    pub min: Option<String>,
    /// Greatest value, as text.
    pub max: Option<String>,
}

/// One fault of one cell, row, column or file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellFault {
    /// Stable English code (`type`, `required`, `pattern`, `enum`, `duplicate_key` …).
    pub code: String,
    /// Physical row that a spreadsheet shows, from 1; null for a fault of the file or header.
    pub row: Option<u64>,
    /// Header of the column.
    pub column: Option<String>,
    /// `A`, `B` … as a spreadsheet shows it.
    pub column_letter: Option<String>,
    /// As written, cut at 200 characters; null where it may not be shown.
    pub value: Option<String>,
    /// French sentence that says what is wrong and what to do.
    pub message: String,
    /// `id` of the convention's rule, or JSON Pointer of the schema's keyword.
    pub rule: Option<String>,
    /// What was expected, in French.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// A safe replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// How often a rule failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleCount {
    /// Stable English code.
    pub code: String,
    /// Header of the column, if the fault has one.
    pub column: Option<String>,
    /// How many cells or rows.
    pub count: u64,
    /// French sentence for the whole group.
    #[serde(default)]
    pub message: String,
}

/// A fault as a person reads it who may not see the values of the `hidden` columns: without its value, nor any sentence that may quote one.
/// What is said of a key may quote any column.
pub fn without_values<'a>(fault: &CellFault, groups: impl IntoIterator<Item = &'a RuleCount>, hidden: &[String]) -> CellFault {
    let keys = matches!(fault.code.as_str(), "duplicate_key" | "repeated_key") || fault.code == "reference" && fault.column.is_none();
    if hidden.is_empty() || !keys && !fault.column.as_ref().is_some_and(|column| hidden.contains(column)) {
        return fault.clone();
    }
    let group = groups.into_iter().find(|r| r.code == fault.code && r.column == fault.column).map(|r| r.message.clone());
    let message = group.filter(|m| !m.is_empty()).unwrap_or_else(|| "La valeur n'est pas montrée.".to_owned());
    CellFault { value: None, suggestion: None, message, ..fault.clone() }
}

impl CellFault {
    /// A fault of the whole file.
    pub fn of_file(code: &str, message: String) -> Self {
        let code = code.to_owned();
        Self { code, row: None, column: None, column_letter: None, value: None, message, rule: None, expected: None, suggestion: None }
    }
}

impl CheckReport {
    /// Refuses a file that was good so far for one more rule: all its faults are counted, those listed are at most `limit` in all.
    pub fn refuse(&mut self, group: RuleCount, rows: u64, faults: impl Iterator<Item = CellFault>, limit: usize) {
        self.valid = false;
        self.stats.errors += group.count;
        self.stats.rows_invalid = (self.stats.rows_invalid + rows).min(self.stats.rows);
        self.errors.extend(faults.take(limit.saturating_sub(self.errors.len())));
        self.by_rule.push(group);
    }

    /// Adds warnings: all are counted, those listed are at most `limit` in all.
    pub fn warn(&mut self, warnings: impl Iterator<Item = CellFault>, limit: usize) {
        for warning in warnings {
            self.stats.warnings += 1;
            if self.warnings.len() < limit {
                self.warnings.push(warning);
            }
        }
    }

    /// Where a spreadsheet shows these rows of a good file's table, which are in order and counted from 0; none where that is not known.
    pub fn physical_rows(&self, rows: impl Iterator<Item = usize>) -> Vec<Option<u64>> {
        let first = match (self.file.header_row, self.file.format.as_deref()) {
            (Some(header), _) => Some(header + 1),
            (None, Some("jsonl" | "json" | "parquet" | "arrow")) => Some(1),
            _ => None,
        };
        // Rows that were left out are told in warnings; where some are not listed, nothing is certain.
        let of_reading: Vec<u64> =
            self.warnings.iter().filter(|w| matches!(w.code.as_str(), "blank_row" | "repeated_header")).filter_map(|w| w.row).collect();
        let Some(first) = first.filter(|_| self.stats.warnings == self.warnings.len() as u64) else { return rows.map(|_| None).collect() };
        let mut left_out: Vec<u64> = of_reading.into_iter().filter(|row| *row >= first).collect();
        left_out.sort_unstable();
        let mut skipped = 0;
        rows.map(|row| {
            while left_out.get(skipped).is_some_and(|out| *out <= first + (row + skipped) as u64) {
                skipped += 1;
            }
            Some(first + (row + skipped) as u64)
        })
        .collect()
    }

    /// As a person reads it who may not see the values of the `hidden` columns, nor what looks like personal data around them.
    pub fn without(mut self, hidden: &[String]) -> Self {
        if hidden.is_empty() {
            return self;
        }
        let hide = |faults: &[CellFault]| faults.iter().map(|f| without_values(f, &self.by_rule, hidden)).collect::<Vec<_>>();
        (self.errors, self.warnings) = (hide(&self.errors), hide(&self.warnings));
        for column in self.columns.iter_mut().filter(|c| hidden.contains(&c.name)) {
            (column.min, column.max) = (None, None);
        }
        self
    }

    /// The same without any value of a cell, nor any sentence that may quote one: what stays when the data are destroyed.
    pub fn counts_only(self) -> Self {
        let source_error = self.source_error.map(|e| SourceError { message: "Le fichier n'a pas pu être lu.".to_owned(), ..e });
        let by_rule = self.by_rule.into_iter().map(|r| RuleCount { column: None, message: String::new(), ..r }).collect();
        let file = FileInfo { sheet: None, dates: Vec::new(), ..self.file };
        Self { source_error, file, columns: Vec::new(), errors: Vec::new(), by_rule, warnings: Vec::new(), personal: Vec::new(), ..self }
    }
}
