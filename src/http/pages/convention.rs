//! The convention, readable.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::header,
    response::IntoResponse,
};

use crate::{
    app::App,
    convention::document::Document,
    http::{
        failure::{PageResult, html},
        load, present,
        state::{Signed, who},
        view::{Fact, Page, Tab},
        words,
    },
    report::{
        agreed::{self, IndicatorView, UseView},
        describe::{self, ColumnView},
        french,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "convention.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ConventionPage {
    pub page: Page,
    pub title: String,
    pub version: i64,
    pub base: String,
    pub tabs: Vec<Tab>,
    pub summary: Option<String>,
    pub datasets: Vec<DatasetView>,
    pub uses: Vec<UseView>,
    pub plan: Vec<Fact>,
    pub indicators: Vec<IndicatorView>,
    pub facts: Vec<Fact>,
    pub parties: Vec<String>,
    pub sha256: String,
}

/// One dataset.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DatasetView {
    pub name: String,
    pub title: String,
    pub description: Option<String>,
    pub rhythm: String,
    pub columns: Vec<ColumnView>,
    pub rules: Vec<String>,
}

/// `GET /experimentations/{name}/convention`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let d = &loaded.document;
    let mut parties = vec![format!("{} (porteur)", load::organisation(&d.parties.metropole.siren))];
    parties.extend(d.parties.sites.iter().map(|p| loaded.site_name(&p.siren)));
    html(ConventionPage {
        page: Page::new("Convention", who(&actor), "experiments")
            .under("Expérimentations", "/experimentations")
            .under(&d.title, loaded.base()),
        title: d.title.clone(),
        version: loaded.head.version,
        base: loaded.base(),
        tabs: present::tabs(&loaded, &actor, "convention"),
        summary: d.summary.clone(),
        datasets: d.datasets.iter().map(|(name, dataset)| dataset_view(name, dataset)).collect(),
        uses: agreed::uses(d),
        plan: present::facts(&agreed::plan(d)),
        indicators: d.evaluation.indicators.iter().map(agreed::indicator).collect(),
        facts: facts(d),
        parties,
        sha256: loaded.head.sha256.clone(),
    })
}

/// `GET /experimentations/{name}/convention.json`.
pub async fn json(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let body = serde_json::to_string_pretty(&loaded.json).map_err(crate::error::Error::internal)?;
    Ok(download(&name, "json", "application/json", body).into_response())
}

/// `GET /experimentations/{name}/convention.yaml`.
pub async fn yaml(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    Ok(download(&name, "yaml", "application/yaml", describe::yaml(&loaded.json)).into_response())
}

/// `GET /experimentations/{name}/jeux/{dataset}/modele.csv`.
pub async fn template(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let schema = loaded.document.datasets.get(&dataset).ok_or_else(load::absent)?;
    Ok(download(&dataset, "csv", "text/csv; charset=utf-8", describe::template(schema)).into_response())
}

fn download(name: &str, extension: &str, kind: &'static str, body: String) -> impl IntoResponse + use<> {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body)
}

fn dataset_view(name: &str, dataset: &crate::convention::document::Dataset) -> DatasetView {
    DatasetView {
        name: name.to_owned(),
        title: dataset.title.clone(),
        description: dataset.description.clone(),
        rhythm: describe::rhythm(dataset),
        columns: describe::columns(dataset),
        rules: dataset.rules.iter().map(|r| r.message.clone()).collect(),
    }
}

fn facts(d: &Document) -> Vec<Fact> {
    let mut facts = vec![
        ("Parcours", french::humanise(&d.track)),
        ("Durée", french::span(d.period.start, d.period.end)),
        ("Conservation", format!("{} mois après la fin", d.retention.months)),
        ("Seuil de publication", words::plural(d.disclosure.minimum_cell, "personne au moins", "personnes au moins")),
    ];
    if let Some(p) = &d.provider {
        facts.push(("Prestataire", p.name.clone()));
        facts.extend(p.solution.clone().map(|s| ("Solution", s)));
        facts.extend(p.licence.clone().map(|s| ("Licence", s)));
        facts.extend(p.hosting.clone().map(|s| ("Hébergement", s)));
    }
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}
