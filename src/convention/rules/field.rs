//! One declared column, compiled: how its cells are read, and what is asked of their values.

use std::collections::HashSet;

use super::{formats::Format, pattern::Pattern};
use crate::convention::column::{Column, ColumnKind};

/// A declared column with everything that its cells are checked for.
pub struct Field {
    /// Name, title, type, nullability.
    pub column: Column,
    /// What the schema says of it to a person.
    pub description: Option<String>,
    /// A good value.
    pub example: Option<String>,
    /// How a cell becomes a value.
    pub read: Read,
    /// What is asked of a value.
    pub checks: Vec<Check>,
    /// JSON Pointer of the declaration, relative to the schema.
    pub pointer: String,
    /// Whether the row validator judges the values: a column of several types, or with keywords that are not columnar.
    pub mixed: bool,
    /// The scalar types of a column that has several: a cell is read as the first that it fits.
    pub several: Vec<String>,
    /// JSON Pointer of an enumeration that does not hold null, which a null then fails.
    pub null_fault: Option<String>,
}

/// How a cell becomes a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// As it stands.
    Text,
    /// A whole number.
    Integer {
        /// Accepts `3,0`: a whole number that was written as a number.
        fraction: bool,
        /// Leaves out what is around the number (`bareNumber: false`): `95 %`, `€ 3`.
        bare: bool,
        /// Thousands separator beside the spaces.
        group: Option<char>,
    },
    /// A number.
    Number {
        /// The only decimal mark; detected per file where nothing is declared.
        decimal: Option<char>,
        /// See [`Read::Integer`].
        bare: bool,
        /// See [`Read::Integer`].
        group: Option<char>,
    },
    /// True or false; the words are given where they are declared.
    Boolean(Option<Words>),
    /// A day.
    Date(Dates),
    /// A day and an hour.
    Datetime(Dates),
}

/// The only words of a boolean column.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// True.
    pub yes: Vec<String>,
    /// False.
    pub no: Vec<String>,
    /// Whether a cell is one of them only as it is written, case and blanks included.
    pub exact: bool,
}

/// Which notations of a date are read.
#[derive(Debug, Clone, PartialEq)]
pub enum Dates {
    /// Detected per file among ISO and dd/mm/yyyy, and stated.
    Detect,
    /// These ones.
    Notations(Vec<Notation>),
    /// Any of the usual ones, day first.
    Any,
    /// A `strptime` pattern.
    Pattern(String),
}

/// A notation of a date, as `reading.dates` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notation {
    /// 2026-03-12.
    Iso,
    /// 12/03/2026.
    DayMonthYear,
    /// 12/03/26, in the hundred years from [`SHORT_YEARS`] on.
    DayMonthShortYear,
    /// 46093: the day's number in a workbook whose days start with 1900.
    Serial1900,
    /// 44631: the same where they start with 1904.
    Serial1904,
}

/// The first of the hundred years that two digits stand for.
pub const SHORT_YEARS: i32 = 1970;

impl Notation {
    /// The name in a convention and in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::DayMonthYear => "dd/mm/yyyy",
            Self::DayMonthShortYear => "dd/mm/yy",
            Self::Serial1900 => "serial-1900",
            Self::Serial1904 => "serial-1904",
        }
    }

    /// Day zero, where a day is written as its number.
    pub fn day_zero(self) -> Option<chrono::NaiveDate> {
        match self {
            // Excel's 1900 has a 29 February that did not exist: from March on its day zero is the 30 December 1899.
            Self::Serial1900 => chrono::NaiveDate::from_ymd_opt(1899, 12, 30),
            Self::Serial1904 => chrono::NaiveDate::from_ymd_opt(1904, 1, 1),
            _ => None,
        }
    }

    /// The notation of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Iso, Self::DayMonthYear, Self::DayMonthShortYear, Self::Serial1900, Self::Serial1904].into_iter().find(|n| n.name() == name)
    }
}

/// One thing asked of a value.
pub struct Check {
    /// Stable code of the fault.
    pub code: &'static str,
    /// JSON Pointer of the keyword, relative to the schema.
    pub pointer: String,
    /// What is asked.
    pub test: Test,
    /// Whether a failure is only said, and does not refuse the file.
    pub warning: bool,
}

/// What is asked of a value. Numbers, days (since 1970-01-01) and instants (µs since then) compare as [`Bound`]s.
pub enum Test {
    /// One of these texts.
    OneOfTexts {
        /// For the look-up.
        set: HashSet<String>,
        /// As declared.
        list: Vec<String>,
    },
    /// One of these numbers, days or instants.
    OneOfNumbers(Vec<Bound>, Vec<String>),
    /// One of these truth values.
    OneOfBooleans(Vec<bool>),
    /// Text that a pattern describes.
    Pattern {
        /// Compiled, linear in the text.
        regex: Pattern,
        /// Whether it tests the cell as written rather than the value (Table Schema on a day, on a number).
        as_written: bool,
        /// What it means, where it could be put in words.
        words: Option<String>,
    },
    /// At least.
    Minimum(Bound),
    /// At most.
    Maximum(Bound),
    /// More than.
    ExclusiveMinimum(Bound),
    /// Less than.
    ExclusiveMaximum(Bound),
    /// A multiple of it, in decimal arithmetic: 0,3 is a multiple of 0,1.
    MultipleOf(f64),
    /// At least so many characters.
    MinLength(u64),
    /// At most so many characters.
    MaxLength(u64),
    /// A known form of text.
    Format(Format),
}

/// A bound that compares exactly with whole numbers and with floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A whole number, a day or an instant.
    Int(i64),
    /// A number.
    Float(f64),
}

impl Bound {
    /// Its value as a float.
    pub fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "only where both sides are already floats or words for a person")]
            Self::Int(i) => i as f64,
            Self::Float(f) => f,
        }
    }

    /// How `value` stands to the bound.
    pub fn order_of_int(self, value: i64) -> std::cmp::Ordering {
        match self {
            Self::Int(bound) => value.cmp(&bound),
            Self::Float(bound) => {
                if bound >= 9.3e18 {
                    return std::cmp::Ordering::Less;
                }
                if bound <= -9.3e18 {
                    return std::cmp::Ordering::Greater;
                }
                let floor = bound.floor();
                #[expect(clippy::cast_possible_truncation, reason = "bounds beyond i64 returned above; i128 holds them all")]
                let whole = floor as i128;
                i128::from(value).cmp(&whole).then(if bound > floor { std::cmp::Ordering::Less } else { std::cmp::Ordering::Equal })
            }
        }
    }

    /// How `value` stands to the bound.
    pub fn order_of_float(self, value: f64) -> std::cmp::Ordering {
        value.partial_cmp(&self.as_f64()).unwrap_or(std::cmp::Ordering::Equal)
    }
}

impl Field {
    /// A field that asks for nothing.
    pub fn new(name: &str, kind: ColumnKind, pointer: String) -> Self {
        Self {
            column: Column { name: name.to_owned(), title: None, kind, nullable: false, required: false },
            description: None,
            example: None,
            read: Read::of(kind),
            checks: Vec::new(),
            pointer,
            mixed: false,
            several: Vec::new(),
            null_fault: None,
        }
    }

    /// Adds a check.
    pub fn ask(&mut self, code: &'static str, pointer: String, test: Test) {
        self.checks.push(Check { code, pointer, test, warning: false });
    }
}

impl Read {
    /// How cells of a column of this kind are read where nothing more is declared.
    pub fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::String => Self::Text,
            ColumnKind::Integer => Self::Integer { fraction: true, bare: true, group: None },
            ColumnKind::Number => Self::Number { decimal: None, bare: true, group: None },
            ColumnKind::Boolean => Self::Boolean(None),
            ColumnKind::Date => Self::Date(Dates::Detect),
            ColumnKind::Datetime => Self::Datetime(Dates::Detect),
        }
    }
}
