//! The register of processing, for the data protection officer.

use askama::Template;
use axum::{extract::State as Extract, http::header, response::IntoResponse};

use super::audit::exported;
use crate::{
    app::App,
    convention::{
        agreement::State as Standing,
        processing::{self, Processing},
        register,
    },
    error::Result,
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        trail,
        view::{Fact, Markup, Page, State},
        words,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "register.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Register {
    pub page: Page,
    pub count: String,
    pub records: Vec<Record>,
    pub security: Vec<&'static str>,
}

/// One processing in words.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Record {
    pub id: String,
    pub href: String,
    pub title: String,
    pub badge: Markup,
    pub facts: Vec<Fact>,
    pub perimeter: Vec<PerimeterRow>,
    pub versions: Vec<String>,
}

/// One dataset of a perimeter.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct PerimeterRow {
    pub title: String,
    pub fields: String,
    pub personal: String,
    pub uses: Vec<String>,
}

/// Every record, of the conventions that end last first.
pub async fn records(app: &App) -> Result<Vec<Processing>> {
    let today = load::today(app);
    Ok(register::agreements(app).await?.iter().map(|agreement| processing::record(agreement, today)).collect())
}

fn kind(kind: &str) -> &str {
    match kind {
        "pseudonym" => "pseudonyme",
        "direct" => "identifiante",
        "indirect" => "indirectement identifiante",
        "sensitive" => "sensible",
        other => other,
    }
}

fn assessment(code: Option<&str>) -> &str {
    match code {
        Some("not_required") => "non requise",
        Some("planned") => "prévue",
        Some("in_progress") => "en cours",
        Some("done") => "faite",
        _ => "non renseignée",
    }
}

fn or_unset(text: String) -> String {
    if text.is_empty() { "non renseigné".to_owned() } else { text }
}

fn personal(p: &Processing, dataset: &str) -> String {
    let fields = p.personal_data.iter().filter(|d| d.dataset == dataset).flat_map(|d| &d.fields);
    fields.map(|f| format!("{} ({})", f.name, kind(&f.kind))).collect::<Vec<_>>().join(", ")
}

/// The columns of the CSV and the facts of the page: words and value.
fn facts(p: &Processing) -> Vec<Fact> {
    let personal: Vec<_> = p.personal_data.iter().map(|d| format!("{}\u{a0}: {}", d.title, personal(p, &d.dataset))).collect();
    let kept =
        p.kept_until.map(|d| format!(", soit jusqu'au {}, et au moins jusqu'au visa des archives", words::day(d))).unwrap_or_default();
    let none = if p.personal_data.is_empty() { "aucune donnée à caractère personnel".to_owned() } else { personal.join("\u{a0}; ") };
    [
        ("Finalité", or_unset(p.purpose.clone().unwrap_or_default())),
        ("Base légale", or_unset(p.legal_basis.clone().unwrap_or_default())),
        ("Responsables du traitement", or_unset(p.controllers.join(", "))),
        ("Contacts", or_unset(p.contacts.join(", "))),
        ("Sous-traitants", or_unset(p.processors.join(", "))),
        ("Personnes concernées", or_unset(p.subjects.join(", "))),
        ("Données personnelles", none),
        ("Destinataires", or_unset(p.recipients.join(", "))),
        ("Durée", format!("du {} au {}", words::day(p.starts_on), words::day(p.ends_on))),
        ("Conservation", format!("{}\u{a0}mois après la fin{kept}", p.retention_months)),
        ("Analyse d'impact", assessment(p.impact_assessment.as_deref()).to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn record(p: Processing) -> Record {
    let state = match p.state {
        Standing::InForce => State::Ok,
        Standing::OpenForSignature | Standing::Signed => State::Todo,
        Standing::Ended | Standing::Terminated | Standing::Withdrawn => State::Open,
    };
    Record {
        id: p.convention.clone(),
        href: format!("/experimentations/{}/convention", p.convention),
        title: p.title.clone(),
        badge: state.badge(&words::sentence(p.state.in_french())),
        facts: facts(&p),
        perimeter: p
            .perimeter
            .iter()
            .map(|d| PerimeterRow {
                title: d.title.clone(),
                fields: d.fields.join(", "),
                personal: personal(&p, &d.dataset),
                uses: d.uses.clone(),
            })
            .collect(),
        versions: p
            .versions
            .iter()
            .map(|v| {
                let signed = words::plural(v.signatures, "signature", "signatures");
                format!("Version {}, du {}\u{a0}: {signed} sur {}, empreinte {}", v.version, words::day(v.on), v.parties, v.sha256)
            })
            .collect(),
    }
}

/// `GET /registre-des-traitements`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    trail::reader(&actor)?;
    let records = records(&app).await?;
    html(Register {
        page: Page::new("Registre des traitements", who(&actor), "register"),
        count: words::plural(records.len() as u64, "traitement", "traitements"),
        records: records.into_iter().map(record).collect(),
        security: processing::SECURITY.to_vec(),
    })
}

/// `GET /registre-des-traitements.csv`.
pub async fn csv(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    trail::reader(&actor)?;
    let records = records(&app).await?;
    exported(&app, &actor, "register.export", "register/csv", "").await?;
    let mut out = String::from("\u{feff}Traitement;Convention;Version;État;Empreinte");
    let names = [
        "Finalité",
        "Base légale",
        "Responsables du traitement",
        "Contacts",
        "Sous-traitants",
        "Personnes concernées",
        "Données personnelles",
        "Destinataires",
        "Durée",
        "Conservation",
        "Analyse d'impact",
        "Usages",
        "Mesures de sécurité",
    ];
    for name in names {
        out.push(';');
        out.push_str(name);
    }
    out.push_str("\r\n");
    for p in &records {
        let uses = p.perimeter.iter().map(|d| format!("{}\u{a0}: {}", d.title, d.uses.join(", "))).collect::<Vec<_>>().join(" | ");
        let version = p.version.to_string();
        let mut cells = vec![p.title.clone(), p.convention.clone(), version, p.state.in_french().to_owned(), p.sha256.clone()];
        cells.extend(facts(p).into_iter().map(|(_, value)| value));
        cells.extend([uses, p.security.join(" | ")]);
        out.push_str(&cells.iter().map(|c| words::csv_cell(c)).collect::<Vec<_>>().join(";"));
        out.push_str("\r\n");
    }
    let disposition = "attachment; filename=\"registre-des-traitements.csv\"";
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, disposition)], out).into_response())
}
