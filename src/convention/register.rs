//! The hub's register of conventions: versions in the database, compiled once per process, with their signatures.
//!
//! [`acts`] opens, signs, takes back and ends them.

pub mod acts;
mod letters;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use serde_json::Value as Json;

pub use self::acts::{SignatureForm, import, morning, open, record_paper, sign, terminate, withdraw, would_sign};
use super::{
    Convention,
    agreement::{AgreedVersion, Agreement, Termination},
};
use crate::{
    app::App,
    error::{Error, Kind, Result},
    ids::ConventionId,
    store::{
        conventions::{ConventionHead, ConventionRow, VersionState},
        signatures::{self, Signature},
    },
};

/// A version of a convention, compiled.
#[derive(Clone)]
pub struct Registered {
    /// Which version.
    pub head: ConventionHead,
    /// What it says.
    pub convention: Arc<Convention>,
}

impl From<&AgreedVersion> for Registered {
    fn from(version: &AgreedVersion) -> Self {
        Self { head: version.head.clone(), convention: version.convention.clone() }
    }
}

/// Compiled versions of this process. A version never changes, so nothing ever leaves.
#[derive(Clone, Default)]
pub struct Compiled(Arc<Mutex<HashMap<ConventionId, Arc<Convention>>>>);

impl Compiled {
    fn get(&self, id: ConventionId) -> Option<Arc<Convention>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).get(&id).cloned()
    }

    fn put(&self, id: ConventionId, convention: &Arc<Convention>) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).insert(id, convention.clone());
    }
}

/// The convention called `name`: all its versions, their signatures, its end.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn agreement(app: &App, name: &str) -> Result<Agreement> {
    // PostgreSQL takes no question with U+0000 in it.
    if name.contains('\0') {
        return Err(unknown());
    }
    let heads = app.store.convention_versions(name).await?;
    let (signatures, termination) = (app.store.signatures(name).await?, app.store.termination(name).await?);
    assemble(app, name, heads, &signatures, termination).await
}

/// The signatures of every version of a convention, oldest first, with all that their signatories declared.
pub async fn signatures(app: &App, agreement: &Agreement) -> Result<Vec<Signature>> {
    app.store.signatures(&agreement.name).await
}

/// The convention that `id` is a version of.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn agreement_of(app: &App, id: ConventionId) -> Result<Agreement> {
    let row = app.store.convention(id).await?.ok_or_else(unknown)?;
    agreement(app, &row.head.name).await
}

/// Every convention, those that end last first.
pub async fn agreements(app: &App) -> Result<Vec<Agreement>> {
    let mut list = Vec::new();
    for head in app.store.conventions().await? {
        list.push(agreement(app, &head.name).await?);
    }
    Ok(list)
}

async fn assemble(
    app: &App,
    name: &str,
    heads: Vec<ConventionHead>,
    signatures: &[Signature],
    termination: Option<signatures::Termination>,
) -> Result<Agreement> {
    let mut versions = Vec::new();
    for head in heads {
        let convention = compiled(app, head.id).await?;
        let document = &convention.document;
        let signed: BTreeMap<_, _> = if head.state == VersionState::Imported {
            let parties = std::iter::once(&document.parties.metropole).chain(&document.parties.sites);
            parties.map(|p| (p.siren.clone(), head.created_at)).collect()
        } else {
            // A signature counts for the hash that it was given to, and for nothing else.
            let of_this = signatures.iter().filter(|s| s.convention_id == head.id && s.sha256 == head.sha256);
            of_this.map(|s| (s.party.clone(), s.signed_at)).collect()
        };
        versions.push(AgreedVersion { head, convention, signed });
    }
    let terminated = termination.map(|t| Termination { on: t.ends_on, reason: t.reason });
    Agreement::new(name.to_owned(), versions, terminated)
}

/// The version of the convention called `name` by which it is evaluated and shown today.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn find(app: &App, name: &str) -> Result<Registered> {
    let agreement = agreement(app, name).await?;
    Ok(Registered::from(agreement.reference(app.clock.today())))
}

/// One version.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn version(app: &App, id: ConventionId) -> Result<Registered> {
    let row = app.store.convention(id).await?;
    let head = row.ok_or_else(unknown)?.head;
    Ok(Registered { convention: compiled(app, head.id).await?, head })
}

async fn compiled(app: &App, id: ConventionId) -> Result<Arc<Convention>> {
    if let Some(convention) = app.compiled.get(id) {
        return Ok(convention);
    }
    let ConventionRow { document, .. } = app.store.convention(id).await?.ok_or_else(unknown)?;
    let convention = Arc::new(compile(serde_json::from_str(&document).map_err(Error::internal)?).await?);
    app.compiled.put(id, &convention);
    Ok(convention)
}

/// Reads a document and compiles it, away from the threads that answer.
///
/// # Errors
/// Its faults, located.
pub async fn compile(document: Json) -> Result<Convention> {
    tokio::task::spawn_blocking(move || Convention::from_json(document)).await.map_err(Error::internal)?
}

fn unknown() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}
