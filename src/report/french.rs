//! French as it is printed: numbers, dates, units, agreement, spaces.
//!
//! Thousands are set apart by a narrow non-breaking space (U+202F), a number and its unit by a non-breaking space
//! (U+00A0), the minus sign is U+2212 and the decimal mark a comma.

use chrono::{Datelike, NaiveDate};

use crate::ids::Period;

/// Non-breaking space.
pub const NBSP: char = '\u{a0}';
/// Narrow non-breaking space.
pub const NNBSP: char = '\u{202f}';

/// «1 284,50»; what is not a finite number is «–».
pub fn number(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return "–".to_owned();
    }
    let digits = format!("{:.decimals$}", x.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut out = String::with_capacity(digits.len() + 8);
    if x < 0.0 && digits.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
        out.push('−');
    }
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(NNBSP);
        }
        out.push(c);
    }
    if !fraction.is_empty() {
        out.push(',');
        out.push_str(fraction);
    }
    out
}

/// The same with its sign: «+2,4», «−2,4», «0,0».
pub fn signed(x: f64, decimals: usize) -> String {
    let text = number(x, decimals);
    let is_zero = !text.chars().any(|c| c.is_ascii_digit() && c != '0');
    if x > 0.0 && x.is_finite() && !is_zero { format!("+{text}") } else { text }
}

/// «1 284».
pub fn integer(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(NNBSP);
        }
        out.push(c);
    }
    out
}

/// Decimals that the uncertainty `half_width` justifies: one or two of its significant digits (the cut at 355 is the Particle
/// Data Group's), and one decimal below 10; two where it is unknown, six at most.
pub fn decimals(half_width: f64) -> usize {
    if !half_width.is_finite() || half_width <= 0.0 {
        return 2;
    }
    let least = if half_width < 10.0 { 1.0 } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=6 just before")]
    let n = (3.55 / half_width).log10().ceil().clamp(least, 6.0) as usize;
    n
}

/// «1 fichier», «2 fichiers», «aucun fichier» is the caller's: zero takes the singular, as French does.
pub fn count(n: u64, singular: &str, plural: &str) -> String {
    format!("{}{NBSP}{}", integer(n), if n < 2 { singular } else { plural })
}

/// A unit that agrees with `x`: singular where |x| < 2 (« 1,5 jour », « 0,8 heure »).
pub fn unit(x: f64, unit: &str) -> String {
    const ALWAYS: [&str; 6] = ["mois", "fois", "pas", "heures-personnes", "avis", "accès"];
    if x.abs() >= 2.0 {
        return unit.to_owned();
    }
    let (first, rest) = unit.split_once(' ').map_or((unit, ""), |(f, r)| (f, r));
    let word = first.len() > 3 && first.chars().all(char::is_lowercase) && first.ends_with('s') && !ALWAYS.contains(&first);
    let first = if word { &first[..first.len() - 1] } else { first };
    if rest.is_empty() { first.to_owned() } else { format!("{first} {rest}") }
}

const MONTHS: [&str; 12] =
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];

fn month(day: NaiveDate) -> &'static str {
    MONTHS[day.month0() as usize]
}

fn day_of_month(day: NaiveDate) -> String {
    if day.day() == 1 { "1er".to_owned() } else { day.day().to_string() }
}

/// «12 mars 2026», «1er avril 2026».
pub fn date(day: NaiveDate) -> String {
    format!("{}{NBSP}{}{NBSP}{}", day_of_month(day), month(day), day.year())
}

/// «du 5 janvier au 30 juin 2026».
pub fn span(start: NaiveDate, end: NaiveDate) -> String {
    let first = if start.year() != end.year() {
        date(start)
    } else if start.month() != end.month() {
        format!("{}{NBSP}{}", day_of_month(start), month(start))
    } else {
        day_of_month(start)
    };
    format!("du {first} au {}", date(end))
}

/// «a, b et c».
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => format!("{} et {}", head.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "), last.as_ref()),
    }
}

/// Months in runs: «janvier à mars 2026 et mai 2026». `months` is sorted and without repeats.
pub fn months(months: &[Period]) -> String {
    let mut runs: Vec<(Period, Period)> = Vec::new();
    for &m in months {
        match runs.last_mut() {
            Some((_, end)) if end.next() == m => *end = m,
            _ => runs.push((m, m)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(a, b)| {
            if a == b {
                return month_of(a);
            }
            let joint = if a.next() == b { "et" } else { "à" };
            let first = if a.start().year() == b.start().year() { month(a.start()).to_owned() } else { month_of(a) };
            format!("{first} {joint} {}", month_of(b))
        })
        .collect();
    // A run of two holds an «et»: commas keep the list readable.
    if words.len() > 1 && words.iter().any(|w| w.contains(" et ")) { words.join(", ") } else { list(&words) }
}

/// «mars 2026».
pub fn month_of(period: Period) -> String {
    period.in_french().replace(' ', "\u{a0}")
}

/// Sets the spaces that French asks for in a text of our own: before `: ; ! ? » %`, after `«` and between «n°» and its
/// number; and apostrophes. What people wrote is never passed through here.
pub fn typeset(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars
        .iter()
        .enumerate()
        .map(|(i, &c)| {
            let before = i.checked_sub(1).and_then(|j| chars.get(j));
            let after = chars.get(i + 1);
            let closes = matches!(after, Some(':' | ';' | '!' | '?' | '»' | '%'));
            match c {
                ' ' if closes || matches!(before, Some('«' | '°')) => NBSP,
                '\'' => '’',
                _ => c,
            }
        })
        .collect()
}

/// `relation-usagers` → «Relation usagers», for the names that a convention gives to machines.
pub fn humanise(slug: &str) -> String {
    let words = slug.replace(['-', '_'], " ");
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(s: &str) -> NaiveDate {
        s.parse().unwrap()
    }

    #[test]
    fn numbers_are_written_as_in_french() {
        assert_eq!(number(1_284.5, 2), "1\u{202f}284,50");
        assert_eq!(number(-1_234_567.0, 0), "−1\u{202f}234\u{202f}567");
        assert_eq!(number(-0.04, 1), "0,0", "no minus sign before zero");
        assert_eq!(number(f64::NAN, 1), "–");
        assert_eq!((signed(2.4, 1), signed(-2.4, 1), signed(0.01, 1)), ("+2,4".into(), "−2,4".into(), "0,0".into()));
        assert_eq!(
            (integer(999), integer(1_000), integer(12_345_678)),
            ("999".into(), "1\u{202f}000".into(), "12\u{202f}345\u{202f}678".into())
        );
    }

    #[test]
    fn decimals_follow_the_uncertainty() {
        for (half, expected) in [
            (120.0, 0),
            (12.0, 0),
            (5.3, 1),
            (1.2, 1),
            (0.98, 1),
            (0.12, 2),
            (0.05, 2),
            (0.02, 3),
            (0.0, 2),
            (f64::INFINITY, 2),
            (1e-12, 6),
        ] {
            assert_eq!(decimals(half), expected, "{half}");
        }
    }

    #[test]
    fn units_agree_below_two() {
        assert_eq!(unit(1.9, "jours"), "jour");
        assert_eq!(unit(-2.0, "jours"), "jours");
        assert_eq!(unit(0.5, "litres par usager"), "litre par usager");
        for same in ["kWh", "mois", "gCO₂eq", "m³", "%", ""] {
            assert_eq!(unit(1.0, same), same);
        }
    }

    #[test]
    fn dates_are_in_words() {
        assert_eq!(date(day("2026-03-12")), "12\u{a0}mars\u{a0}2026");
        assert_eq!(span(day("2026-01-05"), day("2026-06-30")), "du 5\u{a0}janvier au 30\u{a0}juin\u{a0}2026");
        assert_eq!(span(day("2026-01-01"), day("2026-01-31")), "du 1er au 31\u{a0}janvier\u{a0}2026");
        assert_eq!(span(day("2026-11-02"), day("2027-02-28")), "du 2\u{a0}novembre\u{a0}2026 au 28\u{a0}février\u{a0}2027");
    }

    #[test]
    fn months_are_said_in_runs() {
        let p = |s: &[&str]| s.iter().map(|m| m.parse().unwrap()).collect::<Vec<Period>>();
        assert_eq!(months(&p(&["2026-01", "2026-02", "2026-03", "2026-05"])), "janvier à mars\u{a0}2026 et mai\u{a0}2026");
        assert_eq!(months(&p(&["2026-12", "2027-01"])), "décembre\u{a0}2026 et janvier\u{a0}2027");
        assert_eq!(months(&p(&["2026-01", "2026-02", "2026-05"])), "janvier et février\u{a0}2026, mai\u{a0}2026");
        assert_eq!(months(&[]), "");
    }

    #[test]
    fn spaces_do_not_break_before_double_signs() {
        assert_eq!(typeset("Objectif : « 5 % » ; oui ?"), "Objectif\u{a0}: «\u{a0}5\u{a0}%\u{a0}»\u{a0}; oui\u{a0}?");
        assert_eq!(typeset("l'essai"), "l’essai");
        assert_eq!(list(&["a", "b", "c"]), "a, b et c");
        assert_eq!(humanise("relation-usagers"), "Relation usagers");
        assert_eq!(
            (count(1, "ligne", "lignes"), count(1_284, "ligne", "lignes")),
            ("1\u{a0}ligne".into(), "1\u{202f}284\u{a0}lignes".into())
        );
    }
}
