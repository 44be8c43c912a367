//! From records to a table: finds the header, keeps physical row numbers, notes what is ragged, blank or repeated.

use super::{Cells, Origin, Source, refuse};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Records among which the header is looked for.
const PREAMBLE: usize = 50;

/// A file as columns of text.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What is known of the file.
    pub source: Source,
    /// Physical row of the header; none where names come with each value.
    pub header_row: Option<u64>,
    /// The header, trimmed.
    pub names: Vec<String>,
    /// One per name.
    pub columns: Vec<Cells>,
    /// Physical row of each line.
    pub rows: Vec<u64>,
    /// Lines with more or fewer cells than the header: position and number of cells.
    pub ragged: Vec<(usize, usize)>,
    /// Physical rows that are blank, between others.
    pub blank_rows: Vec<u64>,
    /// Physical rows that repeat the header.
    pub repeated_headers: Vec<u64>,
    /// Whether the format's own types bind: the text `5` is not a number in JSONL.
    pub strict: bool,
}

impl Table {
    /// Number of lines.
    pub fn height(&self) -> usize {
        self.rows.len()
    }
}

type Record = (u64, Vec<(String, Origin)>);

/// Takes records in file order; see [`Table`].
pub struct Assembler<'e> {
    expected: &'e [String],
    /// Whether a record shorter than the header is a fault (CSV) or usual (spreadsheets).
    short_is_ragged: bool,
    pending: Vec<Record>,
    started: bool,
    last: u64,
    table: Table,
}

impl<'e> Assembler<'e> {
    /// An assembler for a file whose header should hold `expected`.
    pub fn new(source: Source, expected: &'e [String], short_is_ragged: bool) -> Self {
        let table = Table { source, ..Table::default() };
        Self { expected, short_is_ragged, pending: Vec::new(), started: false, last: 0, table }
    }

    /// Takes the record that stands on physical row `row`; rows left out are blank.
    pub fn record<'a>(&mut self, row: u64, cells: impl Iterator<Item = (&'a str, Origin)> + Clone) -> Result<(), SourceError> {
        if self.started {
            self.data(row, cells);
            return Ok(());
        }
        if cells.clone().all(|(text, _)| text.trim().is_empty()) {
            return Ok(());
        }
        self.pending.push((row, cells.map(|(text, origin)| (text.to_owned(), origin)).collect()));
        if self.pending.len() >= PREAMBLE { self.start() } else { Ok(()) }
    }

    /// The table.
    pub fn finish(mut self) -> Result<Table, SourceError> {
        if !self.started {
            self.start()?;
        }
        Ok(self.table)
    }

    /// Chooses the header: the record that holds most expected names, the first one where none does.
    fn start(&mut self) -> Result<(), SourceError> {
        self.started = true;
        let pending = std::mem::take(&mut self.pending);
        let score = |record: &Record| matches(self.expected, record.1.iter().map(|(text, _)| text.as_str()));
        let best = pending.iter().map(score).max().unwrap_or_default();
        let Some(at) = pending.iter().position(|record| score(record) == best) else {
            return Err(refuse("no_header", "Le fichier ne contient aucune ligne : vérifiez l'export et envoyez-le à nouveau."));
        };
        let mut records = pending.into_iter().skip(at);
        if let Some((row, header)) = records.next() {
            let mut names: Vec<String> = header.iter().map(|(text, _)| name(text)).collect();
            while names.last().is_some_and(String::is_empty) {
                names.pop();
            }
            if names.len() > MAX_COLUMNS {
                return Err(too_wide());
            }
            self.table.header_row = Some(row);
            self.last = row;
            self.table.columns = vec![Cells::default(); names.len()];
            self.table.names = names;
        }
        for (row, cells) in records {
            self.data(row, cells.iter().map(|(text, origin)| (text.as_str(), *origin)));
        }
        Ok(())
    }

    fn data<'a>(&mut self, row: u64, cells: impl Iterator<Item = (&'a str, Origin)> + Clone) {
        let table = &mut self.table;
        if cells.clone().all(|(text, _)| text.trim().is_empty()) {
            return;
        }
        // A file of a million blank rows need not name them all.
        table.blank_rows.extend((self.last + 1..row).take(1000usize.saturating_sub(table.blank_rows.len())));
        self.last = row;
        let width = table.names.len();
        if cells.clone().map(|(text, _)| text.trim()).eq(table.names.iter().map(String::as_str)) {
            table.repeated_headers.push(row);
            return;
        }
        let mut count = 0;
        let mut filled = 0;
        for (i, (text, origin)) in cells.enumerate() {
            if let Some(column) = table.columns.get_mut(i) {
                column.push(text, origin);
                count = i + 1;
            }
            if !text.trim().is_empty() {
                filled = i + 1;
            }
        }
        for column in &mut table.columns[count..] {
            column.push("", Origin::Absent);
        }
        // Trailing separators without a value are usual in exports of spreadsheets.
        if filled > width || (count < width && self.short_is_ragged) {
            table.ragged.push((table.rows.len(), filled.max(count)));
        }
        table.rows.push(row);
    }
}

/// A header's cell as a name.
pub fn name(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned()
}

/// How many expected names a record holds.
pub fn matches<'a>(expected: &[String], cells: impl Iterator<Item = &'a str>) -> usize {
    let names: std::collections::HashSet<String> = cells.map(name).collect();
    expected.iter().filter(|e| names.contains(*e)).count()
}

/// Over the limit of columns.
pub fn too_wide() -> SourceError {
    refuse("too_wide", format!("Le tableau a plus de {MAX_COLUMNS} colonnes : ne gardez que celles que la convention demande."))
}
