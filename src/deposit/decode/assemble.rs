//! From records to a table: finds the header, keeps physical row numbers, notes what is ragged, blank or repeated.

use std::sync::Arc;

use super::{Cells, Expected, Head, Origin, Table, refuse};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Records among which the header is looked for.
pub const PREAMBLE: usize = 50;
/// Blank rows that a block names; a file of a million need not name them all.
const BLANKS: usize = 1000;

/// A record: its physical row and its cells.
pub type Record = (u64, Vec<(String, Origin)>);

/// The header's physical row and names among the first records that are not blank: the record on the row that was said, else the one that
/// holds most of the expected names, the first one where none does. A row that was said and holds none of them yields to a record that holds
/// them all: the hub's own templates begin with their header, whatever the parties agreed for other files.
///
/// # Errors
/// `no_header` where there is no record, or none on the row that was said; `too_wide`.
pub fn header(first: &[Record], expected: Expected<'_>) -> Result<(u64, Vec<String>), SourceError> {
    let score = |record: &Record| matches(expected.columns, record.1.iter().map(|(text, _)| text.as_str()));
    let best = first.iter().map(score).max().unwrap_or_default();
    let said = expected.reading.and_then(|reading| reading.header_row);
    let all = best > 0 && best == expected.columns.len();
    let said = said.filter(|row| !all || first.iter().any(|record| record.0 == *row && score(record) > 0));
    let found = first.iter().find(|record| said.map_or_else(|| score(record) == best, |row| record.0 == row));
    let Some((row, cells)) = found else {
        let message = match said.filter(|_| !first.is_empty()) {
            None => "Le fichier ne contient aucune ligne : vérifiez l'export et envoyez-le à nouveau.".to_owned(),
            Some(row) => format!(
                "La ligne {row}, où les titres devraient se trouver, est vide ou après les {PREAMBLE} premières : indiquez-en une autre."
            ),
        };
        return Err(refuse("no_header", message));
    };
    let mut names: Vec<String> = cells.iter().map(|(text, _)| name(text)).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if names.len() > MAX_COLUMNS {
        return Err(too_wide());
    }
    Ok((*row, names))
}

/// Takes the records of a block in file order; see [`Table`].
pub struct Assembler {
    /// The last row that was not blank; none before the first of the block.
    last: Option<u64>,
    head: Arc<Head>,
    table: Table,
}

impl Assembler {
    /// For a block of the file that `head` opens.
    pub fn new(head: &Arc<Head>) -> Self {
        let table = Table { head: head.clone(), columns: vec![Cells::default(); head.names.len()], ..Table::default() };
        Self { last: None, head: head.clone(), table }
    }

    /// The same for a text of so many bytes: columns do not grow by copying themselves.
    pub fn with_room(head: &Arc<Head>, bytes: usize) -> Self {
        let mut assembler = Self::new(head);
        // A cell of a French file has some ten bytes with its delimiter.
        let rows = bytes / head.names.len().max(1) / 8;
        assembler.table.columns.iter_mut().for_each(|column| column.reserve(rows));
        assembler
    }

    /// Lines taken so far.
    pub fn height(&self) -> usize {
        self.table.height()
    }

    /// Takes the record that stands on physical row `row`; rows left out are blank. What stands above the header is left out.
    pub fn record<'a>(&mut self, row: u64, cells: impl Iterator<Item = (&'a str, Origin)> + Clone) {
        if self.opens(row, cells.clone().map(|(text, _)| text)) {
            self.put(row, cells, |column, text, origin| column.push(text, origin));
        }
    }

    /// The same for texts that stand in the text that [`Assembler::finish_in`] is given, each between `bounds`.
    pub fn placed<'a>(
        &mut self,
        row: u64,
        texts: impl Iterator<Item = &'a str> + Clone,
        bounds: impl ExactSizeIterator<Item = (usize, usize)> + Clone,
    ) {
        if self.opens(row, texts.clone()) {
            if bounds.len() == self.table.columns.len() {
                // As nearly all records are.
                self.table.columns.iter_mut().zip(bounds).for_each(|(column, bounds)| column.place(bounds));
                self.table.rows.push(row);
            } else {
                self.put(row, texts.zip(bounds), |column, _, bounds| column.place(bounds));
            }
        }
    }

    /// Whether the record on this row is a line of the table: not what stands above the header or repeats it, nor a blank row, which is noted.
    fn opens<'a>(&mut self, row: u64, texts: impl Iterator<Item = &'a str> + Clone) -> bool {
        if self.head.header_row.is_some_and(|header| row <= header) {
            return false;
        }
        let Self { last, head, table } = self;
        // Only a sheet has blank rows and may repeat its header: elsewhere each row is one.
        let of_sheet = head.header_row.is_some();
        if of_sheet && texts.clone().all(|text| text.trim().is_empty()) {
            return false;
        }
        table.span = Some((table.span.map_or(row, |(first, _)| first), row));
        if let Some(last) = last.replace(row) {
            table.blank_rows.extend((last + 1..row).take(BLANKS.saturating_sub(table.blank_rows.len())));
        }
        if of_sheet && texts.map(str::trim).eq(head.names.iter().map(String::as_str)) {
            table.repeated_headers.push(row);
            return false;
        }
        true
    }

    fn put<'a, T>(&mut self, row: u64, cells: impl Iterator<Item = (&'a str, T)>, put: impl Fn(&mut Cells, &'a str, T)) {
        let Self { head, table, .. } = self;
        let width = head.names.len();
        let mut count = 0;
        let mut filled = 0;
        for (i, (text, more)) in cells.enumerate() {
            if let Some(column) = table.columns.get_mut(i) {
                put(column, text, more);
                count = i + 1;
            } else if !text.trim().is_empty() {
                filled = i + 1;
            }
        }
        for column in &mut table.columns[count..] {
            column.push("", Origin::Absent);
        }
        // Trailing separators without a value are usual in exports of spreadsheets.
        if filled > width || (count < width && head.short_is_ragged) {
            table.ragged.push((table.rows.len(), filled.max(count)));
        }
        table.rows.push(row);
    }

    /// The block's table.
    pub fn finish(self) -> Table {
        self.table
    }

    /// The same, its cells standing in `text`.
    pub fn finish_in(mut self, text: String) -> Table {
        let block = Arc::new(text);
        self.table.columns.iter_mut().for_each(|column| column.stand_in(&block));
        self.table.block = Some(block);
        self.table
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
