//! Whether a file tells of what it is for: days of its period without a row, rows of another period, rows of another site. Pure.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use polars::prelude::{DataFrame, DataType};

use super::report::{CellFault, CheckReport, RuleCount};
use crate::{
    convention::document::{Coverage, Dataset, Document, Every, Periodicity},
    ids::{Period, Siren},
    territory::{self, Organisation, OrganisationKind},
    words,
};

/// Ranges of days named in one sentence.
const RANGES: usize = 10;

/// What a file is for.
pub(super) struct Subject<'a> {
    pub document: &'a Document,
    pub dataset: &'a Dataset,
    pub site: &'a Siren,
    pub period: Option<Period>,
    pub today: NaiveDate,
}

/// Adds to the report what the rows of a good file say of days and sites; lists at most `limit` faults.
pub(super) fn check(subject: &Subject<'_>, table: &DataFrame, report: &mut CheckReport, limit: usize) {
    if let Some(coverage) = &subject.dataset.coverage {
        days(subject, coverage, table, report, limit);
    }
    sites(subject, table, report, limit);
}

/// First and last day for which data may come: the convention's period, and the baseline that its plan names.
pub(super) fn agreed(document: &Document) -> (NaiveDate, NaiveDate) {
    let baseline = document.evaluation.phases.as_ref().and_then(|phases| phases.baseline);
    (baseline.map_or(document.period.start, |[start, _]| start.min(document.period.start)), document.period.end)
}

/// First and last day of the period that a file is for.
fn span(subject: &Subject<'_>) -> (NaiveDate, NaiveDate) {
    let Some(first) = subject.period else { return agreed(subject.document) };
    let last = match subject.dataset.periodicity {
        Periodicity::Quarter => first.next().next(),
        Periodicity::Once | Periodicity::Week | Periodicity::Month => first,
    };
    (first.start(), last.end())
}

fn days(subject: &Subject<'_>, coverage: &Coverage, table: &DataFrame, report: &mut CheckReport, limit: usize) {
    let Some(dates) = dates(table, &coverage.date) else { return };
    let (start, end) = span(subject);
    outside(&dates, (start, end), coverage, report, limit);
    // Nothing is asked of days before the experiment, nor of today, which is not over.
    let (first, last) = agreed(subject.document);
    let (start, end) = (start.max(first), end.min(last).min(subject.today.pred_opt().unwrap_or(subject.today)));
    let mut told: Vec<NaiveDate> = dates.into_iter().flatten().map(|day| coverage.every.first(day)).collect();
    told.sort_unstable();
    told.dedup();
    let asked = start.iter_days().take_while(|day| *day <= end);
    let missing: Vec<NaiveDate> =
        asked.filter(|day| coverage.every.is_asked(*day, start, end) && told.binary_search(day).is_err()).collect();
    if missing.is_empty() {
        return;
    }
    let count = missing.len();
    let message = match coverage.every {
        Every::Day => format!(
            "Aucune ligne pour {}\u{a0}: {}. Si des données existent pour ces jours, ajoutez-les et déposez de nouveau.",
            words::plural(count as u64, "jour", "jours"),
            ranges(&missing)
        ),
        Every::Week => format!(
            "Aucune ligne pour {}\u{a0}: {}. Si des données existent pour ces semaines, ajoutez-les et déposez de nouveau.",
            words::plural(count as u64, "semaine", "semaines"),
            named(missing.iter().map(|day| format!("celle du {}", words::day(*day))), count)
        ),
    };
    let code = if coverage.every == Every::Day { "missing_days" } else { "missing_weeks" };
    report.warn(std::iter::once(CellFault { column: Some(coverage.date.clone()), ..CellFault::of_file(code, message) }), limit);
}

impl Every {
    /// The day that stands for the day or the week of a row.
    fn first(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day),
        }
    }

    /// Whether a row is asked for the day or the week that begins on this day; of a week, only where all of it is in the span.
    fn is_asked(self, day: NaiveDate, start: NaiveDate, end: NaiveDate) -> bool {
        match self {
            Self::Day => true,
            Self::Week => {
                day.weekday() == chrono::Weekday::Mon && day >= start && day.checked_add_days(Days::new(6)).is_some_and(|last| last <= end)
            }
        }
    }
}

/// Refuses rows dated outside the period of the file: they would count in another one.
fn outside(dates: &[Option<NaiveDate>], (start, end): (NaiveDate, NaiveDate), coverage: &Coverage, report: &mut CheckReport, limit: usize) {
    let strays: Vec<(usize, NaiveDate)> =
        dates.iter().enumerate().filter_map(|(row, day)| day.filter(|d| *d < start || *d > end).map(|d| (row, d))).collect();
    if strays.is_empty() {
        return;
    }
    let rows = report.physical_rows(strays.iter().map(|(row, _)| *row));
    let of = format!("du {} au {}", words::day(start), words::day(end));
    let faults = strays.iter().zip(rows).map(|((_, day), row)| CellFault {
        row,
        column: Some(coverage.date.clone()),
        value: Some(day.format("%d/%m/%Y").to_string()),
        rule: Some("/coverage/date".to_owned()),
        expected: Some(format!("une date {of}")),
        ..CellFault::of_file(
            "outside_period",
            format!("Cette ligne est du {}, hors de la période de ce fichier ({of}). Déposez-la avec sa période.", words::day(*day)),
        )
    });
    let count = strays.len() as u64;
    let message = format!("Des lignes sont datées hors de la période de ce fichier, {of}. Déposez-les avec leur période.");
    let group = RuleCount { code: "outside_period".to_owned(), column: Some(coverage.date.clone()), count, message };
    report.refuse(group, count, faults, limit);
}

/// Warns of rows whose commune or structure is another party of the convention: they may have come with somebody else's export.
fn sites(subject: &Subject<'_>, table: &DataFrame, report: &mut CheckReport, limit: usize) {
    let own = territory::by_siren(subject.site);
    let parties = &subject.document.parties.sites;
    let foreign = |code: &str| {
        let other = territory::by_code(code.trim())?;
        let is_party = parties.iter().any(|party| party.siren == other.siren);
        (is_party && other.siren != *subject.site && !own.is_some_and(|own| one_holds_the_other(own, other))).then_some(other)
    };
    for key in subject.dataset.foreign_keys.iter().filter(|key| key.reference == "territory") {
        let [column] = key.fields.as_slice() else { continue };
        let Some(cells) = texts(table, column) else { continue };
        let mut found: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
        for (row, code) in cells.into_iter().enumerate() {
            if let Some(code) = code
                && let Some(other) = foreign(&code)
            {
                found.entry(other.name).or_default().push((row, code));
            }
        }
        for (name, cells) in found {
            let rows = report.physical_rows(cells.iter().map(|(row, _)| *row));
            let lines = words::plural(cells.len() as u64, "ligne porte", "lignes portent");
            let message = format!(
                "Colonne «\u{a0}{column}\u{a0}»\u{a0}: {lines} le code d'une autre structure de l'expérimentation, {name}. Vérifiez que ce fichier ne contient que vos données."
            );
            let warnings = cells.into_iter().zip(rows).map(|((_, code), row)| CellFault {
                row,
                column: Some(column.clone()),
                value: Some(code),
                ..CellFault::of_file("other_site", message.clone())
            });
            report.warn(warnings, limit);
        }
    }
}

/// An EPT tells of its communes, and a commune may tell of its EPT.
fn one_holds_the_other(a: &Organisation, b: &Organisation) -> bool {
    let holds = |ept: &Organisation, commune: &Organisation| ept.kind == OrganisationKind::Ept && commune.ept.as_ref() == Some(&ept.siren);
    holds(a, b) || holds(b, a)
}

/// The day of each row; none where there is no such column of dates.
fn dates(table: &DataFrame, column: &str) -> Option<Vec<Option<NaiveDate>>> {
    let days = table.column(column).ok()?.cast(&DataType::Date).ok()?.cast(&DataType::Int32).ok()?;
    // polars counts from 1970-01-01.
    let day = |n: i32| n.checked_add(719_163).and_then(NaiveDate::from_num_days_from_ce_opt);
    Some(days.i32().ok()?.iter().map(|n| n.and_then(day)).collect())
}

fn texts(table: &DataFrame, column: &str) -> Option<Vec<Option<String>>> {
    let text = table.column(column).ok()?.cast(&DataType::String).ok()?;
    Some(text.str().ok()?.iter().map(|t| t.map(str::to_owned)).collect())
}

/// «le 2 mars 2026, du 7 mars 2026 au 8 mars 2026»: the first ranges of sorted days.
fn ranges(days: &[NaiveDate]) -> String {
    let mut all: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for day in days {
        match all.last_mut() {
            Some((_, end)) if end.succ_opt() == Some(*day) => *end = *day,
            _ => all.push((*day, *day)),
        }
    }
    let count = all.len();
    let said = all
        .into_iter()
        .map(|(a, b)| if a == b { format!("le {}", words::day(a)) } else { format!("du {} au {}", words::day(a), words::day(b)) });
    named(said, count)
}

fn named(all: impl Iterator<Item = String>, count: usize) -> String {
    let more = count.saturating_sub(RANGES);
    let and = if more > 0 { format!(" et {more} de plus") } else { String::new() };
    format!("{}{and}", all.take(RANGES).collect::<Vec<_>>().join(", "))
}
