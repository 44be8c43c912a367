//! Sites × indicators.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    access::Actor,
    app::App,
    convention::register,
    error::{Error, Result},
    evaluation,
    evaluation::result::{Evaluation, IndicatorResult, SiteResult},
    http::{
        failure::{PageResult, html},
        load, present,
        state::{Signed, who},
        view::{Page, Tab},
    },
    report::{
        charts::{self, Theme},
        comparison::{self, Form},
        scale::{self, Display, pooled_value, treated},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "compare.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Compare {
    pub page: Page,
    pub lead: String,
    pub tabs: Vec<Tab>,
    pub base: String,
    pub caption: String,
    pub sorted_by: String,
    pub columns: Vec<CompareColumn>,
    pub rows: Vec<CompareRow>,
    pub pooled: Vec<CompareCell>,
    pub charts: Vec<(String, String, String)>,
    pub files: Vec<(&'static str, String)>,
}

/// One indicator.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareColumn {
    pub id: String,
    pub label: String,
    pub unit: String,
}

/// One site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareRow {
    pub site: String,
    pub cells: Vec<CompareCell>,
}

/// An estimate and its interval.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareCell {
    pub value: String,
    pub interval: String,
    pub key: Option<f64>,
}

/// The column that sorts.
#[derive(Debug, Default, Deserialize)]
pub struct Sorted {
    #[serde(default)]
    tri: String,
}

/// `GET /experimentations/{name}/comparer`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>, Query(sorted): Query<Sorted>) -> PageResult {
    if !load::sees_deposits(&actor) {
        return Err(load::absent().into());
    }
    let loaded = load::convention(&app, &actor, &name).await?;
    let snapshot = evaluation::latest(&app, &actor, &name).await?;
    let evaluation = snapshot.as_ref().map(|s| &s.evaluation);
    let results: &[IndicatorResult] = evaluation.map_or(&[], |e| &e.indicators);
    let base = loaded.base();
    let charts = results.iter().filter(|r| !r.sites.is_empty() && r.role == "primary");
    html(Compare {
        page: Page::new("Comparer", who(&actor), "experiments").under("Expérimentations", "/experimentations").under(&loaded.document.title, &base),
        lead: loaded.document.title.clone(),
        tabs: present::tabs(&loaded, &actor, "comparer"),
        caption: "Effet de l'essai dans chaque structure, ou niveau quand il n'y a pas de comparaison, avec son intervalle. Un titre de colonne trie le tableau.".to_owned(),
        sorted_by: sorted.tri.clone(),
        columns: results.iter().map(|r| CompareColumn { id: r.id.clone(), label: r.label.clone(), unit: unit(r) }).collect(),
        rows: evaluation.map(|e| rows(e, &sorted.tri)).unwrap_or_default(),
        pooled: results.iter().map(pooled).collect(),
        charts: charts.map(|r| (r.label.clone(), charts::chart(r, Theme::Page), format!("{base}/indicateurs/{}", r.id))).collect(),
        files: Form::ALL.map(|form| (form.label(), format!("{base}/comparaison/{}", form.file_name()))).to_vec(),
        base,
    })
}

/// `GET /experimentations/{name}/comparaison/{file}`: the same figures to take away, unrounded, and the scripts that compute them again.
pub async fn file(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, file)): Path<(String, String)>) -> PageResult {
    let form = Form::named(&file).filter(|form| form.file_name() == file && load::sees_deposits(&actor)).ok_or_else(load::absent)?;
    Ok(download(&app, &actor, &name, form).await?)
}

/// A comparison on its way out, as far as the reader may see it.
///
/// # Errors
/// As [`evaluation::latest`]; `NotFound` where nothing was computed yet.
pub async fn download(app: &App, actor: &Actor, name: &str, form: Form) -> Result<Response> {
    load::convention(app, actor, name).await?;
    let snapshot = evaluation::latest(app, actor, name).await?.ok_or_else(load::absent)?;
    // Of the version that it was computed under, which may not be the newest.
    let confidence = register::version(app, snapshot.head.convention_id).await?.convention.document.evaluation.confidence;
    let written = tokio::task::spawn_blocking(move || comparison::write(&snapshot.evaluation, confidence, form));
    let bytes = written.await.map_err(Error::internal)??;
    let disposition = format!("attachment; filename=\"{}\"", form.file_name());
    Ok(([(header::CONTENT_TYPE, form.media_type().to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

/// Whether a cell shows the level of the trial's group, and not an effect.
fn is_level(result: &IndicatorResult) -> bool {
    result.scale.is_none() || scale::is_level(result)
}

fn display(result: &IndicatorResult) -> Display {
    if is_level(result) { Display::of_levels(result) } else { Display::of_effects(result) }
}

fn unit(result: &IndicatorResult) -> String {
    let what = match (is_level(result), result.scale.as_deref()) {
        (true, _) => "niveau",
        (_, Some(s)) if s.starts_with("log_") => "rapport",
        _ => "écart",
    };
    display(result).unit_name().filter(|u| !u.is_empty()).map_or_else(|| what.to_owned(), |u| format!("{what}, {u}"))
}

fn cell(result: &IndicatorResult, site: &SiteResult) -> CompareCell {
    let display = display(result);
    let (value, ci) = if is_level(result) {
        let group = treated(&site.groups);
        (group.and_then(|g| g.mean), group.and_then(|g| g.ci))
    } else {
        (site.effect.estimate, site.effect.ci)
    };
    CompareCell {
        value: value.map_or_else(|| "–".to_owned(), |x| display.bare(x)),
        interval: ci.filter(|_| value.is_some()).map(|ci| display.bracket(ci)).unwrap_or_default(),
        key: value,
    }
}

/// One row per site that any indicator knows, sorted by name, or by an indicator's value with the missing last.
fn rows(evaluation: &Evaluation, sorted_by: &str) -> Vec<CompareRow> {
    let mut names: Vec<_> =
        evaluation.indicators.iter().flat_map(|r| r.sites.iter().map(|s| (s.site.name.clone(), s.site.siren.clone()))).collect();
    names.sort();
    names.dedup();
    let empty = || CompareCell { value: "–".to_owned(), interval: String::new(), key: None };
    let mut rows: Vec<CompareRow> = names
        .into_iter()
        .map(|(name, siren)| {
            // Sites whose names are not shown have one SIREN, which is nobody's.
            let is = |s: &&SiteResult| s.site.siren == siren && s.site.name == name;
            let of = |r: &IndicatorResult| r.sites.iter().find(is).map_or_else(empty, |s| cell(r, s));
            let cells = evaluation.indicators.iter().map(of).collect();
            CompareRow { site: name, cells }
        })
        .collect();
    if let Some(column) = evaluation.indicators.iter().position(|r| r.id == sorted_by) {
        let key = |row: &CompareRow| row.cells.get(column).and_then(|c| c.key).unwrap_or(f64::INFINITY);
        rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    }
    rows
}

fn pooled(result: &IndicatorResult) -> CompareCell {
    let display = Display::of_pooled(result);
    let pooled = pooled_value(result);
    CompareCell {
        value: pooled.map_or_else(|| "–".to_owned(), |(x, _)| display.bare(x)),
        interval: pooled.map(|(_, ci)| display.bracket(ci)).unwrap_or_default(),
        key: pooled.map(|(x, _)| x),
    }
}
