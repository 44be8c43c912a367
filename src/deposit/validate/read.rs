//! From the text of a cell to a value: numbers, truth values, days and instants as town halls write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

use crate::convention::rules::{Dates, Notation, SHORT_YEARS, Words};

/// Why a cell is not of its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Not a number at all.
    NotANumber,
    /// A number that is not whole.
    NotWhole,
    /// NaN, infinite, or beyond what a number holds.
    NotFinite,
    /// Neither true nor false.
    NotABoolean,
    /// Not a date in an expected notation.
    NotADate,
    /// A date in an expected notation that no calendar has.
    NoSuchDate,
    /// Month first, which a French file does not write.
    MonthFirst,
    /// A day and an hour where a day is expected.
    NotADay,
    /// Of another type, in a format that has types.
    WrongType,
    /// An error of the spreadsheet.
    CellError,
}

/// What separates thousands: spaces of every width.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

/// A number in plain notation, or why not. `decimal` is the only mark.
pub fn number(text: &str, decimal: char, group: Option<char>, bare: bool) -> Result<f64, Failure> {
    if let Some(value) = digits_alone(text, decimal) {
        return Ok(value);
    }
    let plain = plain_number(text, decimal, group, bare)?;
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(Failure::NotFinite),
        Err(_) => Err(Failure::NotANumber),
    }
}

/// Powers of ten that a float holds exactly.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of up to fifteen digits, a sign before them and a mark among them, as nearly all are. Its digits and the power of ten are floats
/// exactly, so that their quotient is rounded once, as the number's text would be (Clinger, «How to read floating point numbers accurately»,
/// 1990). None for any other text.
fn digits_alone(text: &str, decimal: char) -> Option<f64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.len() > 16 {
        return None;
    }
    let (mut whole, mut count, mut before) = (0u64, 0usize, None);
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            whole = whole * 10 + u64::from(digit);
            count += 1;
        } else if char::from(byte) == decimal && before.is_none() {
            before = Some(count);
        } else {
            return None;
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits are below 2^53")]
    let value = whole as f64 / TENS[before.map_or(0, |before| count - before)];
    Some(if negative { -value } else { value })
}

/// The number without the sign of a unit after it, and whether that is a percentage: `95 %`, `12,50 €`. None where there is none.
pub fn without_unit(text: &str) -> Option<(&str, bool)> {
    let text = text.trim();
    let (number, percent) = match text.strip_suffix('%') {
        Some(number) => (number, true),
        None => (["€", "EUR", "euros", "euro"].iter().find_map(|unit| text.strip_suffix(unit))?, false),
    };
    Some((number.trim_end_matches(is_space), percent))
}

/// A whole number, or why not. `fraction` accepts `3,0`.
pub fn integer(text: &str, decimal: char, group: Option<char>, bare: bool, fraction: bool) -> Result<i64, Failure> {
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    let plain = plain_number(text, decimal, group, bare)?;
    if let Ok(value) = plain.parse() {
        return Ok(value);
    }
    let value: f64 = plain.parse().map_err(|_| Failure::NotANumber)?;
    if plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')) || value.abs() >= 9.2e18 {
        return Err(Failure::NotFinite);
    }
    if !fraction || value.fract() != 0.0 {
        return Err(Failure::NotWhole);
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within i64, checked above")]
    Ok(value as i64)
}

/// The number as Rust reads it: a point for the mark, no thousands.
fn plain_number(text: &str, decimal: char, group: Option<char>, bare: bool) -> Result<String, Failure> {
    let mut text = text.trim();
    if !bare {
        text = text.trim_matches(|c: char| !c.is_ascii_digit() && !matches!(c, '+' | '-' | '\u{2212}') && c != decimal);
    }
    let lower = text.trim_start_matches(['+', '-']);
    if lower.len() <= 8 && ["nan", "inf", "infinity"].iter().any(|w| lower.eq_ignore_ascii_case(w)) {
        return Err(Failure::NotFinite);
    }
    let mut plain = String::with_capacity(text.len());
    // Digits since the last thousands separator; none seen before the first.
    let (mut run, mut grouped, mut whole) = (0usize, false, true);
    for c in text.chars() {
        match c {
            '0'..='9' => {
                run += 1;
                plain.push(c);
            }
            '+' | '-' => plain.push(c),
            '\u{2212}' => plain.push('-'),
            _ if c == decimal || matches!(c, 'e' | 'E') => {
                if whole && grouped && run != 3 {
                    return Err(Failure::NotANumber);
                }
                whole = false;
                plain.push(if c == decimal { '.' } else { 'e' });
            }
            _ if whole && (is_space(c) || group == Some(c)) => {
                if run == 0 || run > 3 || (grouped && run != 3) {
                    return Err(Failure::NotANumber);
                }
                grouped = true;
                run = 0;
            }
            _ => return Err(Failure::NotANumber),
        }
    }
    if whole && grouped && run != 3 {
        return Err(Failure::NotANumber);
    }
    Ok(plain)
}

/// True or false, in the declared words or in French and English ones.
pub fn boolean(text: &str, words: Option<&Words>) -> Result<bool, Failure> {
    if let Some(words) = words {
        let fold = |s: &str| s.trim().to_lowercase();
        let is = |list: &[String]| list.iter().any(|w| w == text || (!words.exact && fold(w) == fold(text)));
        return if is(&words.yes) {
            Ok(true)
        } else if is(&words.no) {
            Ok(false)
        } else {
            Err(Failure::NotABoolean)
        };
    }
    let text = text.trim();
    let is = |list: [&str; 5]| list.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(["true", "vrai", "oui", "o", "1"]) {
        Ok(true)
    } else if is(["false", "faux", "non", "n", "0"]) {
        Ok(false)
    } else {
        Err(Failure::NotABoolean)
    }
}

/// Digits of a date written with slashes: first, second, year, and how many digits the year has.
pub fn slashed(text: &str) -> Option<(u32, u32, i32, usize)> {
    let mut parts = text.trim().splitn(3, '/');
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |s: &str, range: std::ops::RangeInclusive<usize>| range.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(a, 1..=2) || !digits(b, 1..=2) || !(digits(year, 2..=2) || digits(year, 4..=4)) {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?, year.parse().ok()?, year.len()))
}

/// An ISO day, `2026-03-12`; an error tells a day that no calendar has from what is no date.
fn iso_day(text: &str) -> Result<NaiveDate, Failure> {
    let bytes = text.trim().as_bytes();
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return Err(Failure::NotADate);
    }
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else { return Err(Failure::NotADate) };
    i32::try_from(year).ok().and_then(|y| NaiveDate::from_ymd_opt(y, month, day)).ok_or(Failure::NoSuchDate)
}

/// The year that two digits stand for: the hundred years from [`SHORT_YEARS`] on.
fn of_two_digits(year: i32) -> i32 {
    let century = SHORT_YEARS - SHORT_YEARS % 100;
    if year < SHORT_YEARS % 100 { century + 100 + year } else { century + year }
}

fn in_notation(text: &str, notation: Notation) -> Result<NaiveDate, Failure> {
    let day_month = |digits: usize| {
        let (day, month, year, width) = slashed(text).filter(|s| s.3 == digits).ok_or(Failure::NotADate)?;
        let year = if width == 2 { of_two_digits(year) } else { year };
        NaiveDate::from_ymd_opt(year, month, day).ok_or(Failure::NoSuchDate)
    };
    let serial = || {
        let days = text.trim().parse::<u64>().ok().filter(|days| *days < 100_000).ok_or(Failure::NotADate)?;
        let zero = notation.day_zero().ok_or(Failure::NoSuchDate)?;
        zero.checked_add_days(chrono::Days::new(days)).ok_or(Failure::NoSuchDate)
    };
    match notation {
        Notation::Iso => iso_day(text),
        Notation::Serial1900 | Notation::Serial1904 => serial(),
        Notation::DayMonthYear => day_month(4),
        Notation::DayMonthShortYear => day_month(2),
    }
}

const MONTHS: [&str; 12] =
    ["janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre", "novembre", "decembre"];

/// Any usual notation, day first.
fn any_day(text: &str) -> Result<NaiveDate, Failure> {
    let text = text.trim();
    let usual = text.replace(['-', '.', ' '], "/");
    if let Some((day, month, year, 4)) = slashed(&usual) {
        return NaiveDate::from_ymd_opt(year, month, day).ok_or(Failure::NoSuchDate);
    }
    if usual.len() == 10 && usual.as_bytes()[4] == b'/' {
        return iso_day(&usual.replace('/', "-"));
    }
    let folded = text.to_lowercase().replace('é', "e").replace('û', "u").replace("1er", "1");
    let mut words = folded.split_whitespace();
    if let (Some(day), Some(month), Some(year), None) = (words.next(), words.next(), words.next(), words.next())
        && let (Ok(day), Some(month), Ok(year)) = (day.parse(), (1u32..).zip(MONTHS).find(|(_, m)| *m == month), year.parse())
    {
        return NaiveDate::from_ymd_opt(year, month.0, day).ok_or(Failure::NoSuchDate);
    }
    Err(Failure::NotADate)
}

/// The notations of [`Dates::Detect`].
pub const DETECTED: [Notation; 3] = [Notation::Iso, Notation::DayMonthYear, Notation::DayMonthShortYear];

/// A day, and the notation that it is written in, by name.
pub fn day<'d>(text: &str, dates: &'d Dates) -> Result<(NaiveDate, &'d str), Failure> {
    let among = |notations: &[Notation]| {
        let mut failure = Failure::NotADate;
        for &notation in notations {
            match in_notation(text, notation) {
                Ok(day) => return Ok((day, notation.name())),
                Err(other) if other == Failure::NoSuchDate => failure = other,
                Err(_) => {}
            }
        }
        Err(failure)
    };
    match dates {
        Dates::Detect => among(&DETECTED),
        Dates::Notations(notations) => among(notations),
        Dates::Any => among(&DETECTED).or_else(|_| any_day(text).map(|day| (day, "any"))),
        Dates::Pattern(pattern) => {
            let text = text.trim();
            let parsed = NaiveDate::parse_from_str(text, pattern).ok().filter(|d| (0..=9999).contains(&chrono::Datelike::year(d)));
            parsed.map(|day| (day, pattern.as_str())).ok_or_else(|| shaped_like_a_date(text))
        }
    }
}

/// A date that no calendar has, when digits are where a pattern would have them; else no date.
fn shaped_like_a_date(text: &str) -> Failure {
    match iso_day(text) {
        Err(Failure::NoSuchDate) => Failure::NoSuchDate,
        _ => Failure::NotADate,
    }
}

/// A day and hour, local, and the notation of its day. An offset is converted to Paris time.
pub fn instant<'d>(text: &str, dates: &'d Dates) -> Result<(NaiveDateTime, &'d str), Failure> {
    let text = text.trim();
    if let Dates::Pattern(pattern) = dates {
        let parsed = NaiveDateTime::parse_from_str(text, pattern).ok();
        let zoned =
            || chrono::DateTime::parse_from_str(text, pattern).ok().map(|t| t.with_timezone(&chrono_tz::Europe::Paris).naive_local());
        return parsed.or_else(zoned).map(|t| (t, pattern.as_str())).ok_or(Failure::NotADate);
    }
    let Some(cut) = text.find(['T', 't']).or_else(|| text.rfind(' ')).filter(|at| *at >= 8) else {
        // A day alone has no hour, but where anything goes.
        let alone = day(text, dates)?;
        return if *dates == Dates::Any { Ok((alone.0.and_time(NaiveTime::MIN), alone.1)) } else { Err(Failure::NotADate) };
    };
    let (date, clock) = (&text[..cut], &text[cut + 1..]);
    let (day, notation) = day(date, dates)?;
    let (clock, offset) = split_offset(clock);
    let time = time(clock)?;
    let local = day.and_time(time);
    let Some(offset) = offset else { return Ok((local, notation)) };
    let offset = chrono::FixedOffset::east_opt(offset).ok_or(Failure::NotADate)?;
    let zoned = offset.from_local_datetime(&local).single().ok_or(Failure::NoSuchDate)?;
    Ok((zoned.with_timezone(&chrono_tz::Europe::Paris).naive_local(), notation))
}

/// An hour with or without seconds and fractions.
fn time(text: &str) -> Result<NaiveTime, Failure> {
    let shaped = text.as_bytes().get(2) == Some(&b':') && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b','));
    if !shaped {
        return Err(Failure::NotADate);
    }
    let text = text.replace(',', ".");
    let format = if text.len() == 5 { "%H:%M" } else { "%H:%M:%S%.f" };
    NaiveTime::parse_from_str(&text, format).map_err(|_| Failure::NoSuchDate)
}

/// Cuts `Z`, `+01:00` or `+0100` off; seconds east of Greenwich.
fn split_offset(clock: &str) -> (&str, Option<i32>) {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']) {
        return (clock, Some(0));
    }
    let Some(at) = clock.rfind(['+', '-']) else { return (clock, None) };
    let digits: String = clock[at + 1..].chars().filter(|c| *c != ':').collect();
    let seconds = (digits.len() == 4)
        .then(|| Some(digits.get(..2)?.parse::<i32>().ok()? * 3600 + digits.get(2..)?.parse::<i32>().ok()? * 60))
        .flatten();
    let sign = if clock[at..].starts_with('-') { -1 } else { 1 };
    seconds.map_or((clock, None), |seconds| (&clock[..at], Some(sign * seconds)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_town_halls_write_them() {
        let read = |text: &str| number(text, ',', None, true);
        for (text, value) in [
            ("-3,5", -3.5),
            ("1 234,5", 1234.5),
            ("1\u{202f}234\u{a0}567,25", 1_234_567.25),
            (" 12 ", 12.0),
            ("+3", 3.0),
            (",5", 0.5),
            ("\u{2212}2", -2.0),
            ("1,5e3", 1500.0),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        for text in ["1.5", "1 23,5", "12 34", "1 2345", "12%", "deux", "", "-", "1,2,3", "0x10", "1 234,", " ", "1e", "12 €"] {
            if text != "1 234," {
                assert_eq!(read(text), Err(Failure::NotANumber), "{text}");
            }
        }
        for text in ["NaN", "inf", "-Infinity", "1e999"] {
            assert_eq!(read(text), Err(Failure::NotFinite), "{text}");
        }
        assert_eq!(number("95 %", '.', None, false), Ok(95.0));
        assert_eq!(number("1.234,5", ',', Some('.'), true), Ok(1234.5));
    }

    proptest! {
        /// The short way gives the bits of the long one.
        #[test]
        fn numbers_read_the_short_way_are_those_of_the_library(text in "[+-]?[0-9]{0,9}([.][0-9]{0,7})?") {
            match digits_alone(&text, '.') {
                Some(value) => prop_assert_eq!(Ok(value.to_bits()), text.parse::<f64>().map(f64::to_bits)),
                None => prop_assert!(text.parse::<f64>().is_err() || text.bytes().filter(u8::is_ascii_digit).count() > 15, "{}", text),
            }
        }
    }

    #[test]
    fn units_are_left_out() {
        assert_eq!(without_unit("95\u{a0}%"), Some(("95", true)));
        assert_eq!(without_unit("1 234,50 €"), Some(("1 234,50", false)));
        assert_eq!(without_unit("12 EUR"), Some(("12", false)));
        assert_eq!(without_unit("12 kg"), None);
        assert_eq!(without_unit("%"), Some(("", true)));
    }

    #[test]
    fn whole_numbers_are_exact() {
        let read = |text: &str| integer(text, ',', None, true, true);
        assert_eq!(read("9007199254740993"), Ok(9_007_199_254_740_993));
        assert_eq!(read("1 234"), Ok(1234));
        assert_eq!(read("3,0"), Ok(3));
        assert_eq!(read("3,5"), Err(Failure::NotWhole));
        assert_eq!(read("99999999999999999999"), Err(Failure::NotFinite));
        assert_eq!(integer("3,0", ',', None, true, false), Err(Failure::NotWhole));
    }

    #[test]
    fn dates_are_read_in_their_notation_only() {
        let on = |text: &str, dates: &Dates| day(text, dates).map(|(d, n)| (d.to_string(), n.to_owned()));
        let detect = Dates::Detect;
        assert_eq!(on("12/03/2026", &detect), Ok(("2026-03-12".into(), "dd/mm/yyyy".into())));
        assert_eq!(on("1/7/2015", &detect), Ok(("2015-07-01".into(), "dd/mm/yyyy".into())));
        assert_eq!(on("2026-03-12", &detect), Ok(("2026-03-12".into(), "iso".into())));
        assert_eq!(on("30/02/2026", &detect), Err(Failure::NoSuchDate));
        assert_eq!(on("2026-02-30", &detect), Err(Failure::NoSuchDate));
        assert_eq!(on("24-06-2019", &Dates::Pattern("%Y-%m-%d".into())), Err(Failure::NotADate));
        assert_eq!(on("24-06-2019", &detect), Err(Failure::NotADate));
        assert_eq!(on("12/03/26", &Dates::Notations(vec![Notation::DayMonthShortYear])), Ok(("2026-03-12".into(), "dd/mm/yy".into())));
        assert_eq!(on("1er août 2026", &Dates::Any), Ok(("2026-08-01".into(), "any".into())));
        assert_eq!(on("12/03/26", &detect), Ok(("2026-03-12".into(), "dd/mm/yy".into())));
        assert_eq!(on("12/03/85", &detect), Ok(("1985-03-12".into(), "dd/mm/yy".into())));
        assert_eq!(on("46093", &Dates::Notations(vec![Notation::Serial1900])), Ok(("2026-03-12".into(), "serial-1900".into())));
        assert_eq!(on("44631", &Dates::Notations(vec![Notation::Serial1904])), Ok(("2026-03-12".into(), "serial-1904".into())));
        assert_eq!(on("46093", &detect), Err(Failure::NotADate));
        for text in ["", "é", "２０２６-03-12", "2026-3-12", "0/0/2026x", "////"] {
            assert!(on(text, &detect).is_err(), "{text}");
        }
    }

    #[test]
    fn hours_with_an_offset_become_paris_time() {
        let at = |text: &str| instant(text, &Dates::Detect).map(|(t, _)| t.to_string());
        assert_eq!(at("2026-03-12T14:05:00Z"), Ok("2026-03-12 15:05:00".into()));
        assert_eq!(at("2026-07-12T14:05:00+02:00"), Ok("2026-07-12 14:05:00".into()));
        assert_eq!(at("2026-03-12 14:05"), Ok("2026-03-12 14:05:00".into()));
        assert_eq!(at("12/03/2026 14:05:30"), Ok("2026-03-12 14:05:30".into()));
        assert_eq!(at("2026-03-12T25:00:00"), Err(Failure::NoSuchDate));
        assert_eq!(at("2026-03-12"), Err(Failure::NotADate));
    }
}
