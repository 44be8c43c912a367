//! A column of a dataset as expressions and tables need it.

use polars::prelude::{DataType, TimeUnit};

/// Type of a column, after the row schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Number.
    Number,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A day and an hour, without zone (local time) .
    Datetime,
}

impl ColumnKind {
    /// The stable English name, as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
        }
    }

    /// As a person reads it.
    pub fn in_french(self) -> &'static str {
        match self {
            Self::String => "texte",
            Self::Integer => "nombre entier",
            Self::Number => "nombre",
            Self::Boolean => "oui ou non",
            Self::Date => "date",
            Self::Datetime => "date et heure",
        }
    }

    /// The column's type in a typed table and in the lake.
    pub fn dtype(self) -> DataType {
        match self {
            Self::String => DataType::String,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date,
            Self::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
        }
    }
}

/// One declared column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// What a person reads, if given.
    pub title: Option<String>,
    /// Its type.
    pub kind: ColumnKind,
    /// Whether an empty cell is a null rather than an absent property.
    pub nullable: bool,
    /// Whether a row needs it.
    pub required: bool,
}
