//! One cell as the check reads it, so that what is written in two ways is one value: `1,5` and `1.5`, `12/03/2026` and the date that a
//! workbook holds.

use chrono::{NaiveDate, NaiveDateTime};

use super::{decode::Origin, validate::read};
use crate::convention::rules::{Dates, Field, Read, Rules};

/// A cell's value, or its text where it is none of its column's type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Typed {
    /// Nothing.
    Empty,
    /// A whole number.
    Integer(i64),
    /// A number, by its bits.
    Number(u64),
    /// True or false.
    Boolean(bool),
    /// A day.
    Day(NaiveDate),
    /// A day and an hour.
    Instant(NaiveDateTime),
    /// As written.
    Text(String),
}

/// Reads a cell of a column; `decimal` is the mark of the file where the column declares none.
pub fn typed(rules: &Rules, field: &Field, decimal: char, text: &str, origin: Origin) -> Typed {
    if origin == Origin::Absent || rules.is_missing(text) {
        return Typed::Empty;
    }
    let number = |decimal: char, bare: bool, group: Option<char>| {
        let read = match origin {
            // The format's own numbers have a point, whatever the file's mark.
            Origin::Number => read::number(text, '.', None, true),
            _ => read::number(text, decimal, group, bare),
        };
        // One zero: -0 is 0.
        read.map(|n| Typed::Number((n + 0.0).to_bits()))
    };
    let value = match &field.read {
        Read::Text => Ok(Typed::Text(text.to_owned())),
        Read::Integer { fraction, bare, group } => {
            let whole = match origin {
                Origin::Number => read::integer(text, '.', None, true, true),
                _ => read::integer(text, decimal, *group, *bare, *fraction),
            };
            // What is not whole is still the same number on both sides.
            whole.map(Typed::Integer).or_else(|_| number(decimal, *bare, *group))
        }
        Read::Number { decimal: declared, bare, group } => number(declared.unwrap_or(decimal), *bare, *group),
        Read::Boolean(words) => read::boolean(text, words.as_ref().filter(|_| origin != Origin::Boolean)).map(Typed::Boolean),
        Read::Date(dates) => {
            let dates = if origin == Origin::Date { &Dates::Detect } else { dates };
            read::day(text, dates).map(|(day, _)| Typed::Day(day))
        }
        Read::Datetime(dates) => {
            let dates = if origin == Origin::Date { &Dates::Any } else { dates };
            read::instant(text, dates).map(|(instant, _)| Typed::Instant(instant))
        }
    };
    value.unwrap_or_else(|_| Typed::Text(text.to_owned()))
}
