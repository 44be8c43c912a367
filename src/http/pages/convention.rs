//! The convention, readable.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::header,
    response::IntoResponse,
};

use crate::{
    app::App,
    convention::document::{Better, Design, Document, Indicator, Role, SiteNaming, Statistic, Target},
    http::{
        describe,
        failure::{PageResult, html},
        load, present,
        state::{Signed, who},
        view::{Fact, Page, Tab},
        words,
    },
    report::{french, scale::short},
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
    pub uses: Vec<(String, String, String)>,
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

/// One column.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ColumnView {
    pub name: String,
    pub title: Option<String>,
    pub kind: String,
    pub expected: String,
    pub required: String,
    pub personal: String,
}

/// One indicator of the plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct IndicatorView {
    pub title: String,
    pub role: String,
    pub measure: String,
    pub better: String,
    pub target: String,
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
        uses: uses(d),
        plan: plan(d),
        indicators: d.evaluation.indicators.iter().map(indicator).collect(),
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

fn uses(d: &Document) -> Vec<(String, String, String)> {
    let titles = |names: &[String]| {
        let titles: Vec<&str> = names.iter().map(|n| d.datasets.get(n).map_or(n.as_str(), |s| s.title.as_str())).collect();
        titles.join(" ; ")
    };
    let none = || "–".to_owned();
    let mut uses = Vec::new();
    uses.push(match &d.uses.evaluation {
        Some(u) => ("Évaluation", titles(&u.datasets), "par les analystes et chargés de mission de la Métropole".to_owned()),
        None => ("Évaluation", none(), "non prévue".to_owned()),
    });
    uses.push(match &d.uses.comparison {
        Some(u) => {
            let how = match u.sites {
                SiteNaming::Named => "entre structures, avec leur nom",
                SiteNaming::Anonymous => "entre structures, sans leur nom",
            };
            ("Comparaison", titles(&u.datasets), how.to_owned())
        }
        None => ("Comparaison", none(), "non prévue".to_owned()),
    });
    for u in &d.uses.sharing {
        let until = u.until.map(|day| format!(", jusqu'au {}", words::day(day))).unwrap_or_default();
        uses.push(("Partage", titles(&u.datasets), format!("avec {}{until}", u.recipient)));
    }
    for u in &d.uses.open_data {
        uses.push(("Données ouvertes", titles(std::slice::from_ref(&u.dataset)), "publiées".to_owned()));
    }
    uses.into_iter().map(|(a, b, c)| (a.to_owned(), b, c)).collect()
}

/// The plan's facts, in words.
pub fn plan(d: &Document) -> Vec<Fact> {
    let e = &d.evaluation;
    let design = match e.design {
        Design::None => "niveaux seuls, sans comparaison",
        Design::BeforeAfter => "avant et pendant l'essai, dans les mêmes structures",
        Design::Controlled => "groupe assisté et groupe témoin, dans chaque structure",
        Design::DifferenceInDifferences => "groupe assisté et groupe témoin, avant et pendant l'essai",
    };
    let assignment = match e.assignment {
        crate::convention::document::Assignment::Random => "par tirage au sort",
        crate::convention::document::Assignment::Chosen => "sans tirage au sort",
    };
    let mut facts = vec![("Comparaison", design.to_owned())];
    if let Some(arms) = &e.arms {
        let text = format!("colonne «\u{a0}{}\u{a0}»\u{a0}: {} (assisté), {} (témoin)", arms.column, arms.treated, arms.control);
        facts.push(("Groupes", text));
        facts.push(("Répartition", assignment.to_owned()));
    }
    if let Some(phases) = &e.phases {
        let span = |[a, b]: [chrono::NaiveDate; 2]| french::span(a, b);
        facts.extend(phases.baseline.map(|b| ("Avant", span(b))));
        facts.push(("Essai", span(phases.trial)));
    }
    facts.push(("Confiance des intervalles", format!("{}\u{a0}%", short(100.0 * e.confidence))));
    facts.push(("Risque d'erreur accepté", format!("{}\u{a0}%", short(100.0 * e.planning.alpha))));
    facts.into_iter().map(|(a, b)| (a.to_owned(), b)).collect()
}

/// The statistic in words.
pub fn statistic(s: Statistic) -> &'static str {
    match s {
        Statistic::Mean => "moyenne",
        Statistic::Proportion => "part",
        Statistic::Ratio => "rapport",
        Statistic::Count => "nombre",
        Statistic::Sum => "somme",
    }
}

/// Whether an indicator carries a conclusion, in words.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Primary => "principal",
        Role::Secondary => "secondaire",
    }
}

fn indicator(i: &Indicator) -> IndicatorView {
    let unit = i.unit.as_deref().map(|u| format!(" ({u})")).unwrap_or_default();
    let points = |x: f64| {
        let (x, unit) = if i.statistic == Statistic::Proportion { (100.0 * x, "points") } else { (x, i.unit.as_deref().unwrap_or("")) };
        format!("{}\u{a0}{unit}", short(x)).trim_end().to_owned()
    };
    let target = match i.target {
        None => "–".to_owned(),
        Some(Target::Effect(x)) => format!("écart de {}", points(x)),
        Some(Target::Level(x)) => format!("niveau de {}", points(x).replace("points", "%")),
        Some(Target::Relative(x)) => format!("écart de {}\u{a0}%", short(100.0 * x)),
        Some(Target::Within([a, b])) => format!("écart entre {} et {}", points(a), points(b)),
    };
    IndicatorView {
        title: i.title.clone(),
        role: role(i.role).to_owned(),
        measure: format!("{}{unit}", statistic(i.statistic)),
        better: match i.better {
            Better::Lower => "vers le bas",
            Better::Higher => "vers le haut",
        }
        .to_owned(),
        target,
    }
}
