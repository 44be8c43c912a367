//! A table written as the CSV file that the check reads back as the same values: UTF-8 with its mark, `;`, CRLF, the same columns in the
//! same order, every cell as it was written but those that are mended. What a workbook holds as a number, a date or a truth value is
//! written in the notation that its column is read in.

use std::{borrow::Cow, collections::BTreeMap};

use chrono::{NaiveDate, NaiveDateTime};

use super::{
    decode::{Origin, Table},
    validate::read,
};
use crate::convention::rules::{Dates, Field, Notation, Read, Rules};

/// New texts of cells, by row and column of the table.
pub type CellEdits = BTreeMap<(usize, usize), String>;

/// Writes the file; `mark` is the decimal mark that the check found in it, if any.
pub fn write(table: &Table, rules: &Rules, mark: Option<char>, edits: &CellEdits) -> Vec<u8> {
    // A workbook whose numbers are all numbers shows no mark: the French one then.
    let mark = mark.unwrap_or(',');
    let fields: Vec<Option<&Field>> = table.head.names.iter().map(|name| rules.fields().iter().find(|f| f.column.name == *name)).collect();
    let short: BTreeMap<usize, usize> = table.ragged.iter().copied().collect();
    let mut out = String::from("\u{feff}");
    line(&mut out, table.head.names.iter().map(|name| Cow::Borrowed(name.as_str())));
    for row in 0..table.height() {
        // A line that lacks cells lacks them still: it is a fault, and stays one.
        let width = short.get(&row).map_or(table.head.names.len(), |count| (*count).min(table.head.names.len()));
        let cells = (0..width).map(|column| match edits.get(&(row, column)) {
            Some(mended) => Cow::Borrowed(mended.as_str()),
            None => cell(table.columns[column].get(row), table.columns[column].origin(row), fields[column], mark),
        });
        line(&mut out, cells);
    }
    out.into_bytes()
}

/// One line. Text that begins like a formula is written as it stands, unlike in everything that the hub gives a person to open: this file
/// goes back into the check, and an apostrophe would make it another value.
fn line<'a>(out: &mut String, cells: impl Iterator<Item = Cow<'a, str>>) {
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            out.push(';');
        }
        // `sep=` at the head of a file is read as a word to the spreadsheet.
        let quoted =
            cell.contains([';', '"', '\n', '\r']) || out.len() == '\u{feff}'.len_utf8() && cell.to_ascii_lowercase().starts_with("sep=");
        if quoted {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

/// A cell of the refused file as text.
fn cell<'a>(text: &'a str, origin: Origin, field: Option<&Field>, mark: char) -> Cow<'a, str> {
    let Some(field) = field else { return Cow::Borrowed(text) };
    let written = match (origin, &field.read) {
        (Origin::Number, Read::Number { decimal, .. }) => {
            Some(decimal.unwrap_or(mark)).filter(|m| *m != '.').map(|m| text.replace('.', &m.to_string()))
        }
        (Origin::Number, Read::Integer { .. }) if mark != '.' => Some(text.replace('.', &mark.to_string())),
        (Origin::Boolean, Read::Boolean(Some(words))) => {
            let words = if text == "true" { &words.yes } else { &words.no };
            words.first().cloned()
        }
        (Origin::Date, Read::Date(dates)) => read::day(text, &Dates::Detect).ok().map(|(day, _)| self::day(day, dates)),
        (Origin::Date, Read::Datetime(dates)) => read::instant(text, &Dates::Any).ok().map(|(instant, _)| self::instant(instant, dates)),
        _ => None,
    };
    written.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What a report proposes, in the notation that its column is read in: it writes dates in ISO.
pub fn in_notation(field: &Field, proposed: &str) -> String {
    match &field.read {
        Read::Date(dates) => proposed.parse().map_or_else(|_| proposed.to_owned(), |day| self::day(day, dates)),
        _ => proposed.to_owned(),
    }
}

/// A day in the first of the notations that are read.
fn day(day: NaiveDate, dates: &Dates) -> String {
    if let Dates::Notations(notations) = dates
        && notations.iter().all(|n| n.day_zero().is_some())
        && let Some(zero) = notations.first().and_then(|n| n.day_zero())
    {
        return (day - zero).num_days().to_string();
    }
    day.format(pattern(dates)).to_string()
}

fn instant(instant: NaiveDateTime, dates: &Dates) -> String {
    match dates {
        Dates::Pattern(pattern) => instant.format(pattern).to_string(),
        Dates::Notations(_) => format!("{} {}", instant.format(pattern(dates)), instant.format("%H:%M:%S%.f")),
        Dates::Detect | Dates::Any => instant.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
    }
}

fn pattern(dates: &Dates) -> &str {
    match dates {
        Dates::Detect | Dates::Any => "%Y-%m-%d",
        Dates::Pattern(pattern) => pattern,
        Dates::Notations(notations) if notations.contains(&Notation::Iso) => "%Y-%m-%d",
        Dates::Notations(notations) if notations.contains(&Notation::DayMonthYear) => "%d/%m/%Y",
        Dates::Notations(_) => "%d/%m/%y",
    }
}
