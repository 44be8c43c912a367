//! The convention, readable.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    response::Response,
};
use serde::Deserialize;

use super::{
    convention_acts::{attachment, withdrawable},
    standing::{self, PartyRow, VersionRow},
};

use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::AgreedVersion,
        document::{Dataset, Document},
        perimeter::Role,
    },
    error::{Error, Result},
    http::{
        failure::{PageResult, html},
        load::{self, Loaded},
        present,
        state::{Signed, who},
        view::{Fact, Markup, Notice, Page, State, Tab},
        words,
    },
    report::{
        agreed::{self, IndicatorView, UseView},
        describe::{self, ColumnView},
        french,
        given::{self, Form},
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
    pub sha256: String,
    pub notice: Option<Notice>,
    pub badge: Markup,
    pub sign: Option<String>,
    pub signed_version: i64,
    pub parties: Vec<PartyRow>,
    pub blocks: Vec<String>,
    pub versions: Vec<VersionRow>,
    pub acts: Vec<(String, String)>,
}

/// What has just been done.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    fait: String,
}

impl Done {
    fn notice(&self) -> Option<Notice> {
        let title = match self.fait.as_str() {
            "signature" => "Votre signature est enregistrée",
            "enregistrement" => "La signature est enregistrée",
            "retrait" => "La version est retirée",
            "fin" => "La convention est arrêtée",
            _ => return None,
        };
        Some(Notice::new(State::Ok, title, Vec::new()))
    }
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
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>, Query(done): Query<Done>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let (d, today) = (&loaded.document, load::today(&app));
    let version = standing::shown(&loaded, &actor, today);
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
        sha256: loaded.head.sha256.clone(),
        notice: done.notice(),
        badge: standing::badge(loaded.agreement.version_state(version, today)),
        sign: standing::to_sign(&loaded.agreement, &actor).map(|_| format!("{}/signature", loaded.base())),
        signed_version: version.head.version,
        parties: standing::parties(&app, &loaded, &actor, version, today).await?,
        blocks: standing::blocks(&loaded.agreement, version, today),
        versions: standing::versions(&loaded, &actor, today),
        acts: acts(&loaded, &actor, version),
    })
}

/// What an officer may do from here: words and address.
fn acts(loaded: &Loaded, actor: &Actor, version: &AgreedVersion) -> Vec<(String, String)> {
    if actor.role != Role::Officer {
        return Vec::new();
    }
    let base = loaded.base();
    let mut acts = Vec::new();
    if loaded.agreement.open().is_some() && loaded.agreement.terminated.is_none() {
        let copy = format!("{base}/versions/{}/convention.pdf?copie=a-signer", version.head.version);
        acts.push(("Télécharger l'exemplaire à signer".to_owned(), copy));
        acts.push(("Enregistrer une signature donnée ailleurs".to_owned(), format!("{base}/signature/document")));
    }
    // A version that waits is signed or taken back before there is another.
    if loaded.agreement.terminated.is_some() {
        return acts;
    }
    if withdrawable(&loaded.agreement).is_some() {
        acts.push(("Retirer la version ouverte".to_owned(), format!("{base}/convention/retrait")));
    } else {
        acts.push(("Préparer un avenant".to_owned(), format!("/conventions/nouvelle?convention={}#existante", loaded.head.name)));
    }
    if loaded.agreement.versions().iter().any(|v| v.bound().is_some()) {
        acts.push(("Arrêter la convention avant son terme".to_owned(), format!("{base}/convention/fin")));
    }
    acts
}

/// `GET /experimentations/{name}/convention.json`.
pub async fn json(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    let body = serde_json::to_string_pretty(&loaded.json).map_err(Error::internal)?;
    Ok(attachment(&name, "json", "application/json", body))
}

/// `GET /experimentations/{name}/convention.yaml`.
pub async fn yaml(Extract(app): Extract<App>, Signed(actor): Signed, Path(name): Path<String>) -> PageResult {
    let loaded = load::convention(&app, &actor, &name).await?;
    Ok(attachment(&name, "yaml", "application/yaml", describe::yaml(&loaded.json)))
}

/// A form of a dataset of the version that holds for the person.
pub async fn given(app: &App, actor: &Actor, name: &str, dataset: &str, form: Form) -> Result<Response> {
    let loaded = load::convention(app, actor, name).await?;
    let version = loaded.agreement.version(loaded.head.id).ok_or_else(load::absent)?;
    let (schema, rules) = loaded.document.datasets.get(dataset).zip(version.convention.rules.get(dataset)).ok_or_else(load::absent)?;
    let given = given::give(form, &loaded.document, dataset, schema, rules)?;
    Ok(attachment(&given.name, given.extension, given.media_type, given.bytes))
}

/// `GET /experimentations/{name}/jeux/{dataset}/modele.csv`.
pub async fn csv_template(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    Ok(given(&app, &actor, &name, &dataset, Form::Csv).await?)
}

/// `GET /experimentations/{name}/jeux/{dataset}/modele.xlsx`.
pub async fn workbook(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    Ok(given(&app, &actor, &name, &dataset, Form::Workbook).await?)
}

/// `GET /experimentations/{name}/jeux/{dataset}/dictionnaire.md`.
pub async fn dictionary(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    Ok(given(&app, &actor, &name, &dataset, Form::Dictionary).await?)
}

/// `GET /experimentations/{name}/jeux/{dataset}/table-schema.json`.
pub async fn table_schema(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    Ok(given(&app, &actor, &name, &dataset, Form::TableSchema).await?)
}

/// `GET /experimentations/{name}/jeux/{dataset}/schema.json`.
pub async fn json_schema(Extract(app): Extract<App>, Signed(actor): Signed, Path((name, dataset)): Path<(String, String)>) -> PageResult {
    Ok(given(&app, &actor, &name, &dataset, Form::JsonSchema).await?)
}

fn dataset_view(name: &str, dataset: &Dataset) -> DatasetView {
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
