//! One walk over the syntax tree: what is listed here is typed and built as a polars expression; all else is refused.

use std::collections::BTreeSet;

use polars::prelude::{DataType, Expr, TimeUnit, col, lit, when};
use sqlparser::ast::{BinaryOperator as Op, Expr as Sql, Ident, UnaryOperator, Value};

use super::{
    allow::{self, DAY, Refusal, Span, not_allowed, wrong_type},
    column::{Column, ColumnKind},
    expression::{ExpressionKind, null},
    messages::{clip, suggestion},
};

use ExpressionKind::{Boolean, Date, Datetime, Duration, Number, Text};

/// The kind of a node: `NULL` alone takes the kind of what it stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Is(ExpressionKind),
    Null,
}

/// A built node.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) kind: Kind,
    pub(super) expr: Expr,
}

impl Typed {
    pub(super) fn new(kind: ExpressionKind, expr: Expr) -> Self {
        Self { kind: Kind::Is(kind), expr }
    }

    /// As `kind`, a day becoming its midnight where an hour is wanted.
    fn into_kind(self, kind: ExpressionKind) -> Expr {
        match self.kind {
            Kind::Null => null(kind),
            Kind::Is(Date) if kind == Datetime => self.expr.cast(Datetime.dtype()),
            Kind::Is(_) => self.expr,
        }
    }
}

/// The kind in a French sentence.
pub(super) fn in_french(kind: Kind) -> &'static str {
    match kind {
        Kind::Is(Number) => "un nombre",
        Kind::Is(Boolean) => "vrai ou faux",
        Kind::Is(Duration) => "une durée",
        Kind::Is(Text) => "un texte",
        Kind::Is(Date) => "une date",
        Kind::Is(Datetime) => "une date avec heure",
        Kind::Null => "NULL",
    }
}

/// Operators and functions nested or chained in one expression.
const MAX_DEPTH: usize = 50;
/// Nodes of the built expression.
const MAX_NODES: usize = 5_000;

pub(super) struct Compiler<'a> {
    columns: &'a [Column],
    used: BTreeSet<String>,
    depth: usize,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(columns: &'a [Column]) -> Self {
        Self { columns, used: BTreeSet::new(), depth: 0 }
    }

    /// The columns that were read.
    pub(super) fn into_columns(self) -> Vec<String> {
        self.used.into_iter().collect()
    }

    /// Types and builds a node.
    pub(super) fn visit(&mut self, sql: &Sql) -> Result<Typed, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err((
                "expression_syntax",
                format!("Cette formule enchaîne plus de {MAX_DEPTH} opérations : simplifiez-la, par exemple avec IN."),
            ));
        }
        let typed = self.node(sql)?;
        self.depth -= 1;
        // Some nodes repeat their operand (BETWEEN, a divisor): nested, they would grow without end.
        if (&typed.expr).into_iter().take(MAX_NODES + 1).count() > MAX_NODES {
            return Err(("expression_syntax", "Cette formule est trop imbriquée : simplifiez-la.".into()));
        }
        Ok(typed)
    }

    fn node(&mut self, sql: &Sql) -> Result<Typed, Refusal> {
        match sql {
            Sql::Identifier(ident) => self.column(ident),
            Sql::Nested(inner) => self.visit(inner),
            Sql::Value(value) => literal(&value.value),
            Sql::TypedString(typed) => super::functions::typed_literal(typed),
            Sql::Interval(interval) => fixed(allow::interval(interval)?, &interval.to_string()),
            Sql::UnaryOp { op: UnaryOperator::Not, expr } => Ok(Typed::new(Boolean, self.boolean(expr)?.not())),
            Sql::UnaryOp { op: op @ (UnaryOperator::Plus | UnaryOperator::Minus), expr } => {
                let typed = self.visit(expr)?;
                match (typed.kind, op) {
                    (Kind::Is(Number | Duration), UnaryOperator::Plus) => Ok(typed),
                    (Kind::Is(Number), _) => Ok(Typed::new(Number, lit(0.0) - typed.expr)),
                    (Kind::Is(Duration), _) => Ok(Typed::new(Duration, micros(lit(0i64) - count(typed.expr)))),
                    _ => Err(wrong_type(format!("Le signe devant « {expr} » demande un nombre, et c'est {}.", in_french(typed.kind)))),
                }
            }
            Sql::BinaryOp { left, op, right } => self.binary(left, op, right),
            Sql::IsNull(e) => Ok(Typed::new(Boolean, self.visit(e)?.expr.is_null())),
            Sql::IsNotNull(e) => Ok(Typed::new(Boolean, self.visit(e)?.expr.is_not_null())),
            Sql::IsTrue(e) => Ok(Typed::new(Boolean, self.boolean(e)?.eq_missing(lit(true)))),
            Sql::IsNotTrue(e) => Ok(Typed::new(Boolean, self.boolean(e)?.neq_missing(lit(true)))),
            Sql::IsFalse(e) => Ok(Typed::new(Boolean, self.boolean(e)?.eq_missing(lit(false)))),
            Sql::IsNotFalse(e) => Ok(Typed::new(Boolean, self.boolean(e)?.neq_missing(lit(false)))),
            Sql::IsDistinctFrom(l, r) => self.distinct(l, r, true),
            Sql::IsNotDistinctFrom(l, r) => self.distinct(l, r, false),
            Sql::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            Sql::Between { expr, negated, low, high } => {
                let tested = self.visit(expr)?;
                let above = self.compare((tested.clone(), expr), &Op::GtEq, low)?;
                let below = self.compare((tested, expr), &Op::LtEq, high)?;
                let inside = above.and(below);
                Ok(Typed::new(Boolean, if *negated { inside.not() } else { inside }))
            }
            Sql::Like { negated, any: false, expr, pattern, escape_char: None } => self.like(expr, pattern, *negated, false),
            Sql::ILike { negated, any: false, expr, pattern, escape_char: None } => self.like(expr, pattern, *negated, true),
            Sql::Case { operand, conditions, else_result, .. } => {
                let mut results = Vec::with_capacity(conditions.len() + 1);
                let mut tests = Vec::with_capacity(conditions.len());
                let tested = operand.as_deref().map(|sql| Ok::<_, Refusal>((self.visit(sql)?, sql))).transpose()?;
                for branch in conditions {
                    tests.push(match &tested {
                        Some((typed, sql)) => self.compare((typed.clone(), sql), &Op::Eq, &branch.condition)?,
                        None => self.boolean(&branch.condition)?,
                    });
                    results.push(self.visit(&branch.result)?);
                }
                results.push(match else_result {
                    Some(e) => self.visit(e)?,
                    None => Typed { kind: Kind::Null, expr: lit(polars::prelude::NULL) },
                });
                let (kind, mut results) = same_kind(results, "Les branches de CASE")?;
                let otherwise = results.pop().unwrap_or_else(|| null(kind));
                let chain = tests.into_iter().zip(results).rev();
                Ok(Typed::new(kind, chain.fold(otherwise, |rest, (test, result)| when(test).then(result).otherwise(rest))))
            }
            other => super::functions::visit(self, other),
        }
    }

    fn column(&mut self, ident: &Ident) -> Result<Typed, Refusal> {
        let name = ident.value.as_str();
        let Some(column) = self.columns.iter().find(|c| c.name == name) else {
            let hint = suggestion(name, self.columns.iter().map(|c| c.name.as_str()), "Les colonnes sont");
            let quotes = if ident.quote_style.is_some() { " Un texte s'écrit entre apostrophes : 'texte'." } else { "" };
            return Err(("unknown_column", format!("Il n'y a pas de colonne « {} ». {hint}{quotes}", clip(name)).trim_end().to_owned()));
        };
        // polars would read such a name as a pattern over all columns.
        if name == "*" || (name.starts_with('^') && name.ends_with('$')) {
            return Err(not_allowed(format!("La colonne « {} » ne peut pas être lue par une formule : changez son nom.", clip(name))));
        }
        self.used.insert(name.to_owned());
        let expr = col(name);
        Ok(match column.kind {
            ColumnKind::Integer => Typed::new(Number, expr.cast(DataType::Float64)),
            ColumnKind::Number => Typed::new(Number, expr),
            ColumnKind::String => Typed::new(Text, expr),
            ColumnKind::Boolean => Typed::new(Boolean, expr),
            ColumnKind::Date => Typed::new(Date, expr),
            ColumnKind::Datetime => Typed::new(Datetime, expr),
        })
    }

    /// A node that must be of this kind (or NULL).
    pub(super) fn of_kind(&mut self, sql: &Sql, kind: ExpressionKind, what: &str) -> Result<Expr, Refusal> {
        let typed = self.visit(sql)?;
        match typed.kind {
            Kind::Null => Ok(null(kind)),
            Kind::Is(k) if k == kind => Ok(typed.expr),
            found => Err(wrong_type(format!(
                "{what} demande {}, et « {} » est {}.",
                in_french(Kind::Is(kind)),
                clip(&sql.to_string()),
                in_french(found)
            ))),
        }
    }

    fn boolean(&mut self, sql: &Sql) -> Result<Expr, Refusal> {
        self.of_kind(sql, Boolean, "Une condition")
    }

    fn binary(&mut self, left: &Sql, op: &Op, right: &Sql) -> Result<Typed, Refusal> {
        match op {
            Op::And => Ok(Typed::new(Boolean, self.boolean(left)?.and(self.boolean(right)?))),
            Op::Or => Ok(Typed::new(Boolean, self.boolean(left)?.or(self.boolean(right)?))),
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
                let tested = self.visit(left)?;
                Ok(Typed::new(Boolean, self.compare((tested, left), op, right)?))
            }
            Op::StringConcat => {
                let (l, r) = (self.of_kind(left, Text, "« || »")?, self.of_kind(right, Text, "« || »")?);
                Ok(Typed::new(Text, l + r))
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => self.arithmetic(left, op, right),
            other => Err(not_allowed(format!("L'opérateur « {other} » n'est pas permis dans une formule."))),
        }
    }

    fn arithmetic(&mut self, left: &Sql, op: &Op, right: &Sql) -> Result<Typed, Refusal> {
        if let (Op::Plus | Op::Minus, Sql::Interval(interval)) = (op, right) {
            let span = allow::interval(interval)?;
            let typed = self.visit(left)?;
            if let Kind::Is(kind @ (Date | Datetime)) = typed.kind {
                return shift(typed.expr, kind, span, *op == Op::Minus);
            }
            return combine(typed, op, fixed(span, &interval.to_string())?, left, right);
        }
        let (l, r) = (self.visit(left)?, self.visit(right)?);
        combine(l, op, r, left, right)
    }

    /// Three-valued: NULL where a side is NULL.
    fn compare(&mut self, left: (Typed, &Sql), op: &Op, right: &Sql) -> Result<Expr, Refusal> {
        let (l, r) = comparable(left, (self.visit(right)?, right))?;
        Ok(match op {
            Op::Eq => l.eq(r),
            Op::NotEq => l.neq(r),
            Op::Lt => l.lt(r),
            Op::LtEq => l.lt_eq(r),
            Op::Gt => l.gt(r),
            _ => l.gt_eq(r),
        })
    }

    fn distinct(&mut self, left: &Sql, right: &Sql, distinct: bool) -> Result<Typed, Refusal> {
        let (l, r) = comparable((self.visit(left)?, left), (self.visit(right)?, right))?;
        Ok(Typed::new(Boolean, if distinct { l.neq_missing(r) } else { l.eq_missing(r) }))
    }

    fn in_list(&mut self, expr: &Sql, list: &[Sql], negated: bool) -> Result<Typed, Refusal> {
        let tested = self.visit(expr)?;
        let mut tests = Vec::with_capacity(list.len());
        for item in list {
            tests.push(self.compare((tested.clone(), expr), &Op::Eq, item)?);
        }
        // Balanced, so that a long list stays shallow.
        while tests.len() > 1 {
            let mut pairs = tests.into_iter();
            tests = std::iter::from_fn(|| pairs.next().map(|a| pairs.next().map_or(a.clone(), |b| a.or(b)))).collect();
        }
        let any = tests.pop().ok_or_else(|| not_allowed("La liste de IN est vide."))?;
        Ok(Typed::new(Boolean, if negated { any.not() } else { any }))
    }

    fn like(&mut self, expr: &Sql, pattern: &Sql, negated: bool, any_case: bool) -> Result<Typed, Refusal> {
        let text = self.of_kind(expr, Text, "LIKE")?;
        let Sql::Value(value) = pattern else {
            return Err(not_allowed("Le modèle de LIKE est un texte entre apostrophes, par exemple LIKE 'D%'."));
        };
        let Value::SingleQuotedString(pattern) = &value.value else {
            return Err(not_allowed("Le modèle de LIKE est un texte entre apostrophes, par exemple LIKE 'D%'."));
        };
        let body = regex::escape(pattern).replace('%', ".*").replace('_', ".");
        let regex = format!("^{}{body}$", if any_case { "(?is)" } else { "(?s)" });
        let found = text.str().contains(lit(regex), true);
        Ok(Typed::new(Boolean, if negated { found.not() } else { found }))
    }
}

/// Two sides of a comparison, a day becoming its midnight beside a day and hour.
fn comparable((l, left): (Typed, &Sql), (r, right): (Typed, &Sql)) -> Result<(Expr, Expr), Refusal> {
    let (Kind::Is(lk), Kind::Is(rk)) = (l.kind, r.kind) else {
        return Err(wrong_type("Rien n'est égal à NULL : écrivez « IS NULL » ou « IS NOT NULL »."));
    };
    let kind = match (lk, rk) {
        (a, b) if a == b => a,
        (Date, Datetime) | (Datetime, Date) => Datetime,
        _ => return Err(mismatch(left, lk, right, rk)),
    };
    Ok((l.into_kind(kind), r.into_kind(kind)))
}

/// All of one kind, days becoming midnights where one has an hour, NULL taking the kind of the others.
pub(super) fn same_kind(all: Vec<Typed>, what: &str) -> Result<(ExpressionKind, Vec<Expr>), Refusal> {
    let mut kind = Kind::Null;
    for typed in &all {
        kind = match (kind, typed.kind) {
            (Kind::Null, k) | (k, Kind::Null) => k,
            (a, b) if a == b => a,
            (Kind::Is(Date), Kind::Is(Datetime)) | (Kind::Is(Datetime), Kind::Is(Date)) => Kind::Is(Datetime),
            (a, b) => return Err(wrong_type(format!("{what} doivent être de même nature : il y a {} et {}.", in_french(a), in_french(b)))),
        };
    }
    match kind {
        Kind::Is(kind) => Ok((kind, all.into_iter().map(|t| t.into_kind(kind)).collect())),
        Kind::Null => Err(wrong_type(format!("{what} valent toutes NULL."))),
    }
}

/// Microseconds of a duration, as a whole number.
pub(super) fn count(duration: Expr) -> Expr {
    duration.cast(DataType::Int64)
}

/// A duration of this whole number of microseconds.
pub(super) fn micros(count: Expr) -> Expr {
    count.cast(DataType::Int64).cast(DataType::Duration(TimeUnit::Microseconds))
}

/// An interval that stands alone is a duration; months have none.
fn fixed(span: Span, text: &str) -> Result<Typed, Refusal> {
    if span.months != 0 {
        return Err(wrong_type(format!("« {} » n'a pas de longueur fixe : comptez en jours, ou ajoutez-le à une date.", clip(text))));
    }
    Ok(Typed::new(Duration, micros(lit(span.micros))))
}

/// A day, or a day and hour, moved by an interval; months keep the day, or take the month's last.
fn shift(expr: Expr, kind: ExpressionKind, span: Span, back: bool) -> Result<Typed, Refusal> {
    if kind == Date && span.micros % DAY != 0 {
        return Err(wrong_type("Une date n'a pas d'heure : ajoutez-lui des jours entiers."));
    }
    let sign = if back { "-" } else { "" };
    let moved = if span.months == 0 { expr } else { expr.dt().offset_by(lit(format!("{sign}{}mo", span.months))) };
    let moved = match span.micros {
        0 => moved,
        n => (moved.cast(Datetime.dtype()) + micros(lit(if back { -n } else { n }))).cast(kind.dtype()),
    };
    Ok(Typed::new(kind, moved))
}

/// Arithmetic on two built nodes.
fn combine(l: Typed, op: &Op, r: Typed, left: &Sql, right: &Sql) -> Result<Typed, Refusal> {
    // NULL takes the only kind with which the operation has a meaning; a date has two, and is refused.
    let (lk, rk) = match (l.kind, r.kind) {
        (Kind::Is(a), Kind::Is(b)) => (a, b),
        (Kind::Is(a @ (Number | Duration)), Kind::Null) => (a, if matches!(op, Op::Plus | Op::Minus) { a } else { Number }),
        (Kind::Null, Kind::Is(Number)) => (Number, Number),
        _ => return Err(wrong_type("Un calcul avec NULL vaut toujours NULL : retirez-le.")),
    };
    let (l, r) = (l.into_kind(lk), r.into_kind(rk));
    let float = |duration: Expr| count(duration).cast(DataType::Float64);
    let nonzero = |divisor: Expr| when(divisor.clone().neq(lit(0.0))).then(divisor).otherwise(null(Number));
    let rounded = |number: Expr| micros(number.round(0, polars::prelude::RoundMode::HalfAwayFromZero));
    Ok(match (lk, op, rk) {
        (Number, Op::Plus, Number) => Typed::new(Number, l + r),
        (Number, Op::Minus, Number) => Typed::new(Number, l - r),
        (Number, Op::Multiply, Number) => Typed::new(Number, l * r),
        (Number, Op::Divide, Number) => Typed::new(Number, l / nonzero(r)),
        (Number, Op::Modulo, Number) => Typed::new(Number, l % nonzero(r)),
        (Date, Op::Minus, Date) | (Datetime, Op::Minus, Datetime) | (Date, Op::Minus, Datetime) | (Datetime, Op::Minus, Date) => {
            Typed::new(Duration, l.cast(Datetime.dtype()) - r.cast(Datetime.dtype()))
        }
        (Datetime, Op::Plus, Duration) => Typed::new(Datetime, l + r),
        (Datetime, Op::Minus, Duration) => Typed::new(Datetime, l - r),
        (Duration, Op::Plus, Duration) => Typed::new(Duration, l + r),
        (Duration, Op::Minus, Duration) => Typed::new(Duration, l - r),
        (Duration, Op::Multiply, Number) => Typed::new(Duration, rounded(float(l) * r)),
        (Number, Op::Multiply, Duration) => Typed::new(Duration, rounded(l * float(r))),
        (Duration, Op::Divide, Number) => Typed::new(Duration, rounded(float(l) / nonzero(r))),
        (Duration, Op::Divide, Duration) => Typed::new(Number, float(l) / nonzero(float(r))),
        (Date | Datetime, Op::Plus | Op::Minus, Number) => {
            return Err(wrong_type(format!(
                "Une date et un nombre ne s'ajoutent pas : écrivez une durée, par exemple {left} {op} INTERVAL '15 days'."
            )));
        }
        _ => return Err(mismatch(left, lk, right, rk)),
    })
}

/// Why two kinds do not go together, and what to write.
fn mismatch(left: &Sql, lk: ExpressionKind, right: &Sql, rk: ExpressionKind) -> Refusal {
    let text = |sql: &Sql| match sql {
        Sql::Value(v) => match &v.value {
            Value::SingleQuotedString(s) => Some(s.clone()),
            _ => None,
        },
        _ => None,
    };
    let hint = match ((lk, rk), text(left).or_else(|| text(right))) {
        ((Date | Datetime, Text) | (Text, Date | Datetime), Some(s)) if allow::day(&s).is_ok() => format!(" Écrivez DATE '{s}'."),
        ((Date | Datetime, Text) | (Text, Date | Datetime), _) => " Une date s'écrit DATE '2026-01-05'.".to_owned(),
        ((Duration, Number) | (Number, Duration), _) => " Une durée s'écrit INTERVAL '15 days'.".to_owned(),
        ((Number, Text) | (Text, Number), Some(s)) if s.parse::<f64>().is_ok() => " Un nombre s'écrit sans apostrophes.".to_owned(),
        _ => String::new(),
    };
    wrong_type(format!(
        "« {} » est {} et « {} » est {} : cette opération n'a pas de sens.{hint}",
        clip(&left.to_string()),
        in_french(Kind::Is(lk)),
        clip(&right.to_string()),
        in_french(Kind::Is(rk))
    ))
}

/// A number, a text between apostrophes, TRUE, FALSE or NULL.
fn literal(value: &Value) -> Result<Typed, Refusal> {
    match value {
        Value::Number(text, false) => {
            let number: f64 = text
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .ok_or_else(|| not_allowed(format!("« {} » n'est pas un nombre.", clip(text))))?;
            Ok(Typed::new(Number, lit(number)))
        }
        Value::SingleQuotedString(text) => Ok(Typed::new(Text, lit(text.clone()))),
        Value::Boolean(b) => Ok(Typed::new(Boolean, lit(*b))),
        Value::Null => Ok(Typed { kind: Kind::Null, expr: lit(polars::prelude::NULL) }),
        other => Err(not_allowed(format!(
            "« {} » n'est pas permis dans une formule : écrivez un nombre, ou un texte entre apostrophes.",
            clip(&other.to_string())
        ))),
    }
}
