//! Numbers, dates and distances as a French reader writes them.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use crate::ids::Period;

const MONTHS: [&str; 12] =
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];

/// The day in Paris, where deadlines are.
pub fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&chrono_tz::Europe::Paris).date_naive()
}

/// «12 mars 2026», «1er mars 2026».
pub fn day(day: NaiveDate) -> String {
    let number = if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() };
    format!("{number}\u{a0}{} {}", MONTHS[day.month0() as usize], day.year())
}

/// «12 mars 2026, 14 h 05», in Paris.
pub fn moment(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&chrono_tz::Europe::Paris);
    format!("{}, {}\u{a0}h\u{a0}{:02}", day(local.date_naive()), local.hour(), local.minute())
}

/// «dans 3 jours», «aujourd'hui», «en retard de 2 jours».
pub fn distance(due: NaiveDate, today: NaiveDate) -> String {
    match (due - today).num_days() {
        0 => "aujourd'hui".to_owned(),
        1 => "demain".to_owned(),
        -1 => "en retard d'un jour".to_owned(),
        n if n > 60 => format!("dans {}\u{a0}mois", n / 30),
        n if n > 0 => format!("dans {n}\u{a0}jours"),
        n if n < -60 => format!("en retard de {}\u{a0}mois", -n / 30),
        n => format!("en retard de {}\u{a0}jours", -n),
    }
}

/// «1 284».
pub fn count(n: impl TryInto<i64>) -> String {
    let n: i64 = n.try_into().unwrap_or(i64::MAX);
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "−" } else { "" });
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

/// «1 dépôt», «3 dépôts»: below two is singular in French.
pub fn plural(n: impl TryInto<i64>, one: &str, many: &str) -> String {
    let n: i64 = n.try_into().unwrap_or(i64::MAX);
    format!("{}\u{a0}{}", count(n), if n < 2 { one } else { many })
}

/// «12,50»: a decimal comma, the thousands apart, a true minus.
pub fn number(x: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, x.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse::<i64>().map_or_else(|_| whole.to_owned(), count);
    let negative = x < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    format!("{}{whole}{}{fraction}", if negative { "−" } else { "" }, if fraction.is_empty() { "" } else { "," })
}

/// «2,0 Go», «412 Ko».
pub fn bytes(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
    let x = n as f64;
    match n {
        0..1_000 => plural(n, "octet", "octets"),
        1_000..1_000_000 => format!("{}\u{a0}Ko", number(x / 1e3, 0)),
        1_000_000..1_000_000_000 => format!("{}\u{a0}Mo", number(x / 1e6, 1)),
        _ => format!("{}\u{a0}Go", number(x / 1e9, 1)),
    }
}

/// «mars 2026», or that there is one file for the whole time.
pub fn period(period: Option<Period>) -> String {
    period.map_or_else(|| "toute la durée".to_owned(), Period::in_french)
}

/// First letter in upper case.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// What makes a spreadsheet take a text for a formula, at its start: OWASP's list, with the wide forms that some versions read alike.
const RUNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A cell of a CSV file that a French spreadsheet opens: quoted where needed; what would run as a formula there begins with an
/// apostrophe, a number excepted.
pub fn csv_cell(text: &str) -> String {
    let runs = text.starts_with(RUNS) && !is_signed_number(text);
    let text = if runs { format!("'{text}") } else { text.to_owned() };
    if text.contains([';', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Whether this is a sign and a plain number: digits, spaces between them, one decimal mark at most.
fn is_signed_number(text: &str) -> bool {
    let Some(number) = text.strip_prefix(['+', '-']) else { return false };
    let marks = number.matches([',', '.']).count();
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit())
        && marks <= 1
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | ' ' | '\u{a0}' | '\u{202f}'))
}

/// A text as XML holds it, in an element or an attribute; what XML 1.0 cannot hold becomes «▢».
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('▢'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_run() {
        assert_eq!(csv_cell("a;b"), "\"a;b\"");
        assert_eq!(csv_cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(csv_cell("demandes.csv"), "demandes.csv");
        for number in ["-3,5", "+12", "-1 234.5", "-1\u{202f}234"] {
            assert_eq!(csv_cell(number), number);
        }
        for formula in ["-1+1", "-", "+A1", "@SUM(A1)", "-3,5,1", "-2+cmd|' /C calc'!A0", "\t=1", "\u{ff1d}1+1"] {
            assert_eq!(csv_cell(formula), format!("'{formula}"));
        }
        assert_eq!(csv_cell("\n=1"), "\"'\n=1\"");
    }

    #[test]
    fn numbers_and_dates_are_french() {
        assert_eq!(count(1_284_000), "1\u{a0}284\u{a0}000");
        assert_eq!(number(-1234.567, 2), "−1\u{a0}234,57");
        assert_eq!(number(-0.001, 1), "0,0");
        assert_eq!(plural(1, "ligne", "lignes"), "1\u{a0}ligne");
        assert_eq!(bytes(2 * 1024 * 1024 * 1024), "2,1\u{a0}Go");
        let at = DateTime::parse_from_rfc3339("2026-03-12T13:05:00Z").unwrap().to_utc();
        assert_eq!(moment(at), "12\u{a0}mars 2026, 14\u{a0}h\u{a0}05");
        let d = |s: &str| s.parse::<NaiveDate>().unwrap();
        assert_eq!(distance(d("2026-03-15"), d("2026-03-12")), "dans 3\u{a0}jours");
        assert_eq!(distance(d("2026-03-11"), d("2026-03-12")), "en retard d'un jour");
    }
}
