//! The hub's register of conventions: versions in the database, compiled once per process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value as Json, json};

use super::Convention;
use crate::{
    app::App,
    audit::{self, Entry},
    error::{Error, Kind, Result},
    ids::{AccountId, ConventionId},
    store::{
        conventions::{ConventionHead, ConventionRow, NewConvention},
        jobs::Job,
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

/// Enters a convention as the next version of its name; the very same document again is answered with the version that stands.
///
/// # Errors
/// The document's faults, located.
pub async fn import(app: &App, by: Option<AccountId>, document: Json) -> Result<ConventionHead> {
    let convention = Arc::new(compile(document).await?);
    if let Some(row) = app.store.convention_by_name(&convention.document.id).await?.filter(|row| row.head.sha256 == convention.sha256) {
        return Ok(row.head);
    }
    let (id, now, document) = (ConventionId(app.clock.id()), app.clock.now(), &convention.document);
    let new = NewConvention {
        id,
        name: document.id.clone(),
        title: document.title.clone(),
        track: document.track.clone(),
        document: convention.json.to_string(),
        sha256: convention.sha256.clone(),
        starts_on: document.period.start,
        ends_on: document.period.end,
        created_at: now,
        created_by: by,
    };
    let mut tx = app.store.begin().await?;
    let version = tx.insert_convention(&new).await?;
    let entry = Entry {
        at: now,
        actor: by.map_or(audit::Actor::System, audit::Actor::Account),
        organisation: None,
        act: "convention.import",
        object: format!("convention/{id}"),
        outcome: "ok",
        detail: json!({"name": new.name, "version": version, "sha256": new.sha256}),
    };
    audit::append(&mut tx, &entry).await?;
    if version > 1 {
        // What was computed under the version before is computed again under this one.
        tx.enqueue(&app.clock, &Job::Evaluate { convention: id }).await?;
    }
    tx.commit().await?;
    app.compiled.put(id, &convention);
    Ok(find(app, &new.name).await?.head)
}

/// The newest version of the convention called `name`.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn find(app: &App, name: &str) -> Result<Registered> {
    // PostgreSQL takes no question with U+0000 in it.
    let row = if name.contains('\0') { None } else { app.store.convention_by_name(name).await? };
    registered(app, row.ok_or_else(unknown)?).await
}

/// One version.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn version(app: &App, id: ConventionId) -> Result<Registered> {
    let row = app.store.convention(id).await?;
    registered(app, row.ok_or_else(unknown)?).await
}

/// The newest version of every convention, those that end last first.
pub async fn all(app: &App) -> Result<Vec<Registered>> {
    let mut list = Vec::new();
    for head in app.store.conventions().await? {
        list.push(version(app, head.id).await?);
    }
    Ok(list)
}

async fn registered(app: &App, row: ConventionRow) -> Result<Registered> {
    let ConventionRow { head, document } = row;
    let convention = match app.compiled.get(head.id) {
        Some(convention) => convention,
        None => {
            let convention = Arc::new(compile(serde_json::from_str(&document).map_err(Error::internal)?).await?);
            app.compiled.put(head.id, &convention);
            convention
        }
    };
    Ok(Registered { head, convention })
}

async fn compile(document: Json) -> Result<Convention> {
    tokio::task::spawn_blocking(move || Convention::from_json(document)).await.map_err(Error::internal)?
}

fn unknown() -> Error {
    Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.")
}
