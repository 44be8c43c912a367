//! The register of processing (RGPD, article 30): one record per convention, taken from what its parties signed. Nothing is read from the
//! data themselves.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    agreement::{AgreedVersion, Agreement, State},
    document::{Document, SiteNaming},
};
use crate::{ids::Siren, territory};

/// What the hub itself does for the security of every processing.
pub const SECURITY: [&str; 7] = [
    "Comptes nominatifs, mots de passe hachés (argon2id), second facteur, sessions limitées dans le temps",
    "Accès décidé par la convention en vigueur, structure par structure, à chaque lecture",
    "Colonnes hors du périmètre refusées à la réception et effacées sans être lues par quiconque",
    "Résultats masqués sous le seuil de diffusion, pour qui n'a pas droit aux lignes",
    "Fichiers reçus immuables, contrôlés par leur empreinte (SHA-256)",
    "Journal des actes et des lectures, chaîné par empreinte et vérifiable",
    "Effacement au terme de la conservation, après le visa des archives",
];

/// One processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Processing {
    /// Name of the convention.
    pub convention: String,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// The version that the record says.
    pub version: i64,
    /// SHA-256 of that version.
    pub sha256: String,
    /// Every version that stands.
    pub versions: Vec<VersionOf>,
    /// First and last day.
    pub starts_on: NaiveDate,
    /// Last day, an early one if it was ended.
    pub ends_on: NaiveDate,
    /// Who decides of it.
    pub controllers: Vec<String>,
    /// Whom to write to.
    pub contacts: Vec<String>,
    /// Who works for them.
    pub processors: Vec<String>,
    /// What for.
    pub purpose: Option<String>,
    /// On which ground.
    pub legal_basis: Option<String>,
    /// About whom.
    pub subjects: Vec<String>,
    /// Which columns hold personal data.
    pub personal_data: Vec<PersonalData>,
    /// Who gets them.
    pub recipients: Vec<String>,
    /// Months after the end.
    pub retention_months: u32,
    /// Until when data are kept, at least until the archives have answered.
    pub kept_until: Option<NaiveDate>,
    /// `not_required`, `planned`, `in_progress`, `done`.
    pub impact_assessment: Option<String>,
    /// Which datasets, which columns, for which uses.
    pub perimeter: Vec<Perimeter>,
    /// What protects them.
    pub security: Vec<&'static str>,
}

/// A version of the convention behind a processing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionOf {
    /// From 1.
    pub version: i64,
    /// When it was opened for signature.
    pub on: NaiveDate,
    /// SHA-256 of what parties sign.
    pub sha256: String,
    /// Parties that signed it.
    pub signatures: usize,
    /// Parties that it names.
    pub parties: usize,
}

/// The personal columns of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonalData {
    /// Name of the dataset.
    pub dataset: String,
    /// Its title.
    pub title: String,
    /// Column and kind.
    pub fields: Vec<PersonalField>,
}

/// A personal column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonalField {
    /// Name of the column.
    pub name: String,
    /// `pseudonym`, `direct` …
    pub kind: String,
}

/// A dataset of the perimeter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Perimeter {
    /// Name of the dataset.
    pub dataset: String,
    /// Its title.
    pub title: String,
    /// Its columns.
    pub fields: Vec<String>,
    /// What they may be used for, in French.
    pub uses: Vec<String>,
}

/// The part of the document that the record is made of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Facts {
    controllers: Vec<String>,
    processors: Vec<String>,
    purpose: Option<String>,
    legal_basis: Option<String>,
    subjects: Vec<String>,
    recipients: Vec<String>,
    impact_assessment: Option<String>,
}

/// The record of a convention, as its reference version says it today.
pub fn record(agreement: &Agreement, today: NaiveDate) -> Processing {
    let version = agreement.reference(today);
    let document = &version.convention.document;
    let facts: Facts = document.processing.clone().and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default();
    let ends_on = agreement.last_day_under(version);
    let named = |names: Vec<String>| names.into_iter().flat_map(|name| parties(document, name)).collect::<Vec<_>>();
    Processing {
        convention: agreement.name.clone(),
        title: document.title.clone(),
        state: agreement.state(today),
        version: version.head.version,
        sha256: version.head.sha256.clone(),
        versions: agreement.versions().iter().filter(|v| !v.withdrawn()).map(version_of).collect(),
        starts_on: document.period.start,
        ends_on,
        controllers: named(facts.controllers),
        contacts: std::iter::once(&document.parties.metropole).chain(&document.parties.sites).filter_map(|p| p.contact.clone()).collect(),
        processors: processors(document, facts.processors),
        purpose: facts.purpose,
        legal_basis: facts.legal_basis,
        subjects: facts.subjects,
        personal_data: personal_data(document),
        recipients: named(facts.recipients),
        retention_months: document.retention.months,
        kept_until: ends_on.checked_add_months(Months::new(document.retention.months)),
        impact_assessment: facts.impact_assessment,
        perimeter: perimeter(version),
        security: SECURITY.to_vec(),
    }
}

fn version_of(version: &AgreedVersion) -> VersionOf {
    VersionOf {
        version: version.head.version,
        on: version.head.created_at.date_naive(),
        sha256: version.head.sha256.clone(),
        signatures: version.parties().filter(|p| version.signed.contains_key(p)).count(),
        parties: version.parties().count(),
    }
}

/// `metropole` and `sites` stand for the parties; anything else is a name.
fn parties(document: &Document, name: String) -> Vec<String> {
    let official = |siren: &Siren| territory::by_siren(siren).map_or_else(|| siren.to_string(), |o| o.name.to_owned());
    match name.as_str() {
        "metropole" => vec![official(&document.parties.metropole.siren)],
        "sites" => document.parties.sites.iter().map(|p| p.label.clone().unwrap_or_else(|| official(&p.siren))).collect(),
        _ => vec![name],
    }
}

/// Those that are named, and the provider of the solution.
fn processors(document: &Document, named: Vec<String>) -> Vec<String> {
    let provider = document.provider.as_ref().map(|p| {
        let hosting = p.hosting.as_ref().map(|h| format!(", hébergement\u{a0}: {h}")).unwrap_or_default();
        let solution = p.solution.as_ref().map(|s| format!(" ({s}{hosting})")).unwrap_or_default();
        format!("{}{solution}", p.name)
    });
    named.into_iter().chain(provider).collect()
}

fn personal_data(document: &Document) -> Vec<PersonalData> {
    let of = |(name, dataset): (&String, &super::document::Dataset)| {
        let field = |(name, kind): (&String, &String)| PersonalField { name: name.clone(), kind: kind.clone() };
        PersonalData { dataset: name.clone(), title: dataset.title.clone(), fields: dataset.personal_data.iter().map(field).collect() }
    };
    document.datasets.iter().filter(|(_, d)| !d.personal_data.is_empty()).map(of).collect()
}

fn perimeter(version: &AgreedVersion) -> Vec<Perimeter> {
    let document = &version.convention.document;
    let uses = &document.uses;
    let of = |(name, dataset): (&String, &super::document::Dataset)| {
        let has = |datasets: &[String]| datasets.contains(name);
        let columns = |fields: &[String]| if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        let mut allowed = Vec::new();
        if uses.evaluation.as_ref().is_some_and(|u| has(&u.datasets)) {
            allowed.push("évaluation par la Métropole".to_owned());
        }
        if let Some(comparison) = uses.comparison.as_ref().filter(|u| has(&u.datasets)) {
            let how = if comparison.sites == SiteNaming::Named { "sous leur nom" } else { "sous pseudonyme" };
            allowed.push(format!("comparaison entre structures, {how}"));
        }
        for sharing in uses.sharing.iter().filter(|u| has(&u.datasets)) {
            let until = sharing.until.map(|d| format!(", jusqu'au {}", crate::words::day(d))).unwrap_or_default();
            allowed.push(format!("partage avec {}{}{until}", sharing.recipient, columns(&sharing.fields)));
        }
        for open in uses.open_data.iter().filter(|u| u.dataset == *name) {
            allowed.push(format!("publication{}", columns(&open.fields)));
        }
        let fields = version.convention.rules.get(name).map(|rules| rules.columns().iter().map(|c| c.name.clone()).collect());
        Perimeter { dataset: name.clone(), title: dataset.title.clone(), fields: fields.unwrap_or_default(), uses: allowed }
    };
    document.datasets.iter().map(of).collect()
}
