//! From the domain's data to the rows that several pages show.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{
    load::{self, Line, Loaded},
    view::{Cell, DepositRow, ExperimentRow, Markup, Matrix, MatrixRow, RexRow, State, Tab, VerdictRow},
    words,
};
use crate::{
    access::Actor,
    convention::document::{Document, Plan},
    deposit::calendar::Standing,
    evaluation::result::{Evaluation, IndicatorResult, Verdict},
    ids::Siren,
    report::{
        Fact,
        scale::{self, Display},
        sentence,
    },
    store::{
        deposits::{Deposit, DepositState},
        rex::RexRow as StoredRex,
    },
};

/// Terms and texts, for a page.
pub fn facts(facts: &[Fact]) -> Vec<(String, String)> {
    facts.iter().map(|f| (f.term.clone(), f.text.clone())).collect()
}

/// State of a deposit in words.
pub fn deposit_badge(state: DepositState) -> Markup {
    match state {
        DepositState::Received => State::Todo.badge("Reçu"),
        DepositState::Checking => State::Todo.badge("En contrôle"),
        DepositState::Accepted => State::Ok.badge("Accepté"),
        DepositState::AwaitingConfirmation => State::Todo.badge("À confirmer"),
        DepositState::Rejected => State::No.badge("Refusé"),
        DepositState::Superseded => State::Open.badge("Remplacé"),
        DepositState::Withdrawn => State::Open.badge("Retiré"),
        DepositState::Purged => State::Open.badge("Données détruites"),
    }
}

/// A deposit in a list; `experiment` is left out on the experiment's own pages.
pub fn deposit_row(deposit: &Deposit, loaded: &Loaded, with_experiment: bool) -> DepositRow {
    DepositRow {
        href: format!("/depots/{}", deposit.id),
        file: deposit.file_name.clone(),
        site: loaded.site_name(&deposit.site),
        dataset: loaded.dataset_title(&deposit.dataset),
        experiment: if with_experiment { loaded.document.title.clone() } else { String::new() },
        period: words::period(deposit.period),
        received: words::moment(deposit.created_at),
        rows: deposit.rows.map_or_else(|| "–".to_owned(), words::count),
        badge: deposit_badge(deposit.state),
    }
}

/// An experiment in a list.
pub fn experiment_row(loaded: &Loaded, lines: &[Line], today: NaiveDate) -> ExperimentRow {
    let span = loaded.document.period;
    let (accepted, due) = counts(lines);
    let late = lines.iter().filter(|l| matches!(l.standing, Standing::Late)).count();
    let badge = match () {
        () if late > 0 => State::Todo.badge(&words::plural(late as u64, "dépôt en retard", "dépôts en retard")),
        () if today < span.start => State::Open.badge("À venir"),
        () if today > span.end => State::Ok.badge("Terminée"),
        () => State::Ok.badge("En cours"),
    };
    ExperimentRow {
        href: loaded.base(),
        title: loaded.document.title.clone(),
        track: crate::report::french::humanise(&loaded.document.track),
        span: crate::report::french::span(span.start, span.end),
        sites: words::count(loaded.document.parties.sites.len() as u64),
        coverage: format!("{} sur {}", words::count(accepted), words::count(due)),
        badge,
    }
}

/// Accepted files, and files that should be there by now (or are).
pub fn counts(lines: &[Line]) -> (u64, u64) {
    let accepted = lines.iter().filter(|l| matches!(l.standing, Standing::Accepted(_))).count() as u64;
    let awaited = lines.iter().filter(|l| !matches!(l.standing, Standing::Later | Standing::Accepted(_))).count() as u64;
    (accepted, accepted + awaited)
}

/// The tabs of an experiment.
pub fn tabs(loaded: &Loaded, actor: &Actor, here: &str) -> Vec<Tab> {
    let base = loaded.base();
    let mut tabs = vec![("", "Vue d'ensemble", base.clone()), ("convention", "Convention", format!("{base}/convention"))];
    tabs.push(("versions", "Versions", format!("{base}/versions")));
    if load::sees_deposits(actor) {
        tabs.push(("comparer", "Comparer", format!("{base}/comparer")));
        if load::evaluates(actor) {
            tabs.push(("evaluation", "Évaluation", format!("{base}/evaluation")));
        }
        tabs.push(("depots", "Dépôts", format!("/depots?experimentation={}", loaded.head.name)));
    }
    tabs.into_iter().map(|(name, label, href)| (label.to_owned(), href, name == here)).collect()
}

/// Coverage matrices, one per dataset.
pub fn matrices(loaded: &Loaded, lines: &[Line], may_deposit: bool) -> Vec<Matrix> {
    let mut all: BTreeMap<usize, Matrix> = BTreeMap::new();
    for line in lines {
        let index = loaded.document.datasets.get_index_of(&line.expected.dataset).unwrap_or(usize::MAX);
        let matrix = all.entry(index).or_insert_with(|| Matrix {
            title: loaded.dataset_title(&line.expected.dataset),
            periods: lines
                .iter()
                .filter(|l| l.expected.dataset == line.expected.dataset && l.site == line.site)
                .map(|l| short_period(l.expected.period))
                .collect(),
            rows: Vec::new(),
        });
        let site = loaded.site_name(&line.site);
        let cell = matrix_cell(loaded, line, may_deposit);
        match matrix.rows.last_mut().filter(|row| row.site == site) {
            Some(row) => row.cells.push(cell),
            None => matrix.rows.push(MatrixRow { site, cells: vec![cell] }),
        }
    }
    all.into_values().collect()
}

/// «mars 26»: short enough for a column.
fn short_period(period: Option<crate::ids::Period>) -> String {
    const SHORT: [&str; 12] = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."];
    use chrono::Datelike;
    period.map_or_else(|| "toute la durée".to_owned(), |p| format!("{} {}", SHORT[p.start().month0() as usize], p.start().year()))
}

fn matrix_cell(loaded: &Loaded, line: &Line, may_deposit: bool) -> Cell {
    let due = words::day(line.expected.due);
    let page = |d: &Deposit| Some(format!("/depots/{}", d.id));
    let form = || may_deposit.then(|| form_href(loaded, line));
    let (state, label, href) = match &line.standing {
        Standing::Accepted(d) => (State::Ok, format!("accepté, {}", words::plural(d.rows.unwrap_or(0), "ligne", "lignes")), page(d)),
        Standing::Running(d) => (State::Todo, "en contrôle".to_owned(), page(d)),
        Standing::Refused(d) => (State::No, "à corriger".to_owned(), page(d)),
        Standing::Late => (State::Todo, format!("en retard, attendu le {due}"), form()),
        Standing::Due => (State::Open, format!("à déposer avant le {due}"), form()),
        Standing::Later => (State::Open, format!("attendu le {due}"), None),
    };
    Cell { state, label, href }
}

/// Address of the form that sends this expected file.
pub fn form_href(loaded: &Loaded, line: &Line) -> String {
    format!("/depots/nouveau?cible={}", target(loaded, &line.expected.dataset, line.expected.period))
}

/// Names a convention, a dataset and a period in one value: `convention/dataset/2026-03`.
pub fn target(loaded: &Loaded, dataset: &str, period: Option<crate::ids::Period>) -> String {
    format!("{}/{dataset}/{}", loaded.head.name, period.map(|p| p.to_string()).unwrap_or_default())
}

/// Verdict in words.
pub fn verdict_state(verdict: Verdict) -> State {
    match verdict {
        Verdict::Reached => State::Ok,
        Verdict::Missed => State::No,
        Verdict::Provisional | Verdict::Inconclusive | Verdict::NotEvaluable | Verdict::None | Verdict::Withheld => State::Open,
    }
}

/// The verdict strip: primary indicators first.
pub fn verdict_rows(base: &str, evaluation: &Evaluation, document: &Document, own: Option<&Siren>) -> Vec<VerdictRow> {
    let mut results: Vec<&IndicatorResult> = evaluation.indicators.iter().collect();
    results.sort_by_key(|r| r.role != "primary");
    results.into_iter().map(|r| verdict_row(base, r, &document.evaluation, own)).collect()
}

/// «Votre structure : −2,9 jours (intervalle à 95 % : de −4,0 à −1,8 jours).»
fn own_value(result: &IndicatorResult, plan: &Plan, own: &Siren) -> Option<String> {
    let site = result.sites.iter().find(|s| s.site.siren == *own)?;
    let (display, value, ci) = if result.scale.is_none() || scale::is_level(result) {
        let group = scale::treated(&site.groups)?;
        (Display::of_levels(result), group.mean, group.ci)
    } else {
        (Display::of_effects(result), site.effect.estimate, site.effect.ci)
    };
    let interval = ci.map(|ci| format!(" ({}\u{a0}: {})", sentence::interval_name(plan), display.interval(ci))).unwrap_or_default();
    Some(format!("Votre structure\u{a0}: {}{interval}.", display.value(value?)))
}

fn verdict_row(base: &str, result: &IndicatorResult, plan: &Plan, own: Option<&Siren>) -> VerdictRow {
    let (_, label, _) = sentence::verdict(result);
    // The sentence already gives the estimate and its interval.
    let mut figures = Vec::new();
    if let Some(target) = sentence::target(result) {
        figures.push(format!("Objectif\u{a0}: {target}"));
    }
    if result.pooled.k > 0 {
        figures.push(words::plural(result.pooled.k, "structure", "structures"));
    }
    VerdictRow {
        href: format!("{base}/indicateurs/{}", result.id),
        badge: verdict_state(result.verdict).badge(label),
        label: result.label.clone(),
        own: own.and_then(|site| own_value(result, plan, site)),
        sentence: said_once(&sentence::conclusion(result, plan)),
        figures: figures.join(" · "),
    }
}

/// A conclusion without its first word where the badge beside it already says it.
pub fn said_once(conclusion: &str) -> String {
    words::sentence(conclusion.strip_prefix("Provisoire\u{a0}: ").unwrap_or(conclusion))
}

/// The REX of each site.
pub fn rex_rows(loaded: &Loaded, actor: &Actor, stored: &[StoredRex], today: NaiveDate) -> Vec<RexRow> {
    let Some(rex) = &loaded.document.rex else { return Vec::new() };
    let due = crate::convention::document::days(&rex.due).and_then(|d| loaded.last_day().checked_add_days(d));
    let row = |site: crate::ids::Siren| {
        let mine = stored.iter().find(|r| r.site == site);
        let submitted = mine.and_then(|r| r.submitted_at);
        let badge = match (submitted, mine) {
            (Some(_), _) => State::Ok.badge("Remis"),
            (None, Some(_)) => State::Todo.badge("Brouillon"),
            (None, None) => State::Open.badge("Pas commencé"),
        };
        let due = match (submitted, due) {
            (Some(at), _) => format!("remis le {}", words::day(words::today(at))),
            (None, Some(due)) => format!("{}, {}", words::day(due), words::distance(due, today)),
            (None, None) => "–".to_owned(),
        };
        RexRow { href: format!("{}/rex/{site}", loaded.base()), site: loaded.site_name(&site), badge, due }
    };
    loaded.sites_of(actor).into_iter().map(row).collect()
}
