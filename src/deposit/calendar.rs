//! What is due, and when: the deposits that a convention asks of each of its sites.

use chrono::{Days, NaiveDate};

use crate::{
    convention::{
        document::{Dataset, Document, Periodicity, Span},
        perimeter::due_days,
    },
    error::{Error, Result},
    ids::Period,
};

/// One deposit asked of each site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Into which dataset.
    pub dataset: String,
    /// For which period; none for a dataset that is sent once.
    pub period: Option<Period>,
    /// Last day of the period.
    pub ends: NaiveDate,
    /// Last day to send it.
    pub by: NaiveDate,
}

/// Every deposit that the convention asks of a site, in the order of the datasets, then of time.
pub fn calendar(document: &Document) -> Vec<Due> {
    let datasets = document.datasets.iter();
    datasets.flat_map(|(name, dataset)| dues(name, dataset, document.period)).collect()
}

fn dues(name: &str, dataset: &Dataset, span: Span) -> Vec<Due> {
    let grace = Days::new(due_days(dataset.due.as_deref()));
    let due = |period: Option<Period>, ends: NaiveDate| {
        let ends = ends.min(span.end);
        Due { dataset: name.to_owned(), period, ends, by: ends + grace }
    };
    match dataset.periodicity {
        Periodicity::Once => vec![due(None, span.end)],
        // Weekly files go in by month: a month is the finest period that a deposit names.
        Periodicity::Week | Periodicity::Month => months(span).map(|p| due(Some(p), p.end())).collect(),
        Periodicity::Quarter => months(span).step_by(3).map(|p| due(Some(p), p.next().next().end())).collect(),
    }
}

fn months(span: Span) -> impl Iterator<Item = Period> {
    std::iter::successors(Some(Period::containing(span.start)), |p| Some(p.next())).take_while(move |p| p.start() <= span.end)
}

/// Checks that `period` is one that the dataset asks for.
///
/// # Errors
/// `period_required`, `period_not_expected`, `period_outside`.
pub fn check_period(document: &Document, dataset: &str, period: Option<Period>) -> Result<()> {
    let asked: Vec<_> = calendar(document).into_iter().filter(|d| d.dataset == dataset).map(|d| d.period).collect();
    if asked.contains(&period) {
        return Ok(());
    }
    let list = || asked.iter().flatten().map(|p| p.in_french()).collect::<Vec<_>>().join(", ");
    Err(match period {
        None => Error::invalid("period_required", format!("Indiquez le mois auquel ce fichier se rapporte : {}.", list())),
        Some(_) if asked.contains(&None) => {
            Error::invalid("period_not_expected", "Ce jeu de données s'envoie en une fois, pour toute l'expérimentation : n'indiquez pas de mois.")
        }
        Some(p) => {
            Error::invalid("period_outside", format!("La convention n'attend rien pour {} ; elle attend : {}.", p.in_french(), list()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(periodicity: &str) -> Dataset {
        serde_json::from_value(serde_json::json!({"title": "t", "schema": {}, "periodicity": periodicity, "due": "P10D"})).expect("dataset")
    }

    fn span(start: &str, end: &str) -> Span {
        Span { start: start.parse().expect("date"), end: end.parse().expect("date") }
    }

    #[test]
    fn months_are_due_after_their_end_and_the_last_one_after_the_experiment() {
        let dues = dues("demandes", &dataset("month"), span("2026-01-05", "2026-03-20"));
        let shown: Vec<_> = dues.iter().map(|d| format!("{} {} {}", d.period.expect("month"), d.ends, d.by)).collect();
        assert_eq!(shown, ["2026-01 2026-01-31 2026-02-10", "2026-02 2026-02-28 2026-03-10", "2026-03 2026-03-20 2026-03-30"]);
    }

    #[test]
    fn quarters_begin_with_the_experiment() {
        let dues = dues("d", &dataset("quarter"), span("2026-02-01", "2026-06-30"));
        let shown: Vec<_> = dues.iter().map(|d| format!("{} {}", d.period.expect("quarter"), d.ends)).collect();
        assert_eq!(shown, ["2026-02 2026-04-30", "2026-05 2026-06-30"]);
        assert_eq!(super::dues("d", &dataset("once"), span("2026-02-01", "2026-06-30")).len(), 1);
    }
}
