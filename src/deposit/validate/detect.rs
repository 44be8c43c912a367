//! What nothing declares and the file alone tells: the decimal mark, and whether dates with slashes put the day first.
//!
//! The beginning of the file gives a first idea ([`Marks`]); every cell is then held against it ([`Evidence`]), and where the whole
//! file tells otherwise it is read again.

use std::collections::BTreeSet;

use super::read;
use crate::convention::rules::SHORT_YEARS;

/// How cells are read where nothing declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The decimal mark.
    pub decimal: char,
    /// Whether the file writes the month first: then no date with slashes is read, for none is sure.
    pub month_first: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self { decimal: '.', month_first: false }
    }
}

/// A cell that shows something worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Position of the field in the rules.
    pub field: usize,
    /// Physical row.
    pub row: u64,
    /// As written.
    pub text: String,
}

/// What the cells of a file show of how they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Numbers that only a comma, or only a point, makes one.
    commas: u64,
    points: u64,
    /// Whether one of them has its mark where thousands are never separated.
    surely_decimal: bool,
    /// The first that reads both ways: `1,234`.
    thousands: Option<Shown>,
    /// Dates with slashes whose first number is over 12, whose second is, and where neither is.
    day_first: u64,
    month_first: u64,
    ambiguous: u64,
    /// The first of the latter.
    ambiguous_at: Option<Shown>,
    /// The first year of two digits.
    pub short_year: Option<Shown>,
    /// The first number with a sign of percentage, per field, and whether it was divided by a hundred.
    pub percent: Vec<(Shown, bool)>,
    /// Notations of dates that were met.
    pub notations: BTreeSet<String>,
}

impl Evidence {
    /// Takes a number that was read, or not, with `mark`.
    pub fn number(&mut self, text: &str, mark: char, group: Option<char>, is_number: bool, at: impl Fn() -> Shown) {
        if text.len() > 64 {
            return;
        }
        let seen = if is_number {
            // A number is short: a byte after the other is the fastest way to look for one.
            text.bytes().any(|byte| char::from(byte) == mark).then_some(mark)
        } else {
            let other = if mark == ',' { '.' } else { ',' };
            (text.contains(other) && read::number(text, other, group, true).is_ok()).then_some(other)
        };
        let Some(seen) = seen else { return };
        *if seen == ',' { &mut self.commas } else { &mut self.points } += 1;
        if !self.surely_decimal {
            if may_separate_thousands(text, seen) {
                self.thousands.get_or_insert_with(at);
            } else {
                self.surely_decimal = true;
            }
        }
    }

    /// Takes a cell of a column of dates whose notation nothing declares.
    pub fn date(&mut self, text: &str, at: impl Fn() -> Shown) {
        let Some((a, b, _, digits)) = text.contains('/').then(|| text.split(' ').next().and_then(read::slashed)).flatten() else {
            return;
        };
        match (a, b) {
            (13..=31, 1..=12) => self.day_first += 1,
            (1..=12, 13..=31) => self.month_first += 1,
            // 5/5 reads the same both ways.
            (1..=12, 1..=12) if a != b => {
                self.ambiguous += 1;
                self.ambiguous_at.get_or_insert_with(&at);
            }
            _ => {}
        }
        if digits == 2 {
            self.short_year.get_or_insert_with(at);
        }
    }

    /// Takes a number with a sign of percentage.
    pub fn percent(&mut self, divided: bool, at: impl Fn() -> Shown) {
        let shown = at();
        if self.percent.iter().all(|(other, _)| other.field != shown.field) {
            self.percent.push((shown, divided));
        }
    }

    /// Takes what a later block shows.
    pub fn merge(&mut self, other: Self) {
        self.commas += other.commas;
        self.points += other.points;
        self.surely_decimal |= other.surely_decimal;
        self.thousands = self.thousands.take().or(other.thousands);
        self.day_first += other.day_first;
        self.month_first += other.month_first;
        self.ambiguous += other.ambiguous;
        self.ambiguous_at = self.ambiguous_at.take().or(other.ambiguous_at);
        self.short_year = self.short_year.take().or(other.short_year);
        for (shown, divided) in other.percent {
            self.percent(divided, || shown.clone());
        }
        self.notations.extend(other.notations);
    }

    /// How a file that shows this is to be read.
    pub fn marks(&self, delimiter: Option<char>) -> Marks {
        let comma = self.commas > self.points || (self.commas == self.points && self.commas > 0 && delimiter == Some(';'));
        Marks { decimal: if comma { ',' } else { '.' }, month_first: self.month_first > 0 && self.day_first == 0 }
    }

    /// Whether a cell told the decimal mark.
    pub fn decimal_seen(&self) -> bool {
        self.commas + self.points > 0
    }

    /// A date that was read day first with nothing in the file to show it: worth saying.
    pub fn unsure_date(&self) -> Option<&Shown> {
        self.ambiguous_at.as_ref().filter(|_| self.day_first == 0 && self.month_first == 0)
    }

    /// A number whose mark may be one of thousands, where nothing in the file shows that it is not: worth saying.
    pub fn unsure_number(&self) -> Option<&Shown> {
        self.thousands.as_ref().filter(|_| !self.surely_decimal)
    }
}

/// Whether a mark stands where thousands are separated: `1,234`, never `0,234` nor `1,5`.
pub fn may_separate_thousands(text: &str, mark: char) -> bool {
    let text = text.trim().trim_start_matches(['+', '-', '\u{2212}']);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text.split_once(mark)
        .is_some_and(|(whole, rest)| digits(whole) && whole.len() <= 3 && !whole.starts_with('0') && digits(rest) && rest.len() == 3)
}

/// The years that two digits stand for, as a person reads them.
pub fn short_years() -> String {
    format!("de {} à {}", SHORT_YEARS, SHORT_YEARS + 99)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Shown {
        Shown { field: 0, row: 2, text: "x".to_owned() }
    }

    #[test]
    fn a_mark_that_may_separate_thousands_is_unsure_until_a_cell_shows_otherwise() {
        let mut evidence = Evidence::default();
        evidence.number("1,234", ',', None, true, at);
        evidence.number("-12,500", ',', None, true, at);
        assert_eq!(evidence.unsure_number(), Some(&at()));
        evidence.number("0,234", ',', None, true, at);
        assert_eq!(evidence.unsure_number(), None);
        assert_eq!(evidence.marks(None).decimal, ',');
    }

    #[test]
    fn blocks_tell_what_the_whole_tells() {
        let cells = ["1,5", "2.5", "3,25", "12/03/2026", "03/25/2026", "1/2/26"];
        let see = |cells: &[&str]| {
            let mut evidence = Evidence::default();
            for cell in cells {
                let number = read::number(cell, '.', None, true).is_ok();
                evidence.number(cell, '.', None, number, at);
                evidence.date(cell, at);
            }
            evidence
        };
        let whole = see(&cells);
        for cut in 0..cells.len() {
            let mut merged = see(&cells[..cut]);
            merged.merge(see(&cells[cut..]));
            assert_eq!(merged, whole);
        }
        assert_eq!(whole.marks(None), Marks { decimal: ',', month_first: true });
    }
}
