//! Row-level expressions: polars SQL, allow-listed and typed before anything runs.
//!
//! [`compile`] parses the text with the dialect of polars ([`super::allow`]), then walks it once ([`super::typing`]): each
//! node that is listed there is typed and built as a polars expression, and everything else is refused. polars' own SQL
//! reader is never called: it would open files (`x IN (SELECT … FROM read_csv(…))`).
//!
//! What is accepted means the same as in polars SQL, but for four things, each of which would give a wrong figure:
//! numbers are all `f64` (polars wraps small integers: `LENGTH(a) - 10` is 4294967287 where `a` has one letter), a
//! division by zero and a `CAST` that cannot be done give NULL, and `x IS TRUE` is false where `x` is NULL.
//! As in polars, `/` never cuts (`4 / 8` is 0.5), `ROUND` takes a half to the even neighbour (`ROUND(2.5)` is 2), `LEAST` and
//! `GREATEST` pass over NULL, and a comparison or a calculation with NULL is NULL.

use polars::prelude::{DataFrame, DataType, Expr, IntoLazy, Series, TimeUnit, lit, when};

use super::{
    allow,
    column::Column,
    messages::clip,
    typing::{Compiler, Kind},
};
use crate::error::Fault;

/// What an expression yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpressionKind {
    /// A number: always `Float64`, finite or null.
    Number,
    /// True, false or unknown: `Boolean`.
    Boolean,
    /// A duration, which counts in the indicator's unit: `Duration` in µs.
    Duration,
    /// Text, a day, a day and hour: allowed inside an expression, never as its result.
    Text,
    /// A day.
    Date,
    /// A day and an hour.
    Datetime,
}

impl ExpressionKind {
    /// The type of the result in a polars table.
    pub fn dtype(self) -> DataType {
        match self {
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Duration => DataType::Duration(TimeUnit::Microseconds),
            Self::Text => DataType::String,
            Self::Date => DataType::Date,
            Self::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
        }
    }
}

/// A checked expression.
#[derive(Debug, Clone)]
pub struct Expression {
    /// As written.
    pub sql: String,
    /// What it yields.
    pub kind: ExpressionKind,
    /// Columns that it reads, sorted, without repetition; at least one.
    pub columns: Vec<String>,
    /// For polars. On typed tables made with [`super::column::ColumnKind::dtype`]; its type is [`ExpressionKind::dtype`].
    pub expr: Expr,
}

/// Parses, allow-lists and types `sql` on these columns; `pointer` locates faults.
///
/// # Errors
/// One fault, with code `expression_syntax`, `expression_not_allowed`, `expression_type`, `expression_constant` or
/// `unknown_column`.
pub fn compile(sql: &str, columns: &[Column], pointer: &str) -> Result<Expression, Fault> {
    let fault = |(code, message): (&str, String)| Fault::new(pointer, code, message);
    let tree = allow::parse(sql).map_err(fault)?;
    let mut compiler = Compiler::new(columns);
    let typed = compiler.visit(&tree).map_err(fault)?;
    let kind = match typed.kind {
        Kind::Is(kind) => kind,
        Kind::Null => return Err(fault(("expression_type", "Cette formule vaut toujours NULL : elle ne mesure rien.".into()))),
    };
    let used = compiler.into_columns();
    if used.is_empty() {
        return Err(fault(("expression_constant", format!("La formule « {} » ne lit aucune colonne : elle ne mesure rien.", clip(sql)))));
    }
    let expr = if kind == ExpressionKind::Number {
        // A sum that overflows is no measure: what is not finite is missing.
        when(typed.expr.clone().is_finite()).then(typed.expr).otherwise(null(kind))
    } else {
        typed.expr
    };
    prove(&expr, kind, columns).map_err(|e| {
        fault(("expression_not_allowed", format!("La formule « {} » ne peut pas être calculée : simplifiez-la ({e}).", clip(sql))))
    })?;
    Ok(Expression { sql: sql.to_owned(), kind, columns: used, expr })
}

/// A null of this kind.
pub(super) fn null(kind: ExpressionKind) -> Expr {
    lit(polars::prelude::NULL).cast(kind.dtype())
}

/// Runs the expression on one row of nulls: polars must agree with our type before the expression is accepted.
fn prove(expr: &Expr, kind: ExpressionKind, columns: &[Column]) -> Result<(), String> {
    let nulls = columns.iter().map(|c| Series::full_null(c.name.as_str().into(), 1, &c.kind.dtype()).into());
    let table = DataFrame::new(1, nulls.collect()).map_err(|e| e.to_string())?;
    let out = table.lazy().select([expr.clone().alias("out")]).collect().map_err(|e| e.to_string())?;
    let found = out.column("out").map_err(|e| e.to_string())?;
    if found.dtype() == &kind.dtype() && found.len() == 1 { Ok(()) } else { Err(format!("{} au lieu de {}", found.dtype(), kind.dtype())) }
}

#[cfg(test)]
#[path = "expression_tests.rs"]
mod tests;
