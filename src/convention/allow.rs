//! From text to syntax tree: limits, one expression and nothing after it, and the literals that are read at once
//! (days, intervals).

use chrono::{NaiveDate, NaiveDateTime};
use sqlparser::{
    ast::{Expr as Sql, Interval, Value},
    dialect::GenericDialect,
    parser::{Parser, ParserError},
    tokenizer::{Token, Tokenizer},
};

use super::messages::clip;

/// A code and a French sentence; the place is added by [`super::expression::compile`].
pub(super) type Refusal = (&'static str, String);

/// Bytes of one expression.
const MAX_LENGTH: usize = 4_000;
/// Nested parentheses and functions.
const MAX_DEPTH: usize = 24;

pub(super) fn not_allowed(message: impl Into<String>) -> Refusal {
    ("expression_not_allowed", message.into())
}

pub(super) fn wrong_type(message: impl Into<String>) -> Refusal {
    ("expression_type", message.into())
}

fn syntax(message: impl Into<String>) -> Refusal {
    ("expression_syntax", message.into())
}

/// Parses one expression with the dialect of polars SQL.
pub(super) fn parse(sql: &str) -> Result<Sql, Refusal> {
    if sql.len() > MAX_LENGTH {
        return Err(syntax(format!("Cette formule est trop longue : {MAX_LENGTH} caractères au plus.")));
    }
    if sql.trim().is_empty() {
        return Err(syntax("La formule est vide."));
    }
    let tokens = Tokenizer::new(&GenericDialect, sql)
        .tokenize()
        .map_err(|e| syntax(format!("La formule « {} » ne se lit pas : {}.", clip(sql), unfinished(&e.message))))?;
    // Seen before parsing: the parser would describe these as syntax, and the person needs to know that they are refused.
    for token in &tokens {
        match token {
            Token::Placeholder(_) => return Err(not_allowed("Une formule ne prend pas de paramètre (« ? », « $1 ») : écrivez la valeur.")),
            Token::SemiColon => return Err(not_allowed("Une formule est une seule expression : retirez le point-virgule.")),
            Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("select") => {
                return Err(not_allowed("Une formule ne lit que la ligne en cours : « SELECT » n'y est pas permis."));
            }
            _ => {}
        }
    }
    let mut parser = Parser::new(&GenericDialect).with_recursion_limit(MAX_DEPTH).with_tokens(tokens);
    let tree = parser.parse_expr().map_err(|e| match e {
        ParserError::RecursionLimitExceeded => syntax("Cette formule est trop imbriquée : simplifiez-la."),
        ParserError::ParserError(m) | ParserError::TokenizerError(m) => {
            syntax(format!("La formule « {} » ne se lit pas{}.", clip(sql), place(&m)))
        }
    })?;
    match parser.peek_token().token {
        Token::EOF => Ok(tree),
        rest => Err(syntax(format!("La formule « {} » ne se lit pas à partir de « {} ».", clip(sql), clip(&rest.to_string())))),
    }
}

/// « à partir de « x » », after the parser's «Expected: …, found: x at Line: 1, Column: 2».
fn place(message: &str) -> String {
    let found = message.rsplit_once("found: ").map(|(_, f)| f.split(" at Line").next().unwrap_or(f));
    match found {
        Some("EOF") => " : il manque la fin".to_owned(),
        Some(token) => format!(" à partir de « {} »", clip(token)),
        None => String::new(),
    }
}

fn unfinished(message: &str) -> &'static str {
    if message.contains("nterminated string") { "une apostrophe n'est pas refermée" } else { "un caractère n'y a pas sa place" }
}

/// A day of `DATE '2026-01-05'`.
pub(super) fn day(text: &str) -> Result<NaiveDate, Refusal> {
    let shaped = text.len() == 10 && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().ok_or_else(|| {
        wrong_type(format!("« {} » n'est pas un jour du calendrier : écrivez l'année, le mois et le jour, DATE '2026-01-05'.", clip(text)))
    })
}

/// A day and hour of `TIMESTAMP '2026-01-05 14:30:00'`.
pub(super) fn moment(text: &str) -> Result<NaiveDateTime, Refusal> {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    let time = chrono::NaiveTime::parse_from_str(&time, "%H:%M:%S")
        .map_err(|_| wrong_type(format!("« {} » n'est pas un jour et une heure : écrivez TIMESTAMP '2026-01-05 14:30:00'.", clip(text))))?;
    Ok(day(date)?.and_time(time))
}

/// An interval: whole months, which need a day to start from, and microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) months: i64,
    pub(super) micros: i64,
}

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// Reads `INTERVAL '15 days'`, `'1 month'`, `'2 hours 30 minutes'`: whole numbers, 100 years at most.
pub(super) fn interval(interval: &Interval) -> Result<Span, Refusal> {
    let help =
        || wrong_type(format!("La durée « {} » ne se lit pas : écrivez par exemple INTERVAL '15 days'.", clip(&interval.to_string())));
    let plain = interval.leading_field.is_none()
        && interval.leading_precision.is_none()
        && interval.last_field.is_none()
        && interval.fractional_seconds_precision.is_none();
    let text = match &*interval.value {
        Sql::Value(v) if plain => match &v.value {
            Value::SingleQuotedString(s) => s,
            _ => return Err(help()),
        },
        _ => return Err(help()),
    };
    let mut span = Span { months: 0, micros: 0 };
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || words.len() % 2 == 1 || words.len() > 14 {
        return Err(help());
    }
    for pair in words.chunks_exact(2) {
        let number = pair[0].bytes().all(|b| b.is_ascii_digit()).then(|| pair[0].parse::<i64>().ok()).flatten().ok_or_else(help)?;
        let lower = pair[1].to_ascii_lowercase();
        let (months, micros, most) = match lower.strip_suffix('s').unwrap_or(&lower) {
            "year" => (12, 0, 100),
            "quarter" => (3, 0, 400),
            "month" => (1, 0, 1_200),
            "week" => (0, 7 * DAY, 5_200),
            "day" => (0, DAY, 36_500),
            "hour" => (0, DAY / 24, 876_000),
            "minute" => (0, DAY / 1_440, 52_560_000),
            "second" => (0, DAY / 86_400, 3_153_600_000),
            _ => return Err(help()),
        };
        if number > most {
            return Err(wrong_type(format!("La durée « {} » passe cent ans.", clip(text))));
        }
        span.months += number * months;
        span.micros += number * micros;
    }
    Ok(span)
}
