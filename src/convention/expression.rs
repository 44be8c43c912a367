//! Row-level expressions: polars SQL, allow-listed and typed before anything runs.

use polars::prelude::Expr;

use super::column::Column;
use crate::error::Fault;

/// What an expression yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpressionKind {
    /// A number.
    Number,
    /// True, false or unknown.
    Boolean,
    /// A duration (µs), which counts in the indicator's unit.
    Duration,
    /// Text, a day, a day and hour: allowed inside an expression, never as its result.
    Text,
    /// A day.
    Date,
    /// A day and an hour.
    Datetime,
}

/// A checked expression.
#[derive(Debug, Clone)]
pub struct Expression {
    /// As written.
    pub sql: String,
    /// What it yields.
    pub kind: ExpressionKind,
    /// Columns that it reads, sorted, without repetition.
    pub columns: Vec<String>,
    /// For polars. On typed tables made with [`super::column::ColumnKind::dtype`].
    pub expr: Expr,
}

/// Parses, allow-lists and types `sql` on these columns; `pointer` locates faults.
pub fn compile(_sql: &str, _columns: &[Column], _pointer: &str) -> Result<Expression, Fault> {
    todo!()
}
