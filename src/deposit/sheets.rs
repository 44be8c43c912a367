//! What the hub's workbooks share: the same bytes for the same content, texts within a workbook's limits, cells that never run.

use chrono::{NaiveDate, NaiveDateTime};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::decode::Origin;
use crate::error::{Error, Result};

/// Longest text of a cell, in UTF-16 units.
pub const MAX_CELL: usize = 32_767;
/// Longest name of a sheet, in UTF-16 units.
const MAX_NAME: usize = 31;
/// Last row of a sheet, from zero.
pub const LAST_ROW: u32 = 1_048_575;

/// A value as a cell of a workbook holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, which no spreadsheet computes.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A day.
    Day(NaiveDate),
    /// A day and an hour.
    Instant(NaiveDateTime),
}

impl Value {
    /// The value of a cell that was read, which is written again as it was: only what its file held as a number or a date becomes one.
    pub fn read(text: &str, origin: Origin) -> Self {
        let typed = match origin {
            // A number with more digits than a float holds stays the text that was read.
            Origin::Number => text.parse::<f64>().ok().filter(|n| n.is_finite() && n.abs() < 1e15).map(Self::Number),
            Origin::Boolean => match text {
                "true" => Some(Self::Boolean(true)),
                "false" => Some(Self::Boolean(false)),
                _ => None,
            },
            Origin::Date => day_or_instant(text),
            _ => None,
        };
        typed.unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// The text and the origin that reading this cell gives.
    pub fn decoded(&self) -> (String, Origin) {
        match self {
            Self::Text(text) => (text.clone(), Origin::Text),
            Self::Number(number) => (number.to_string(), Origin::Number),
            Self::Boolean(truth) => (truth.to_string(), Origin::Boolean),
            Self::Day(day) => (day.to_string(), Origin::Date),
            Self::Instant(instant) => (instant.format("%Y-%m-%dT%H:%M:%S").to_string(), Origin::Date),
        }
    }

    /// As a French reader writes it.
    pub fn in_french(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string().replace('.', ","),
            Self::Boolean(truth) => if *truth { "Oui" } else { "Non" }.to_owned(),
            Self::Day(day) => day.format("%d/%m/%Y").to_string(),
            Self::Instant(instant) => instant.format("%d/%m/%Y %H:%M:%S").to_string(),
        }
    }

    /// Writes it.
    pub fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, look: &Look) -> Result<()> {
        let written = match self {
            Self::Text(value) => sheet.write_string_with_format(row, column, cut(value, MAX_CELL), &look.text),
            Self::Number(value) => sheet.write_number_with_format(row, column, *value, &look.plain),
            Self::Boolean(value) => sheet.write_boolean_with_format(row, column, *value, &look.plain),
            Self::Day(day) => match excel(day.and_time(chrono::NaiveTime::MIN)) {
                Some(value) => sheet.write_datetime_with_format(row, column, value, &look.day),
                None => sheet.write_string_with_format(row, column, day.to_string(), &look.text),
            },
            Self::Instant(instant) => match excel(*instant) {
                Some(value) => sheet.write_datetime_with_format(row, column, value, &look.instant),
                None => sheet.write_string_with_format(row, column, instant.to_string(), &look.text),
            },
        };
        written.map(|_| ()).map_err(failed)
    }
}

/// One look, for each kind of value.
pub struct Look {
    /// Text: what is typed over it stays text, and never runs.
    pub text: Format,
    plain: Format,
    day: Format,
    instant: Format,
}

impl Look {
    /// The look of cells that are drawn like `base`.
    pub fn new(base: &Format) -> Self {
        let shown = |numbers: &str| base.clone().set_num_format(numbers);
        Self { text: shown("@"), plain: base.clone(), day: shown(DAY), instant: shown(INSTANT) }
    }
}

/// How days are shown.
pub const DAY: &str = "dd/mm/yyyy";
/// How days with an hour are shown.
pub const INSTANT: &str = "dd/mm/yyyy hh:mm:ss";

fn day_or_instant(text: &str) -> Option<Value> {
    let day = || text.parse::<NaiveDate>().ok().map(Value::Day);
    let instant = || text.replacen(' ', "T", 1).parse::<NaiveDateTime>().ok().map(Value::Instant);
    day().or_else(instant)
}

/// None before 1900, which workbooks do not know.
fn excel(instant: NaiveDateTime) -> Option<ExcelDateTime> {
    use chrono::Datelike;
    if instant.year() < 1900 {
        return None;
    }
    ExcelDateTime::from_timestamp(instant.and_utc().timestamp()).ok()
}

/// A defect of the hub: what it writes is within a workbook's limits.
pub fn failed(error: XlsxError) -> Error {
    Error::internal(error)
}

/// An empty workbook; its date is always the same one, so that the same content gives the same bytes.
pub fn workbook(title: &str) -> Result<Workbook> {
    let created = ExcelDateTime::from_ymd(2026, 1, 1).map_err(failed)?;
    let properties = DocProperties::new().set_title(cut(title, 255)).set_author("Retex").set_creation_datetime(&created);
    let mut book = Workbook::new();
    book.set_properties(&properties);
    Ok(book)
}

/// The first `units` UTF-16 units of a text, with an ellipsis where it is cut.
pub fn cut(text: &str, units: usize) -> String {
    if text.encode_utf16().count() <= units {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut count = 1;
    for c in text.chars() {
        count += c.len_utf16();
        if count > units {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A text as the name of a sheet, other than those that are `taken`.
pub fn sheet_name(text: &str, taken: &[&str]) -> String {
    let allowed: String =
        text.chars().map(|c| if matches!(c, '*' | '?' | ':' | '[' | ']' | '\\' | '/') || c.is_control() { '_' } else { c }).collect();
    let allowed = allowed.trim().trim_matches('\'');
    let mut name = cut(if allowed.is_empty() { "Données" } else { allowed }, MAX_NAME);
    let is_taken = |name: &str| taken.iter().any(|t| t.to_lowercase() == name.to_lowercase());
    // Spreadsheets keep this name for themselves.
    if is_taken(&name) || name.eq_ignore_ascii_case("history") {
        name = format!("{}_1", cut(&name, MAX_NAME - 2));
    }
    name
}

/// The position of a column as workbooks count it.
pub fn column(position: usize) -> Result<u16> {
    u16::try_from(position).map_err(Error::internal)
}

/// The position of a row as workbooks count it.
pub fn row(position: usize) -> Result<u32> {
    u32::try_from(position).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sheets_and_long_texts_are_within_limits() {
        assert_eq!(sheet_name("demandes", &["Guide"]), "demandes");
        assert_eq!(sheet_name("guide", &["Guide"]), "guide_1");
        assert_eq!(sheet_name("'a/b:c'", &[]), "a_b_c");
        assert_eq!(sheet_name(" ", &[]), "Données");
        assert_eq!(sheet_name(&"é".repeat(40), &[]).chars().count(), 31);
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("a😀b", 3), "a…");
    }

    #[test]
    fn a_cell_is_written_as_it_was_read() {
        assert_eq!(Value::read("00123", Origin::Text), Value::Text("00123".into()));
        assert_eq!(Value::read("12.5", Origin::Number), Value::Number(12.5));
        assert_eq!(Value::read("12345678901234567890", Origin::Number), Value::Text("12345678901234567890".into()));
        assert_eq!(Value::read("2026-03-12", Origin::Date).in_french(), "12/03/2026");
        assert_eq!(Value::read("2026-03-12T14:05:00", Origin::Date).in_french(), "12/03/2026 14:05:00");
        assert_eq!(Value::read("#REF!", Origin::Error), Value::Text("#REF!".into()));
    }
}
