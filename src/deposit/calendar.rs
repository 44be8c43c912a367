//! What a convention expects and when, and what came: the coverage of sites by periods.

use chrono::{Days, NaiveDate};

use crate::{
    convention::document::{Dataset, Document, Periodicity, Span, days},
    error::{Error, Result},
    ids::{Period, Siren},
    store::deposits::{Deposit, DepositState},
};

/// One file that a convention expects of each site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Name of the dataset.
    pub dataset: String,
    /// Month, or first month of the quarter; none where one file serves the whole time.
    pub period: Option<Period>,
    /// From this day on the file can be made: the day after the period's last one.
    pub ready: NaiveDate,
    /// Last day to send it.
    pub due: NaiveDate,
}

/// Where an expected file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Accepted(Deposit),
    /// Its check waits or runs.
    Running(Deposit),
    /// Its last file was refused.
    Refused(Deposit),
    /// Nothing came, and the due day is past.
    Late,
    /// Nothing came, and the period is over.
    Due,
    /// The period is not over.
    Later,
}

/// Every file that the convention expects of a site until `last_day`, its own or an early one, by dataset, then by period.
pub fn expected(document: &Document, last_day: NaiveDate) -> Vec<Expected> {
    let span = Span { end: document.period.end.min(last_day), ..document.period };
    document.datasets.iter().flat_map(|(name, dataset)| of_dataset(span, name, dataset)).collect()
}

fn of_dataset(span: Span, name: &str, dataset: &Dataset) -> Vec<Expected> {
    let delay = dataset.due.as_deref().and_then(days).unwrap_or(Days::new(0));
    let one = |period, last: NaiveDate| {
        let last = last.min(span.end);
        Expected {
            dataset: name.to_owned(),
            period,
            ready: last.succ_opt().unwrap_or(last),
            due: last.checked_add_days(delay).unwrap_or(last),
        }
    };
    // A weekly file is filed under its month: periods are months.
    let months = match dataset.periodicity {
        Periodicity::Once => return vec![one(None, span.end)],
        Periodicity::Week | Periodicity::Month => 1,
        Periodicity::Quarter => 3,
    };
    let mut all = Vec::new();
    let mut first = Period::containing(span.start);
    while first.start() <= span.end {
        let last = (1..months).fold(first, |p, _| p.next());
        all.push(one(Some(first), last.end()));
        first = last.next();
    }
    all
}

/// Where an expected file of a site stands today; `deposits` are in any order.
pub fn standing(expected: &Expected, site: &Siren, deposits: &[Deposit], today: NaiveDate) -> Standing {
    let mine = || deposits.iter().filter(|d| d.site == *site && d.dataset == expected.dataset && d.period == expected.period);
    let running = mine().filter(|d| !d.state.is_decided()).max_by_key(|d| (d.created_at, d.id));
    if let Some(current) = mine().find(|d| d.state == DepositState::Accepted) {
        return Standing::Accepted(current.clone());
    }
    if let Some(deposit) = running {
        return Standing::Running(deposit.clone());
    }
    if let Some(refused) = mine()
        .filter(|d| matches!(d.state, DepositState::Rejected | DepositState::AwaitingConfirmation))
        .max_by_key(|d| (d.created_at, d.id))
    {
        return Standing::Refused(refused.clone());
    }
    match today {
        _ if today > expected.due => Standing::Late,
        _ if today >= expected.ready => Standing::Due,
        _ => Standing::Later,
    }
}

/// Checks that `period` is one that the dataset asks for.
///
/// # Errors
/// `period_required`, `period_not_expected`, `period_outside`.
pub fn check_period(document: &Document, last_day: NaiveDate, dataset: &str, period: Option<Period>) -> Result<()> {
    let asked: Vec<_> = expected(document, last_day).into_iter().filter(|e| e.dataset == dataset).map(|e| e.period).collect();
    if asked.contains(&period) {
        return Ok(());
    }
    let list = || asked.iter().flatten().map(|p| p.in_french()).collect::<Vec<_>>().join(", ");
    Err(match period {
        None => Error::invalid("period_required", format!("Indiquez le mois auquel ce fichier se rapporte : {}.", list())),
        Some(_) if asked.contains(&None) => Error::invalid(
            "period_not_expected",
            "Ce jeu de données s'envoie en une fois, pour toute l'expérimentation : n'indiquez pas de mois.",
        ),
        Some(p) => {
            Error::invalid("period_outside", format!("La convention n'attend rien pour {} ; elle attend : {}.", p.in_french(), list()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(period: &str, periodicity: &str) -> Document {
        let json = format!(
            r#"{{"retex":1,"id":"x","title":"X","track":"t","period":{period},"parties":{{"metropole":{{"siren":"200054781"}},"sites":[]}},
            "datasets":{{"d":{{"title":"D","schema":{{}},"periodicity":"{periodicity}","due":"P10D"}}}},"uses":{{}},"retention":{{"months":1}},
            "evaluation":{{"design":"none","indicators":[]}}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn dates(document: &Document) -> Vec<(String, String)> {
        expected(document, document.period.end)
            .iter()
            .map(|e| (e.period.map(|p| p.to_string()).unwrap_or_default(), e.due.to_string()))
            .collect()
    }

    #[test]
    fn months_quarters_and_the_whole_time_fall_due() {
        let span = r#"{"start":"2026-01-05","end":"2026-04-15"}"#;
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            dates(&document(span, "month")),
            [pair("2026-01", "2026-02-10"), pair("2026-02", "2026-03-10"), pair("2026-03", "2026-04-10"), pair("2026-04", "2026-04-25")]
        );
        assert_eq!(dates(&document(span, "quarter")), [pair("2026-01", "2026-04-10"), pair("2026-04", "2026-04-25")]);
        assert_eq!(dates(&document(span, "once")), [pair("", "2026-04-25")]);
        // An early end cuts the months after it off.
        let early: Vec<_> = expected(&document(span, "month"), "2026-02-10".parse().unwrap());
        let early: Vec<_> = early.iter().map(|e| (e.period.map(|p| p.to_string()).unwrap_or_default(), e.due.to_string())).collect();
        assert_eq!(early, [pair("2026-01", "2026-02-10"), pair("2026-02", "2026-02-20")]);
    }

    #[test]
    fn nothing_sent_is_later_then_due_then_late() {
        let document = document(r#"{"start":"2026-01-05","end":"2026-04-15"}"#, "month");
        let e = &expected(&document, document.period.end)[0];
        let site = "219300068".parse().unwrap();
        let on = |day: &str| standing(e, &site, &[], day.parse().unwrap());
        assert_eq!(on("2026-01-31"), Standing::Later);
        assert_eq!(on("2026-02-01"), Standing::Due);
        assert_eq!(on("2026-02-10"), Standing::Due);
        assert_eq!(on("2026-02-11"), Standing::Late);
    }
}
