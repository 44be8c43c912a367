//! The main picture, «résultats par structure»: a forest plot as SVG of our own, and its table. The same drawing serves the
//! pages, the HTML report and the PDF; only the colours and the font differ.
//!
//! An indicator without effects is drawn as levels: one value per site, treated filled, control hollow.

mod axis;
mod draw;
mod text;

use serde::Serialize;

use crate::{
    evaluation::result::{Group, IndicatorResult, Interval, SiteResult},
    report::{
        french::{self, NBSP, typeset},
        scale::{Display, Kind, control, is_level, pooled_value, treated, whole},
        sentence,
    },
};

/// Where a chart is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Inlined in a page: colours come from the page's custom properties (`--chart-ink`, `--chart-muted`, `--chart-line`,
    /// `--chart-accent`, `--chart-target`), else from `currentColor`; the font is the page's.
    Page,
    /// In a PDF: plain colours, Libertinus Serif.
    Print,
}

/// A value with its interval, on the axis: plain numbers, or logarithms where the axis is logarithmic.
#[derive(Debug, Clone)]
struct Mark {
    at: f64,
    low: Option<f64>,
    high: Option<f64>,
    /// Side of the square, in pixels.
    size: f64,
    filled: bool,
}

/// One site.
#[derive(Debug, Clone)]
struct Line {
    name: String,
    n: String,
    marks: Vec<Mark>,
    figures: String,
    reason: Option<String>,
}

/// All sites together.
#[derive(Debug, Clone)]
struct Summary {
    mark: Mark,
    figures: String,
    prediction: Option<([Option<f64>; 2], String)>,
}

/// What is drawn.
#[derive(Debug, Clone)]
struct Plot {
    id: String,
    title: String,
    description: String,
    head_n: String,
    head_figures: String,
    lines: Vec<Line>,
    summary: Option<Summary>,
    /// Where there is no effect.
    reference: Option<f64>,
    /// One line, or the two bounds of a margin.
    target: Vec<f64>,
    log: bool,
    axis_title: String,
    lower_is_better: bool,
    has_control_marks: bool,
    levels: bool,
}

/// The forest plot of an indicator's effects: one row per site, the pooled diamond, the prediction bar, the line of no effect
/// and that of the target.
pub fn forest(result: &IndicatorResult, theme: Theme) -> String {
    draw::svg(&effects(result), theme, f64::INFINITY).concat()
}

/// The levels of an indicator: one row per site.
pub fn levels(result: &IndicatorResult, theme: Theme) -> String {
    draw::svg(&level_plot(result), theme, f64::INFINITY).concat()
}

/// The chart that suits the indicator: its effects, or its levels where it has none or where the target is on them.
pub fn chart(result: &IndicatorResult, theme: Theme) -> String {
    parts(result, theme, f64::INFINITY).concat()
}

/// The same, cut into charts no taller than `max_height` (in the chart's own units, which are 760 across), with one axis.
pub fn parts(result: &IndicatorResult, theme: Theme, max_height: f64) -> Vec<String> {
    draw::svg(&if shows_levels(result) { level_plot(result) } else { effects(result) }, theme, max_height)
}

/// What the chart shows, in a sentence or two, for those who do not see it.
pub fn description(result: &IndicatorResult) -> String {
    if shows_levels(result) { level_plot(result).description } else { effects(result).description }
}

fn shows_levels(result: &IndicatorResult) -> bool {
    result.scale.is_none() || is_level(result) || result.pooled.between.is_some()
}

/// Code and name of the groups of a site, in the order of the columns; empty where there are none.
fn groups(result: &IndicatorResult) -> &'static [(&'static str, &'static str)] {
    const ARMS: &[(&str, &str)] = &[("treated", "Essai"), ("control", "Témoin")];
    const PHASES: &[(&str, &str)] = &[("trial", "Pendant"), ("baseline", "Avant")];
    const CHANGES: &[(&str, &str)] = &[
        ("treated_trial", "Essai, pendant"),
        ("treated_baseline", "Essai, avant"),
        ("control_trial", "Témoin, pendant"),
        ("control_baseline", "Témoin, avant"),
    ];
    let arms = || result.sites.iter().flat_map(|s| &s.groups).filter_map(|g| g.arm.as_deref());
    [ARMS, PHASES, CHANGES].into_iter().find(|set| arms().any(|a| set.iter().any(|(code, _)| *code == a))).unwrap_or(&[])
}

fn counts(site: &SiteResult) -> String {
    let n = |g: Option<&Group>| g.and_then(|g| g.n).map_or("–".to_owned(), french::integer);
    match (treated(&site.groups), control(&site.groups)) {
        (None, None) => "–".to_owned(),
        (t @ Some(g), None) if g.arm.is_none() => n(t),
        (Some(t), Some(c)) if t.n.is_none() && c.n.is_none() => "–".to_owned(),
        (t, c) => format!("{}{NBSP}/{NBSP}{}", n(t), n(c)),
    }
}

fn counts_head(result: &IndicatorResult) -> String {
    match groups(result) {
        [] => "Lignes".to_owned(),
        [(code, _), ..] if code.starts_with("trial") => format!("Pendant{NBSP}/{NBSP}avant"),
        _ => format!("Essai{NBSP}/{NBSP}témoin"),
    }
}

/// On the axis: points and percents are scaled, logarithms stay.
fn place(display: &Display, x: f64) -> f64 {
    if display.kind == Kind::Ratio { x } else { display.map(x) }
}

fn place_both(display: &Display, ci: Interval) -> [Option<f64>; 2] {
    ci.map(|b| b.map(|x| place(display, x)).filter(|x| x.is_finite()))
}

fn mark(display: &Display, at: f64, ci: Option<Interval>, size: f64, filled: bool) -> Mark {
    let [low, high] = ci.map_or([None, None], |c| place_both(display, c));
    Mark { at: place(display, at), low, high, size, filled }
}

fn figures(display: &Display, estimate: f64, ci: Option<Interval>) -> String {
    match ci {
        Some(ci) => format!("{}{NBSP}{}", display.bare(estimate), display.bracket(ci)),
        None => display.bare(estimate),
    }
}

/// The pooled value and what a new site may expect; none where it was not pooled over these values.
fn summary(result: &IndicatorResult, display: &Display) -> Option<Summary> {
    let random = result.pooled.random.as_ref()?;
    let prediction = place_both(display, random.prediction);
    Some(Summary {
        mark: mark(display, random.estimate, Some(random.adhoc.ci), 13.0, true),
        figures: figures(display, random.estimate, Some(random.adhoc.ci)),
        prediction: prediction.iter().any(Option::is_some).then(|| (prediction, display.bracket(random.prediction))),
    })
}

/// A stable identifier inside one page, from the indicator's.
fn element_id(result: &IndicatorResult) -> String {
    let safe: String = result.id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect();
    format!("chart-{safe}")
}

fn effects(result: &IndicatorResult) -> Plot {
    let display = Display::of_effects(result);
    let heaviest = result.sites.iter().filter_map(|s| s.effect.weight).fold(0.0, f64::max);
    let lines: Vec<Line> = result
        .sites
        .iter()
        .map(|site| {
            // The area says the weight, so that a site twice as heavy looks so.
            let size = match site.effect.weight {
                Some(w) if heaviest > 0.0 => 4.0 + 10.0 * (w.max(0.0) / heaviest).sqrt(),
                _ => 7.0,
            };
            let estimate = site.effect.estimate.filter(|x| x.is_finite());
            Line {
                name: site.site.name.clone(),
                n: counts(site),
                marks: estimate.map(|x| mark(&display, x, site.effect.ci, size, true)).into_iter().collect(),
                figures: estimate.map_or(String::new(), |x| figures(&display, x, site.effect.ci)),
                reason: estimate
                    .is_none()
                    .then(|| site.effect.reason.as_ref().map_or("Aucun effet estimé.".to_owned(), |r| r.message.clone())),
            }
        })
        .collect();
    let summary = if is_level(result) { None } else { summary(result, &display) };
    let target = result.target.as_ref().filter(|t| t.kind != "level").map_or(Vec::new(), |t| t.on_scale.clone());
    Plot {
        id: element_id(result),
        title: typeset(&format!("{} : résultats par structure", result.label)),
        description: describe(result, &lines),
        head_n: counts_head(result),
        head_figures: if display.kind == Kind::Ratio { "Rapport [intervalle]" } else { "Écart [intervalle]" }.to_owned(),
        lines,
        summary,
        reference: Some(0.0),
        target: target.into_iter().map(|x| place(&display, x)).filter(|x| x.is_finite()).collect(),
        log: display.kind == Kind::Ratio,
        axis_title: axis_title(result, &display),
        lower_is_better: result.better == "lower",
        has_control_marks: false,
        levels: false,
    }
}

fn level_plot(result: &IndicatorResult) -> Plot {
    let display = Display::of_levels(result);
    let mut has_control_marks = false;
    let lines: Vec<Line> = result
        .sites
        .iter()
        .map(|site| {
            let (t, c) = (treated(&site.groups), control(&site.groups));
            let value = |g: &Group| g.mean.filter(|x| x.is_finite());
            let mut marks = Vec::new();
            if let Some((g, x)) = t.and_then(|g| Some((g, value(g)?))) {
                marks.push(mark(&display, x, g.ci, 9.0, true));
            }
            if let Some((g, x)) = c.and_then(|g| Some((g, value(g)?))) {
                has_control_marks = true;
                marks.push(mark(&display, x, g.ci, 9.0, false));
            }
            let shown = [t, c].into_iter().flatten().find_map(|g| Some(figures(&display, value(g)?, g.ci)));
            let reason = || t.and_then(|g| g.reason.as_ref()).map_or("Aucune valeur.".to_owned(), |r| r.message.clone());
            Line {
                name: site.site.name.clone(),
                n: counts(site),
                reason: marks.is_empty().then(reason),
                marks,
                figures: shown.unwrap_or_default(),
            }
        })
        .collect();
    let summary = if is_level(result) { summary(result, &display) } else { None };
    let target = result.target.as_ref().filter(|t| t.kind == "level").map_or(Vec::new(), |t| t.on_scale.clone());
    Plot {
        id: element_id(result),
        title: typeset(&format!("{} : valeur de chaque structure", result.label)),
        description: describe(result, &lines),
        head_n: counts_head(result),
        head_figures: match groups(result).first().filter(|_| has_control_marks && result.pooled.between.is_none()) {
            Some((_, name)) => format!("{name} [intervalle]"),
            None => "Valeur [intervalle]".to_owned(),
        },
        lines,
        summary,
        reference: None,
        target: target.into_iter().map(|x| place(&display, x)).filter(|x| x.is_finite()).collect(),
        log: false,
        axis_title: axis_title(result, &display),
        lower_is_better: result.better == "lower",
        has_control_marks,
        levels: true,
    }
}

fn axis_title(result: &IndicatorResult, display: &Display) -> String {
    let name = if display.signed || display.kind == Kind::Ratio {
        match result.scale.as_deref() {
            Some("log_odds_ratio") => "Rapport des cotes",
            Some("log_risk_ratio") => "Rapport des parts",
            Some("log_ratio_of_means") => "Rapport des moyennes",
            Some("log_ratio_of_ratios") => "Rapport",
            Some("hedges_g") => "Écart standardisé",
            _ => "Écart",
        }
    } else {
        "Valeur"
    };
    display.unit_name().filter(|u| !u.is_empty()).map_or(name.to_owned(), |u| format!("{name}, en {u}"))
}

fn describe(result: &IndicatorResult, lines: &[Line]) -> String {
    let shown = lines.iter().filter(|l| !l.marks.is_empty()).count() as u64;
    let mut text = format!("{} avec une valeur", french::count(shown, "structure", "structures"));
    let without = lines.len() as u64 - shown;
    if without > 0 {
        text += &format!(", {without} sans valeur");
    }
    text.push('.');
    if let Some((estimate, ci)) = pooled_value(result) {
        let display = Display::of_pooled(result);
        text += &format!(" Ensemble : {}, intervalle {}.", display.value(estimate), display.interval(ci));
    }
    if let Some(target) = sentence::target(result) {
        text += &format!(" Objectif : {target}.");
    }
    text += if result.better == "lower" { " Une valeur plus basse est meilleure." } else { " Une valeur plus haute est meilleure." };
    typeset(&(text + " Le tableau qui suit donne les mêmes chiffres."))
}

/// What a row of the table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// One site.
    Site,
    /// All sites together.
    Pooled,
    /// A site that would be added.
    Prediction,
}

/// One row; the first cell is its header.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is about.
    pub kind: RowKind,
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// Why cells are empty.
    pub note: Option<String>,
}

/// The chart's text alternative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// Names of the columns; the first is that of the row headers.
    pub columns: Vec<String>,
    /// Sites in the chart's order, then the pooled value.
    pub rows: Vec<Row>,
}

/// The same figures as the chart, and the level of every group.
pub fn table(result: &IndicatorResult) -> Table {
    let (levels, effects) = (Display::of_levels(result), Display::of_effects(result));
    let (groups, has_effects, pools_levels) = (groups(result), result.scale.is_some(), is_level(result));
    let with_unit =
        |name: &str, d: &Display| d.column_unit().filter(|u| !u.is_empty()).map_or(name.to_owned(), |u| format!("{name} ({u})"));
    let lines = if groups.is_empty() { "Lignes".to_owned() } else { format!("Lignes, {}", counts_head(result).to_lowercase()) };
    let mut columns = vec!["Structure".to_owned(), lines];
    if groups.is_empty() {
        columns.extend([with_unit("Valeur", &levels), "Intervalle".to_owned()]);
    }
    columns.extend(groups.iter().map(|(_, name)| with_unit(name, &levels)));
    let first_effect = columns.len();
    if has_effects {
        let name = if effects.kind == Kind::Ratio { "Rapport" } else { "Écart" };
        columns.extend([with_unit(name, &effects), "Intervalle".to_owned(), "Poids".to_owned()]);
    }
    let dash = || "–".to_owned();
    let bracket = |d: &Display, ci: Option<Interval>| ci.map_or_else(dash, |ci| d.bracket(ci));
    let level = |g: Option<&Group>| g.and_then(|g| g.mean).map_or_else(dash, |x| levels.bare(x));
    let site_row = |site: &SiteResult| {
        let own = treated(&site.groups);
        let mut cells = vec![site.site.name.clone(), counts(site)];
        if groups.is_empty() {
            cells.extend([level(own), bracket(&levels, own.and_then(|g| g.ci))]);
        }
        cells.extend(groups.iter().map(|(code, _)| level(whole(&site.groups).find(|g| g.arm.as_deref() == Some(code)))));
        if has_effects {
            cells.extend([
                site.effect.estimate.map_or_else(dash, |x| effects.bare(x)),
                bracket(&effects, site.effect.ci),
                site.effect.weight.map_or_else(dash, |w| format!("{}{NBSP}%", french::number(w, 1))),
            ]);
        }
        let reason = match has_effects {
            true if site.effect.estimate.is_none() => site.effect.reason.as_ref(),
            false if own.is_none_or(|g| g.mean.is_none()) => own.and_then(|g| g.reason.as_ref()),
            _ => None,
        };
        Row { kind: RowKind::Site, cells, note: reason.map(|r| r.message.clone()) }
    };
    let display = if pools_levels { &levels } else { &effects };
    // The pooled value stands under what it pools.
    let column = if pools_levels { 2 } else { first_effect };
    let summary_row = |kind, name: &str, value: String, interval: Interval| {
        let mut cells = vec![String::new(); columns.len()];
        cells[0] = name.to_owned();
        let interval = display.bracket(interval);
        if pools_levels && !groups.is_empty() {
            cells[column] = format!("{value} {interval}").trim().to_owned();
        } else if let Some([first, second]) = cells.get_mut(column..column + 2) {
            (*first, *second) = (value, interval);
        }
        Row { kind, cells, note: None }
    };
    let mut rows: Vec<Row> = result.sites.iter().map(site_row).collect();
    if let Some((estimate, ci)) = pooled_value(result) {
        rows.push(summary_row(RowKind::Pooled, "Ensemble", display.bare(estimate), ci));
    }
    if let Some(random) = result.pooled.random.as_ref().filter(|r| r.prediction.iter().any(Option::is_some)) {
        rows.push(summary_row(RowKind::Prediction, "Nouvelle structure (prédiction)", String::new(), random.prediction));
    }
    Table { columns, rows }
}
