//! One column: cast without strictness, then tested value by value.

use std::collections::{BTreeSet, HashSet};

use chrono::{NaiveDate, NaiveDateTime};
use polars::prelude::{Column as Series, Int32Chunked, Int64Chunked, IntoColumn, IntoSeries, NamedFrom, NewChunkedArray, Series as Typed};

use super::{
    detect::Detected,
    faults::{Faults, Problem},
    read::{self, Failure},
};
use crate::{
    convention::{
        column::ColumnKind,
        rules::{Bound, Dates, Field, Read, Rules, Test},
    },
    deposit::decode::{Cells, Origin},
};

/// What a cell turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A value.
    Good,
    /// Empty.
    Missing,
    /// Not there at all.
    Absent,
    /// Not of the column's type.
    Bad,
}

/// Typed values; what is not good holds nothing of meaning.
pub enum Values {
    /// The cells themselves.
    Text,
    /// Whole numbers, days or instants.
    Int(Vec<i64>),
    /// Numbers.
    Float(Vec<f64>),
    /// Truth values.
    Bool(Vec<bool>),
}

/// A column read.
pub struct Column<'t> {
    /// As written.
    pub cells: &'t Cells,
    /// One per row.
    pub states: Vec<State>,
    /// One per row.
    pub values: Values,
}

/// Days from year one to 1970-01-01.
const EPOCH: i32 = 719_163;

fn days(day: NaiveDate) -> i64 {
    i64::from(chrono::Datelike::num_days_from_ce(&day) - EPOCH)
}

fn ticks(instant: NaiveDateTime) -> i64 {
    instant.and_utc().timestamp_micros()
}

/// A day from its number.
pub fn to_day(days: i64) -> Option<NaiveDate> {
    i32::try_from(days).ok().and_then(NaiveDate::from_epoch_days)
}

/// An instant from its microseconds.
pub fn to_instant(ticks: i64) -> Option<NaiveDateTime> {
    chrono::DateTime::from_timestamp_micros(ticks).map(|t| t.naive_utc())
}

/// An instant in ISO.
pub fn instant_text(instant: NaiveDateTime) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

/// What reading a column needs and adds to.
pub struct Reading<'a> {
    /// What empties are.
    pub rules: &'a Rules,
    /// Whether the format's own types bind.
    pub strict: bool,
    /// How the file is read.
    pub detected: &'a mut Detected,
    /// What refuses the file.
    pub faults: &'a mut Faults,
    /// What does not.
    pub warnings: &'a mut Faults,
    /// Rows that are too short: told once, not for each cell that they lack.
    pub short: &'a HashSet<usize>,
}

impl Reading<'_> {
    /// Reads the field at `position` of the rules: type, emptiness, checks.
    pub fn column<'t>(&mut self, cells: &'t Cells, field: &Field, position: usize) -> Column<'t> {
        let column = self.cast(cells, field, position);
        for (row, state) in column.states.iter().enumerate() {
            let needed = field.column.required;
            match state {
                State::Absent if needed && !self.short.contains(&row) => self.faults.add(row, Some(position), Problem::Required),
                State::Missing if needed && !field.column.nullable => self.faults.add(row, Some(position), Problem::Required),
                State::Missing if field.column.nullable && field.null_fault.is_some() && !field.mixed => {
                    self.faults.add(row, Some(position), Problem::NullRefused);
                }
                _ => {}
            }
        }
        for (i, check) in field.checks.iter().enumerate() {
            let into = if check.warning { &mut *self.warnings } else { &mut *self.faults };
            test(&column, field.column.kind, &check.test, |row| into.add(row, Some(position), Problem::Check(i)));
        }
        column
    }

    fn cast<'t>(&mut self, cells: &'t Cells, field: &Field, position: usize) -> Column<'t> {
        let strict = self.strict;
        let fits = move |origin: Origin, wanted: Origin| if strict && origin != wanted { Err(Failure::WrongType) } else { Ok(()) };
        let mut states = Vec::with_capacity(cells.len());
        let values = match &field.read {
            Read::Text if field.several.is_empty() => {
                self.each::<()>(cells, position, &mut states, |_, origin| fits(origin, Origin::Text));
                Values::Text
            }
            Read::Text => {
                self.each::<()>(cells, position, &mut states, |_, _| Ok(()));
                Values::Text
            }
            Read::Integer { fraction, bare, group } => {
                let decimal = self.detected.decimal;
                Values::Int(self.each(cells, position, &mut states, |text, origin| {
                    fits(origin, Origin::Number)?;
                    match origin {
                        // A number cell of a workbook is a float: 3 is whole whatever the schema's language.
                        Origin::Number => read::integer(text, '.', None, true, true),
                        Origin::Text => read::integer(text, decimal, *group, *bare, *fraction),
                        _ => Err(Failure::WrongType),
                    }
                }))
            }
            Read::Number { decimal, bare, group } => {
                let decimal = decimal.unwrap_or(self.detected.decimal);
                Values::Float(self.each(cells, position, &mut states, |text, origin| {
                    fits(origin, Origin::Number)?;
                    match origin {
                        Origin::Number => read::number(text, '.', None, true),
                        Origin::Text => read::number(text, decimal, *group, *bare),
                        _ => Err(Failure::WrongType),
                    }
                }))
            }
            Read::Boolean(words) => Values::Bool(self.each(cells, position, &mut states, |text, origin| {
                fits(origin, Origin::Boolean)?;
                read::boolean(text, words.as_ref().filter(|_| origin != Origin::Boolean))
            })),
            Read::Date(dates) => Values::Int(self.dates(cells, position, &mut states, dates, |text, dates| match dates {
                None if text.len() > 10 => Err(Failure::NotADay),
                None => read::day(text, &Dates::Detect).map(|(day, _)| (days(day), "")),
                Some(dates) => read::day(text, dates).map(|(day, notation)| (days(day), notation)),
            })),
            Read::Datetime(dates) => Values::Int(self.dates(cells, position, &mut states, dates, |text, dates| match dates {
                None => read::instant(text, &Dates::Any).map(|(instant, _)| (ticks(instant), "")),
                Some(dates) => read::instant(text, dates).map(|(instant, notation)| (ticks(instant), notation)),
            })),
        };
        Column { cells, states, values }
    }

    /// Dates, with the notations that were met; `parse` gets no notation for a real date of the format.
    fn dates<'d>(
        &mut self,
        cells: &Cells,
        position: usize,
        states: &mut Vec<State>,
        dates: &'d Dates,
        parse: impl Fn(&str, Option<&'d Dates>) -> Result<(i64, &'d str), Failure>,
    ) -> Vec<i64> {
        let month_first = *dates == Dates::Detect && self.detected.month_first();
        let epoch = self.detected.epoch;
        let mut met = BTreeSet::new();
        let values = self.each(cells, position, states, |text, origin| match origin {
            Origin::Date => {
                let (value, _) = parse(text, None)?;
                met.insert(epoch);
                Ok(value)
            }
            Origin::Text if month_first && text.trim().split(' ').next().and_then(read::slashed).is_some() => Err(Failure::MonthFirst),
            Origin::Text => {
                let (value, notation) = parse(text, Some(dates))?;
                met.insert(notation);
                Ok(value)
            }
            _ => Err(Failure::NotADate),
        });
        self.detected.notations.extend(met.into_iter().map(str::to_owned));
        values
    }

    /// The value of each cell, a default where there is none; and what each turned out to be.
    fn each<T: Default>(
        &mut self,
        cells: &Cells,
        position: usize,
        states: &mut Vec<State>,
        mut parse: impl FnMut(&str, Origin) -> Result<T, Failure>,
    ) -> Vec<T> {
        let mut values = Vec::with_capacity(cells.len());
        for row in 0..cells.len() {
            let (text, origin) = (cells.get(row), cells.origin(row));
            let outcome = match origin {
                Origin::Absent => Err(None),
                _ if self.rules.is_missing(text) => Err(None),
                Origin::Error => Err(Some(Failure::CellError)),
                Origin::Nested => Err(Some(Failure::WrongType)),
                _ => parse(text, origin).map_err(Some),
            };
            states.push(match &outcome {
                Ok(_) => State::Good,
                Err(None) if origin == Origin::Absent => State::Absent,
                Err(None) => State::Missing,
                Err(Some(failure)) => {
                    self.faults.add(row, Some(position), Problem::Type(*failure));
                    State::Bad
                }
            });
            values.push(outcome.unwrap_or_default());
        }
        values
    }
}

/// Calls `fail` with each row whose value does not pass.
fn test(column: &Column<'_>, kind: ColumnKind, test: &Test, mut fail: impl FnMut(usize)) {
    let mut check = |passes: &mut dyn FnMut(usize) -> bool| {
        for (row, state) in column.states.iter().enumerate() {
            if *state == State::Good && !passes(row) {
                fail(row);
            }
        }
    };
    // The value as the schema's language sees it: a day is its ISO text.
    let text = |row: usize| -> std::borrow::Cow<'_, str> {
        match (&column.values, kind) {
            (Values::Int(v), ColumnKind::Date) => to_day(v[row]).map(|d| d.to_string()).unwrap_or_default().into(),
            (Values::Int(v), ColumnKind::Datetime) => to_instant(v[row]).map(instant_text).unwrap_or_default().into(),
            _ => column.cells.get(row).into(),
        }
    };
    let order = |row: usize, bound: Bound| match &column.values {
        Values::Int(v) => bound.order_of_int(v[row]),
        Values::Float(v) => bound.order_of_float(v[row]),
        _ => std::cmp::Ordering::Equal,
    };
    match test {
        Test::OneOfTexts { set, list } if list.len() <= 8 => {
            check(&mut |row| list.iter().any(|w| w == column.cells.get(row)) && !set.is_empty())
        }
        Test::OneOfTexts { set, .. } => check(&mut |row| set.contains(column.cells.get(row))),
        Test::OneOfNumbers(bounds, _) => check(&mut |row| bounds.iter().any(|b| order(row, *b).is_eq())),
        Test::OneOfBooleans(list) => check(&mut |row| matches!(&column.values, Values::Bool(v) if list.contains(&v[row]))),
        Test::Pattern { regex, as_written: true, .. } => check(&mut |row| regex.is_match(column.cells.get(row))),
        Test::Pattern { regex, .. } => check(&mut |row| regex.is_match(&text(row))),
        Test::Minimum(bound) => check(&mut |row| order(row, *bound).is_ge()),
        Test::Maximum(bound) => check(&mut |row| order(row, *bound).is_le()),
        Test::ExclusiveMinimum(bound) => check(&mut |row| order(row, *bound).is_gt()),
        Test::ExclusiveMaximum(bound) => check(&mut |row| order(row, *bound).is_lt()),
        Test::MultipleOf(step) => check(&mut |row| match &column.values {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 the quotient's nearest whole number is the answer there is")]
            Values::Int(v) => multiple(v[row] as f64, *step),
            Values::Float(v) => multiple(v[row], *step),
            _ => true,
        }),
        Test::MinLength(limit) => check(&mut |row| text(row).chars().count() as u64 >= *limit),
        Test::MaxLength(limit) => check(&mut |row| {
            let text = text(row);
            text.len() as u64 <= *limit || text.chars().count() as u64 <= *limit
        }),
        Test::Format(format) => check(&mut |row| format.accepts(&text(row))),
    }
}

/// Decimal multiples: 0,3 is one of 0,1.
fn multiple(value: f64, step: f64) -> bool {
    let quotient = value / step;
    (quotient - quotient.round()).abs() <= 1e-9 * quotient.abs().max(1.0)
}

impl Column<'_> {
    /// The column as a typed series.
    pub fn series(&self, name: &str, kind: ColumnKind) -> Series {
        let good = |row: usize| self.states[row] == State::Good;
        let height = self.states.len();
        let typed: Typed = match (&self.values, kind) {
            (Values::Int(v), ColumnKind::Date) => {
                let days = (0..height).map(|row| if good(row) { i32::try_from(v[row]).ok() } else { None });
                Int32Chunked::from_iter_options(name.into(), days).into_date().into_series()
            }
            (Values::Int(v), ColumnKind::Datetime) => {
                let ticks = (0..height).map(|row| good(row).then_some(v[row]));
                Int64Chunked::from_iter_options(name.into(), ticks)
                    .into_datetime(polars::prelude::TimeUnit::Microseconds, None)
                    .into_series()
            }
            (Values::Int(v), _) => {
                Int64Chunked::from_iter_options(name.into(), (0..height).map(|row| good(row).then_some(v[row]))).into_series()
            }
            (Values::Float(v), _) => Typed::new(name.into(), (0..height).map(|row| good(row).then_some(v[row])).collect::<Vec<_>>()),
            (Values::Bool(v), _) => Typed::new(name.into(), (0..height).map(|row| good(row).then_some(v[row])).collect::<Vec<_>>()),
            (Values::Text, _) => Typed::new(name.into(), (0..height).map(|row| good(row).then(|| self.cells.get(row))).collect::<Vec<_>>()),
        };
        typed.into_column()
    }

    /// Empty cells, and the least and greatest value as text.
    pub fn summary(&self, kind: ColumnKind) -> (u64, Option<String>, Option<String>) {
        let nulls = self.states.iter().filter(|s| matches!(s, State::Missing | State::Absent)).count() as u64;
        let good = || (0..self.states.len()).filter(|row| self.states[*row] == State::Good);
        let text = |v: i64| match kind {
            ColumnKind::Date => to_day(v).map(|d| d.to_string()),
            ColumnKind::Datetime => to_instant(v).map(instant_text),
            _ => Some(v.to_string()),
        };
        match &self.values {
            Values::Text => (nulls, None, None),
            Values::Int(v) => (nulls, good().map(|r| v[r]).min().and_then(text), good().map(|r| v[r]).max().and_then(text)),
            Values::Float(v) => {
                let of = |choose: fn(f64, f64) -> f64| good().map(|r| v[r]).reduce(choose).map(|f| f.to_string());
                (nulls, of(f64::min), of(f64::max))
            }
            Values::Bool(v) => {
                (nulls, good().map(|r| v[r]).min().map(|b| b.to_string()), good().map(|r| v[r]).max().map(|b| b.to_string()))
            }
        }
    }
}
