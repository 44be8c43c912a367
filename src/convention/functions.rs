//! The functions that an expression may call, and the words to say why another is refused.

use chrono::NaiveDate;
use polars::prelude::{DataType, Expr, RoundMode, StrptimeOptions, lit, when};
use sqlparser::ast::{
    CeilFloorKind, DataType as SqlType, DateTimeField as Field, Expr as Sql, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    TimezoneInfo, TypedString, Value,
};

use super::{
    allow::{self, Refusal, not_allowed, wrong_type},
    expression::{ExpressionKind, null},
    messages::{clip, nearest, one_of},
    typing::{Compiler, Kind, Typed, count, in_french, micros, same_kind},
};

use ExpressionKind::{Boolean, Date, Datetime, Duration, Number, Text};

/// Names of the functions, for messages.
const FUNCTIONS: [&str; 18] = [
    "COALESCE",
    "NULLIF",
    "LEAST",
    "GREATEST",
    "ABS",
    "ROUND",
    "FLOOR",
    "CEIL",
    "LOWER",
    "UPPER",
    "TRIM",
    "LENGTH",
    "LEFT",
    "STARTS_WITH",
    "ENDS_WITH",
    "CAST",
    "EXTRACT",
    "CASE",
];

/// Functions that work over many rows: named in the refusal, since they are the likeliest mistake.
const AGGREGATES: [&str; 14] = [
    "sum",
    "avg",
    "mean",
    "count",
    "min",
    "max",
    "median",
    "stddev",
    "variance",
    "first",
    "last",
    "quantile_cont",
    "quantile_disc",
    "corr",
];

/// The nodes that are functions with a syntax of their own, calls, and what is refused.
pub(super) fn visit(compiler: &mut Compiler<'_>, sql: &Sql) -> Result<Typed, Refusal> {
    match sql {
        Sql::Function(function) => call(compiler, function),
        Sql::Floor { expr, field } if plain(field) => Ok(Typed::new(Number, compiler.of_kind(expr, Number, "FLOOR")?.floor())),
        Sql::Ceil { expr, field } if plain(field) => Ok(Typed::new(Number, compiler.of_kind(expr, Number, "CEIL")?.ceil())),
        Sql::Trim { expr, trim_where: None, trim_what: None, trim_characters: None } => {
            Ok(Typed::new(Text, compiler.of_kind(expr, Text, "TRIM")?.str().strip_chars(lit(polars::prelude::NULL))))
        }
        Sql::Cast { expr, data_type, array: false, format: None, .. } => cast(compiler, expr, data_type),
        Sql::Extract { field, expr, .. } => extract(compiler, field, expr),
        Sql::Subquery(_) | Sql::InSubquery { .. } | Sql::Exists { .. } | Sql::InUnnest { .. } => {
            Err(not_allowed("Une formule ne lit que la ligne en cours : une sous-requête n'y est pas permise."))
        }
        Sql::CompoundIdentifier(parts) => {
            let last = parts.last().map(|i| i.value.clone()).unwrap_or_default();
            Err(not_allowed(format!("« {} » n'est pas permis : écrivez la colonne seule, « {} ».", clip(&sql.to_string()), clip(&last))))
        }
        Sql::Wildcard(_) | Sql::QualifiedWildcard(..) => Err(not_allowed("« * » n'est pas permis : nommez les colonnes.")),
        other => Err(not_allowed(format!("« {} » n'est pas permis dans une formule.", clip(&other.to_string())))),
    }
}

fn plain(kind: &CeilFloorKind) -> bool {
    matches!(kind, CeilFloorKind::DateTimeField(Field::NoDateTime))
}

/// `DATE '2026-01-05'` and `TIMESTAMP '2026-01-05 14:30:00'`.
pub(super) fn typed_literal(typed: &TypedString) -> Result<Typed, Refusal> {
    let Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(not_allowed("Une date s'écrit DATE '2026-01-05'."));
    };
    match &typed.data_type {
        SqlType::Date => {
            let epoch = NaiveDate::default();
            let days = i32::try_from((allow::day(text)? - epoch).num_days()).map_err(|_| wrong_type("Cette date est trop lointaine."))?;
            Ok(Typed::new(Date, lit(days).cast(DataType::Date)))
        }
        SqlType::Timestamp(None, TimezoneInfo::None) | SqlType::Datetime(None) => {
            Ok(Typed::new(Datetime, lit(allow::moment(text)?.and_utc().timestamp_micros()).cast(Datetime.dtype())))
        }
        _ => Err(not_allowed(format!("« {} » n'est pas permis : écrivez DATE '2026-01-05'.", clip(&typed.to_string())))),
    }
}

fn call(compiler: &mut Compiler<'_>, function: &Function) -> Result<Typed, Refusal> {
    let written = function.name.to_string();
    let name = written.to_lowercase();
    if function.over.is_some() {
        return Err(not_allowed(format!(
            "« {} » n'est pas permis : une formule ne lit que la ligne en cours (retirez OVER).",
            clip(&written)
        )));
    }
    if AGGREGATES.contains(&name.as_str()) {
        return Err(not_allowed(format!(
            "« {} » porte sur plusieurs lignes : une formule ne lit que la ligne en cours. Choisissez plutôt la statistique de l'indicateur.",
            clip(&written)
        )));
    }
    let args = arguments(function).ok_or_else(|| refused(&written))?;
    let arity = |least: usize, most: usize| {
        if (least..=most).contains(&args.len()) {
            Ok(())
        } else {
            Err(wrong_type(format!("« {} » n'a pas ici le nombre de valeurs attendu.", clip(&written))))
        }
    };
    let mut text = |i: usize| compiler.of_kind(args[i], Text, &name.to_uppercase());
    match name.as_str() {
        "lower" => arity(1, 1).and_then(|()| Ok(Typed::new(Text, text(0)?.str().to_lowercase()))),
        "upper" => arity(1, 1).and_then(|()| Ok(Typed::new(Text, text(0)?.str().to_uppercase()))),
        "length" | "char_length" => arity(1, 1).and_then(|()| Ok(Typed::new(Number, text(0)?.str().len_chars().cast(DataType::Float64)))),
        "starts_with" => arity(2, 2).and_then(|()| Ok(Typed::new(Boolean, text(0)?.str().starts_with(text(1)?)))),
        "ends_with" => arity(2, 2).and_then(|()| Ok(Typed::new(Boolean, text(0)?.str().ends_with(text(1)?)))),
        "left" => {
            arity(2, 2)?;
            let length = whole(args[1], 1_000, &written)?;
            Ok(Typed::new(Text, text(0)?.str().slice(lit(0), lit(length))))
        }
        "coalesce" => {
            arity(1, 20)?;
            let (kind, values) = alike(compiler, &args, &written)?;
            Ok(Typed::new(kind, polars::prelude::coalesce(&values)))
        }
        "nullif" => {
            arity(2, 2)?;
            let (kind, values) = alike(compiler, &args, &written)?;
            Ok(Typed::new(kind, when(values[0].clone().eq(values[1].clone())).then(null(kind)).otherwise(values[0].clone())))
        }
        "least" | "greatest" => {
            arity(2, 20)?;
            let (kind, values) = alike(compiler, &args, &written)?;
            if !matches!(kind, Number | Date | Datetime | Duration) {
                return Err(wrong_type(format!("« {written} » compare des nombres, des dates ou des durées.")));
            }
            let best =
                if name == "least" { polars::lazy::dsl::min_horizontal(&values) } else { polars::lazy::dsl::max_horizontal(&values) };
            Ok(Typed::new(kind, best.map_err(|_| refused(&written))?))
        }
        "abs" => {
            arity(1, 1)?;
            let typed = compiler.visit(args[0])?;
            match typed.kind {
                Kind::Is(Number) => Ok(Typed::new(Number, typed.expr.abs())),
                Kind::Is(Duration) => Ok(Typed::new(Duration, micros(count(typed.expr).abs()))),
                found => Err(wrong_type(format!(
                    "ABS demande un nombre ou une durée, et « {} » est {}.",
                    clip(&args[0].to_string()),
                    in_french(found)
                ))),
            }
        }
        "round" => {
            arity(1, 2)?;
            let decimals = args.get(1).map_or(Ok(0), |d| whole(d, 10, &written))?;
            let number = compiler.of_kind(args[0], Number, "ROUND")?;
            Ok(Typed::new(Number, number.round(decimals, RoundMode::default())))
        }
        _ => Err(refused(&written)),
    }
}

/// Plain arguments only: no name, wildcard, DISTINCT, ORDER BY, FILTER, subquery.
fn arguments(function: &Function) -> Option<Vec<&Sql>> {
    let bare = function.filter.is_none()
        && function.null_treatment.is_none()
        && function.within_group.is_empty()
        && !function.uses_odbc_syntax
        && matches!(function.parameters, FunctionArguments::None);
    let FunctionArguments::List(list) = &function.args else { return None };
    if !bare || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args
        .iter()
        .map(|a| match a {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
            _ => None,
        })
        .collect()
}

fn refused(name: &str) -> Refusal {
    let hint = match nearest(name, FUNCTIONS) {
        Some(near) if near.eq_ignore_ascii_case(name) => format!("Écrivez {near}(valeur), sans autre mot."),
        Some(near) => format!("Vouliez-vous dire « {near} » ?"),
        None => format!("Les fonctions permises sont {}.", one_of(FUNCTIONS)),
    };
    not_allowed(format!("La fonction « {} » n'est pas permise dans une formule. {hint}", clip(name)))
}

fn alike(compiler: &mut Compiler<'_>, args: &[&Sql], name: &str) -> Result<(ExpressionKind, Vec<Expr>), Refusal> {
    let values = args.iter().map(|a| compiler.visit(a)).collect::<Result<Vec<_>, _>>()?;
    same_kind(values, &format!("Les valeurs de « {} »", clip(name)))
}

/// A whole number written as such, up to `most`.
fn whole(sql: &Sql, most: u32, name: &str) -> Result<u32, Refusal> {
    let number = match sql {
        Sql::Value(v) => match &v.value {
            Value::Number(text, false) => text.parse::<u32>().ok().filter(|n| *n <= most),
            _ => None,
        },
        _ => None,
    };
    number.ok_or_else(|| wrong_type(format!("La seconde valeur de « {} » est un nombre entier de 0 à {most}.", clip(name))))
}

/// What cannot be converted gives NULL, as `TRY_CAST` does.
fn cast(compiler: &mut Compiler<'_>, sql: &Sql, target: &SqlType) -> Result<Typed, Refusal> {
    let typed = compiler.visit(sql)?;
    let Kind::Is(from) = typed.kind else {
        return Err(wrong_type("NULL n'a pas besoin de CAST."));
    };
    let expr = typed.expr;
    let finite = |e: Expr| when(e.clone().is_finite()).then(e).otherwise(null(Number));
    let number = |e: Expr| finite(e.cast(DataType::Float64));
    let whole = |e: Expr| e.cast(DataType::Int64).cast(DataType::Float64);
    let integer = matches!(
        target,
        SqlType::Int(None)
            | SqlType::Integer(None)
            | SqlType::BigInt(None)
            | SqlType::SmallInt(None)
            | SqlType::TinyInt(None)
            | SqlType::Int4(None)
            | SqlType::Int8(None)
    );
    let float = matches!(target, SqlType::Double(_) | SqlType::DoublePrecision | SqlType::Float(_) | SqlType::Real | SqlType::Float8);
    let text = matches!(target, SqlType::Varchar(None) | SqlType::Text | SqlType::String(None) | SqlType::Char(None));
    let date = matches!(target, SqlType::Date);
    let datetime = matches!(target, SqlType::Timestamp(None, TimezoneInfo::None) | SqlType::Datetime(None));
    if !(integer || float || text || date || datetime) {
        return Err(not_allowed(format!(
            "CAST vers « {} » n'est pas permis : choisissez DOUBLE, BIGINT, VARCHAR, DATE ou TIMESTAMP.",
            clip(&target.to_string())
        )));
    }
    Ok(match from {
        Number if float => Typed::new(Number, expr),
        Number if integer => Typed::new(Number, whole(expr)),
        Text | Boolean if float => Typed::new(Number, number(expr)),
        // By way of the number, so that '3.7' gives 3 rather than nothing.
        Text | Boolean if integer => Typed::new(Number, whole(number(expr))),
        Text if text => Typed::new(Text, expr),
        // A whole number is written without decimals.
        Number if text => {
            let cut = expr.clone().cast(DataType::Int64);
            Typed::new(
                Text,
                when(cut.clone().cast(DataType::Float64).eq(expr.clone()))
                    .then(cut.cast(DataType::String))
                    .otherwise(expr.cast(DataType::String)),
            )
        }
        Date if text => Typed::new(Text, expr.cast(DataType::String)),
        Date | Datetime if date => Typed::new(Date, expr.cast(DataType::Date)),
        Date | Datetime if datetime => Typed::new(Datetime, expr.cast(Datetime.dtype())),
        Text if date => {
            let options = StrptimeOptions { format: Some("%Y-%m-%d".into()), strict: false, exact: true, cache: false };
            Typed::new(Date, expr.str().to_date(options))
        }
        from => return Err(wrong_type(format!("CAST ne change pas {} en {}.", in_french(Kind::Is(from)), clip(&target.to_string())))),
    })
}

/// Parts of a day, and `EPOCH`: seconds of a duration, or since 1970.
fn extract(compiler: &mut Compiler<'_>, field: &Field, sql: &Sql) -> Result<Typed, Refusal> {
    let typed = compiler.visit(sql)?;
    let (expr, hours) = match typed.kind {
        Kind::Is(Duration) if *field == Field::Epoch => (typed.expr, true),
        Kind::Is(Date) => (typed.expr, false),
        Kind::Is(Datetime) => (typed.expr, true),
        Kind::Is(Duration) => return Err(wrong_type("D'une durée, on ne tire que ses secondes : EXTRACT(EPOCH FROM …).")),
        found => return Err(wrong_type(format!("EXTRACT demande une date, et « {} » est {}.", clip(&sql.to_string()), in_french(found)))),
    };
    let part = match field {
        Field::Year => expr.dt().year(),
        Field::Quarter => expr.dt().quarter(),
        Field::Month => expr.dt().month(),
        Field::Week(None) | Field::IsoWeek => expr.dt().week(),
        Field::Day => expr.dt().day(),
        Field::Doy | Field::DayOfYear => expr.dt().ordinal_day(),
        Field::Isodow => expr.dt().weekday(),
        Field::Hour if hours => expr.dt().hour(),
        Field::Minute if hours => expr.dt().minute(),
        Field::Second if hours => expr.dt().second(),
        Field::Epoch if hours => return Ok(Typed::new(Number, count(expr).cast(DataType::Float64) / lit(1e6))),
        other => {
            return Err(not_allowed(format!(
                "EXTRACT({other} FROM …) n'est pas permis ici : choisissez YEAR, QUARTER, MONTH, WEEK, DAY, DOY, ISODOW ou, d'une date avec heure, HOUR, MINUTE, SECOND."
            )));
        }
    };
    Ok(Typed::new(Number, part.cast(DataType::Float64)))
}
