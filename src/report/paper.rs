//! The convention as a paper: its clauses in French, the data perimeter and the uses as tables, the evaluation plan and the REX
//! questionnaire as annexes, the signatures or the places for them. PDF/UA-1, the same bytes for the same content, and the SHA-256
//! that parties sign on every page.

mod annexes;
mod clauses;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Fact, french, pdf};
use crate::{
    app::App,
    convention::{
        Convention,
        agreement::{AgreedVersion, Agreement},
        difference::difference,
        register,
    },
    error::{Error, Result},
    ids::Siren,
    store::signatures::{Means, Signature},
    territory::{self, OrganisationKind},
};

/// What the paper is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// A draft: «PROJET» on every page, and nothing to sign.
    Draft,
    /// A version that parties sign or have signed.
    Version(i64),
}

/// A signature that was given, as the paper shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// For whom.
    pub party: Siren,
    /// Who signed.
    pub name: String,
    /// As what: «Maire», «Président».
    pub quality: String,
    /// Reference of the délibération or delegation.
    pub deed_reference: String,
    /// Its date.
    pub deed_date: NaiveDate,
    /// When.
    pub signed_at: DateTime<Utc>,
    /// By what means, in words.
    pub means: String,
}

/// A part of an article.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Block {
    Text { text: String },
    List { items: Vec<String> },
    Heading { text: String },
    Facts { facts: Vec<Fact> },
    Formula { facts: Vec<Fact> },
    Table { caption: String, columns: Vec<&'static str>, widths: Vec<f64>, rows: Vec<Vec<String>> },
}

/// A numbered article, or an annex.
#[derive(Debug, Clone, Serialize)]
struct Article {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Serialize)]
struct Party {
    name: String,
    kind: &'static str,
    siren: String,
    contact: Option<String>,
    /// What stands in its frame; an empty frame where there is none.
    signature: Option<Vec<Fact>>,
}

fn text(words: impl AsRef<str>) -> Block {
    Block::Text { text: french::typeset(words.as_ref()) }
}

fn list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Block {
    Block::List { items: items.into_iter().map(|i| french::typeset(i.as_ref())).collect() }
}

fn fact(term: &str, text: impl Into<String>) -> Fact {
    Fact { term: french::typeset(term), text: text.into() }
}

fn article(title: &str, blocks: Vec<Block>) -> Article {
    Article { title: french::typeset(title), blocks }
}

impl From<Signature> for Given {
    fn from(s: Signature) -> Self {
        Self {
            means: means(s.means).to_owned(),
            party: s.party,
            name: s.name,
            quality: s.quality,
            deed_reference: s.deed_reference,
            deed_date: s.deed_date,
            signed_at: s.signed_at,
        }
    }
}

/// How a party signed, in words.
pub fn means(means: Means) -> &'static str {
    match means {
        Means::Hub => "dans la plateforme, avec un second facteur",
        Means::Paper => "sur papier, document numérisé",
        Means::Parapheur => "dans un parapheur électronique",
    }
}

/// Which copy of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// With the signatures given so far.
    Signed,
    /// Without any, whatever was signed: the one for a parapheur, or for a pen.
    ToSign,
}

/// Writes the paper of a version.
///
/// # Errors
/// [`crate::error::Kind::Internal`] alone.
pub async fn build(app: &App, agreement: &Agreement, version: &AgreedVersion, copy: Copy) -> Result<Vec<u8>> {
    let given: Vec<Given> = match copy {
        Copy::ToSign => Vec::new(),
        Copy::Signed => {
            let all = app.store.signatures(&agreement.name).await?;
            all.into_iter().filter(|s| s.convention_id == version.head.id).map(Given::from).collect()
        }
    };
    // What an amendment changes is told of the version that stood before it: those that were taken back bound nobody.
    let before = agreement.versions().iter().rev().find(|v| !v.withdrawn() && v.head.version < version.head.version);
    let changes = before.map(|v| difference(&v.convention.json, &version.convention.json)).unwrap_or_default();
    let changes: Vec<String> = changes.into_iter().map(|c| french::typeset(&c.sentence)).collect();
    let (convention, edition) = (version.convention.clone(), Edition::Version(version.head.version));
    tokio::task::spawn_blocking(move || pdf(&convention, edition, &given, &changes)).await.map_err(Error::internal)?
}

/// Writes the paper of a draft, as the parties read it over before they sign: marked as such, and without a hash, which only a version has.
///
/// # Errors
/// What [`register::compile`] finds wrong with the document.
pub async fn draft(document: Json, before: Option<&Json>) -> Result<Vec<u8>> {
    let changes = before.map(|b| difference(b, &document)).unwrap_or_default();
    let changes: Vec<String> = changes.into_iter().map(|c| french::typeset(&c.sentence)).collect();
    let convention = register::compile(document).await?;
    tokio::task::spawn_blocking(move || pdf(&convention, Edition::Draft, &[], &changes)).await.map_err(Error::internal)?
}

/// Writes the paper of a convention. `changes` says, sentence by sentence, what an amendment changes of the version before.
///
/// # Errors
/// [`crate::error::Kind::Internal`] alone.
pub fn pdf(convention: &Convention, edition: Edition, given: &[Given], changes: &[String]) -> Result<Vec<u8>> {
    let document = &convention.document;
    let sha256 = match edition {
        Edition::Draft => None,
        Edition::Version(_) => Some(&convention.sha256),
    };
    let version = match edition {
        Edition::Draft => "Projet".to_owned(),
        Edition::Version(1) => "Version 1".to_owned(),
        Edition::Version(n) => format!("Version {n}, avenant n°\u{a0}{}", n - 1),
    };
    let sirens = std::iter::once(&document.parties.metropole).chain(&document.parties.sites);
    let parties: Vec<Party> = sirens.map(|p| party(convention, p, given)).collect();
    let data = json!({
        "title": document.title,
        "track": french::humanise(&document.track),
        "period": french::span(document.period.start, document.period.end),
        "version": version,
        "draft": edition == Edition::Draft,
        "sha256": sha256,
        "preamble": clauses::preamble(document),
        "parties": parties,
        "articles": clauses::articles(convention, edition),
        "annexes": annexes::annexes(convention, changes)?,
    });
    // The papers of one version differ by their signatures, and are one document each.
    let signed: Vec<String> = given.iter().map(|g| format!("{}@{}", g.party, g.signed_at.timestamp())).collect();
    pdf::compile("paper.typ", data, &format!("retex/convention/{version}/{}/{}", convention.sha256, signed.join("/")))
}

fn party(convention: &Convention, party: &crate::convention::document::Party, given: &[Given]) -> Party {
    let kind = match territory::by_siren(&party.siren).map(|o| o.kind) {
        Some(OrganisationKind::Metropole) => "Métropole",
        Some(OrganisationKind::Ept) => "Établissement public territorial",
        Some(OrganisationKind::Commune) => "Commune",
        None => "Structure",
    };
    let name = party.label.clone().unwrap_or_else(|| convention.site_name(&party.siren));
    let signature = given.iter().find(|g| g.party == party.siren).map(|g| {
        vec![
            fact("Signataire", format!("{}, {}", g.name, g.quality)),
            fact("Acte", format!("{} du {}", g.deed_reference, french::date(g.deed_date))),
            fact("Signé le", moment(g.signed_at)),
            fact("Moyen", &g.means),
        ]
    });
    Party { name, kind, siren: groups(&party.siren), contact: party.contact.clone(), signature }
}

/// «219 300 068».
fn groups(siren: &Siren) -> String {
    let digits = siren.as_str();
    [&digits[..3], &digits[3..6], &digits[6..]].join("\u{a0}")
}

/// «12 mars 2026 à 14 h 05», in Paris.
fn moment(at: DateTime<Utc>) -> String {
    use chrono::Timelike;
    let local = at.with_timezone(&chrono_tz::Europe::Paris);
    format!("{} à {}\u{a0}h\u{a0}{:02}", french::date(local.date_naive()), local.hour(), local.minute())
}
