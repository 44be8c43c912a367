//! One column: cast without strictness, then tested value by value.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime};
use polars::prelude::{
    BooleanChunked, Column as Series, Float64Chunked, Int32Chunked, Int64Chunked, IntoColumn, IntoSeries, NewChunkedArray, PlSmallStr,
    Series as Typed, StringChunked,
};

use super::{
    detect::{Evidence, Marks, Shown},
    faults::{Faults, Problem},
    read::{self, Failure},
};
use crate::{
    convention::{
        column::ColumnKind,
        rules::{Bound, Dates, Field, Read, Rules, SchemaKind, Test},
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
    /// Day zero of a workbook's dates, `iso` elsewhere.
    pub epoch: &'static str,
    /// Physical row of each line.
    pub lines: &'a [u64],
    /// How cells are read.
    pub marks: Marks,
    /// What they show of how they are written.
    pub evidence: &'a mut Evidence,
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
                self.each::<()>(cells, position, &mut states, |_, _, origin| fits(origin, Origin::Text));
                Values::Text
            }
            Read::Text => {
                self.each::<()>(cells, position, &mut states, |_, _, _| Ok(()));
                Values::Text
            }
            Read::Integer { fraction, bare, group } => {
                // A sign that separates thousands leaves the other one to the decimals, and shows nothing of them.
                let (settled, decimal) = match group {
                    Some('.') => (true, ','),
                    Some(',') => (true, '.'),
                    _ => (false, self.marks.decimal),
                };
                let lines = self.lines;
                let mut evidence = std::mem::take(self.evidence);
                let values = self.each(cells, position, &mut states, |row, text, origin| {
                    fits(origin, Origin::Number)?;
                    match origin {
                        // A number cell of a workbook is a float: 3 is whole whatever the schema's language.
                        Origin::Number => read::integer(text, '.', None, true, true),
                        Origin::Text => {
                            let value = read::integer(text, decimal, *group, *bare, *fraction);
                            if *fraction && !settled {
                                let is_number = !matches!(value, Err(Failure::NotANumber));
                                evidence.number(text, decimal, *group, is_number, || shown(position, lines, row, text));
                            }
                            value
                        }
                        _ => Err(Failure::WrongType),
                    }
                });
                *self.evidence = evidence;
                Values::Int(values)
            }
            Read::Number { decimal, bare, group } => {
                let (detect, decimal, lines) = (decimal.is_none(), decimal.unwrap_or(self.marks.decimal), self.lines);
                // «95 %» in a column of shares is 0,95.
                let share = match self.rules.reading().percent.as_deref() {
                    Some(said) => said == "share",
                    None => field.checks.iter().any(|c| matches!(c.test, Test::Maximum(bound) if bound.as_f64() <= 1.0)),
                };
                let units = self.rules.kind() == SchemaKind::JsonSchema;
                let mut evidence = std::mem::take(self.evidence);
                let values = self.each(cells, position, &mut states, |row, text, origin| {
                    fits(origin, Origin::Number)?;
                    match origin {
                        Origin::Number => read::number(text, '.', None, true),
                        Origin::Text => {
                            let mut value = read::number(text, decimal, *group, *bare);
                            if detect {
                                evidence.number(text, decimal, *group, value.is_ok(), || shown(position, lines, row, text));
                            }
                            if value.is_err()
                                && units
                                && let Some((bare, percent)) = read::without_unit(text)
                            {
                                value = read::number(bare, decimal, *group, true).map(|v| if percent && share { v / 100.0 } else { v });
                                if percent && value.is_ok() {
                                    evidence.percent(share, || shown(position, lines, row, text));
                                }
                            }
                            value
                        }
                        _ => Err(Failure::WrongType),
                    }
                });
                *self.evidence = evidence;
                Values::Float(values)
            }
            Read::Boolean(words) => Values::Bool(self.each(cells, position, &mut states, |_, text, origin| {
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
        let detect = *dates == Dates::Detect;
        let month_first = detect && self.marks.month_first;
        let (epoch, lines) = (self.epoch, self.lines);
        let mut evidence = std::mem::take(self.evidence);
        let mut met: Option<&str> = None;
        let mut meet = |evidence: &mut Evidence, notation: &'d str| {
            // One notation after the other: most columns have one.
            if met != Some(notation) {
                evidence.notations.insert(notation.to_owned());
                met = Some(notation);
            }
        };
        let values = self.each(cells, position, states, |row, text, origin| match origin {
            Origin::Date => {
                let (value, _) = parse(text, None)?;
                meet(&mut evidence, epoch);
                Ok(value)
            }
            Origin::Text => {
                if detect {
                    evidence.date(text.trim(), || shown(position, lines, row, text));
                }
                if month_first && text.trim().split(' ').next().and_then(read::slashed).is_some() {
                    return Err(Failure::MonthFirst);
                }
                let (value, notation) = parse(text, Some(dates))?;
                meet(&mut evidence, notation);
                Ok(value)
            }
            _ => Err(Failure::NotADate),
        });
        *self.evidence = evidence;
        values
    }

    /// The value of each cell, a default where there is none; and what each turned out to be.
    fn each<T: Default>(
        &mut self,
        cells: &Cells,
        position: usize,
        states: &mut Vec<State>,
        mut parse: impl FnMut(usize, &str, Origin) -> Result<T, Failure>,
    ) -> Vec<T> {
        let mut values = Vec::with_capacity(cells.len());
        for (row, text) in cells.iter().enumerate() {
            let origin = cells.origin(row);
            let outcome = match origin {
                Origin::Absent => Err(None),
                _ if self.rules.is_missing(text) => Err(None),
                Origin::Error => Err(Some(Failure::CellError)),
                Origin::Nested => Err(Some(Failure::WrongType)),
                _ => parse(row, text, origin).map_err(Some),
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

fn shown(field: usize, lines: &[u64], row: usize, text: &str) -> Shown {
    Shown { field, row: lines.get(row).copied().unwrap_or_default(), text: text.chars().take(64).collect() }
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
        let height = self.states.len();
        let good = |row: usize| self.states[row] == State::Good;
        let whole = self.states.iter().all(|state| *state == State::Good);
        let name: PlSmallStr = name.into();
        // A column without a hole, as most are, needs no look at each state.
        let ints = |v: &Vec<i64>| {
            if whole {
                Int64Chunked::from_slice(name.clone(), v)
            } else {
                Int64Chunked::from_iter_options(name.clone(), (0..height).map(|row| good(row).then_some(v[row])))
            }
        };
        let typed: Typed = match (&self.values, kind) {
            (Values::Int(v), ColumnKind::Date) if whole && v.iter().all(|day| i32::try_from(*day).is_ok()) => {
                #[expect(clippy::cast_possible_truncation, reason = "each was tried")]
                let days = v.iter().map(|day| *day as i32);
                Int32Chunked::from_iter_values(name, days).into_date().into_series()
            }
            (Values::Int(v), ColumnKind::Date) => {
                let days = (0..height).map(|row| if good(row) { i32::try_from(v[row]).ok() } else { None });
                Int32Chunked::from_iter_options(name, days).into_date().into_series()
            }
            (Values::Int(v), ColumnKind::Datetime) => ints(v).into_datetime(polars::prelude::TimeUnit::Microseconds, None).into_series(),
            (Values::Int(v), _) => ints(v).into_series(),
            (Values::Float(v), _) if whole => Float64Chunked::from_slice(name, v).into_series(),
            (Values::Float(v), _) => {
                Float64Chunked::from_iter_options(name, (0..height).map(|row| good(row).then_some(v[row]))).into_series()
            }
            (Values::Bool(v), _) if whole => BooleanChunked::from_slice(name, v).into_series(),
            (Values::Bool(v), _) => {
                BooleanChunked::from_iter_options(name, (0..height).map(|row| good(row).then_some(v[row]))).into_series()
            }
            (Values::Text, _) if whole => StringChunked::from_iter_values(name, self.cells.iter()).into_series(),
            (Values::Text, _) => {
                StringChunked::from_iter_options(name, (0..height).map(|row| good(row).then(|| self.cells.get(row)))).into_series()
            }
        };
        typed.into_column()
    }

    /// Empty cells, and the least and greatest value.
    pub fn summary(&self) -> Summary {
        let nulls = self.states.iter().filter(|s| matches!(s, State::Missing | State::Absent)).count() as u64;
        let good = || (0..self.states.len()).filter(|row| self.states[*row] == State::Good);
        let range = match &self.values {
            Values::Text => None,
            Values::Int(v) => good().map(|r| Range::Int(v[r], v[r])).reduce(Range::with),
            Values::Float(v) => good().map(|r| Range::Float(v[r], v[r])).reduce(Range::with),
            Values::Bool(v) => good().map(|r| Range::Bool(v[r], v[r])).reduce(Range::with),
        };
        Summary { nulls, range }
    }
}

/// What a report says of a column's values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Summary {
    /// Empty cells.
    pub nulls: u64,
    /// Least and greatest value; none for texts and where there is no value.
    pub range: Option<Range>,
}

/// The least and the greatest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Whole numbers, days or instants.
    Int(i64, i64),
    /// Numbers.
    Float(f64, f64),
    /// Truth values.
    Bool(bool, bool),
}

impl Range {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a, b), Self::Int(c, d)) => Self::Int(a.min(c), b.max(d)),
            (Self::Float(a, b), Self::Float(c, d)) => Self::Float(a.min(c), b.max(d)),
            (Self::Bool(a, b), Self::Bool(c, d)) => Self::Bool(a.min(c), b.max(d)),
            // A column has one type.
            (one, _) => one,
        }
    }

    /// Both as text.
    pub fn text(self, kind: ColumnKind) -> (Option<String>, Option<String>) {
        let int = |v: i64| match kind {
            ColumnKind::Date => to_day(v).map(|d| d.to_string()),
            ColumnKind::Datetime => to_instant(v).map(instant_text),
            _ => Some(v.to_string()),
        };
        match self {
            Self::Int(low, high) => (int(low), int(high)),
            Self::Float(low, high) => (Some(low.to_string()), Some(high.to_string())),
            Self::Bool(low, high) => (Some(low.to_string()), Some(high.to_string())),
        }
    }
}

impl Summary {
    /// Takes what another block has.
    pub fn merge(&mut self, other: Self) {
        self.nulls += other.nulls;
        self.range = match (self.range, other.range) {
            (Some(one), Some(two)) => Some(one.with(two)),
            (one, two) => one.or(two),
        };
    }
}
