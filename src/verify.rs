//! Whether the hub still holds what it says it holds: the audit trail against itself and against its exported ends, each row against
//! the trail, each file against its row. Whoever changes, removes, swaps or cuts off one of them without the others is found.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    audit::{self, Heads},
    convention::Convention,
    error::{Error, Kind, Result},
    lake::Key,
    store::{
        Page,
        audit::AuditRow,
        deposits::{Deposit, DepositFilter},
    },
};

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable English code: `chain_broken`, `row_changed`, `row_missing`, `row_unknown`, `file_changed`, `file_missing`, `file_back`.
    pub code: &'static str,
    /// What it is about: `audit/219300480/12`, `deposit/0198…`, a key of the lake.
    pub object: String,
    /// French sentence.
    pub message: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Entries of the trail that hold.
    pub entries: u64,
    /// Exported ends that the chains were compared with.
    pub heads: u64,
    /// Rows compared with the trail.
    pub rows: u64,
    /// Files whose bytes were read again.
    pub files: u64,
    /// Everything that is wrong; empty if all holds.
    pub problems: Vec<Problem>,
}

impl Findings {
    fn add(&mut self, code: &'static str, object: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { code, object: object.into(), message: message.into() });
    }
}

/// What the trail says that rows and files should be.
#[derive(Default)]
struct Told {
    /// Deposit → hash of the file as sent.
    received: BTreeMap<String, String>,
    /// Deposit → hash of its table, where the trail says it.
    accepted: BTreeMap<String, Option<String>>,
    /// Version of a convention → hash of its document.
    conventions: BTreeMap<String, String>,
    /// Version, party and hash of each signature.
    signed: BTreeSet<(String, String, String)>,
}

impl Told {
    fn hear(&mut self, row: &AuditRow) {
        if row.outcome != "ok" {
            return;
        }
        let said: Json = serde_json::from_str(&row.detail).unwrap_or_default();
        let text = |key: &str| said[key].as_str().map(str::to_owned);
        match (row.act.as_str(), row.object.split_once('/')) {
            ("deposit.receive", Some((_, id))) => {
                self.received.insert(id.to_owned(), text("sha256").unwrap_or_default());
            }
            ("deposit.accept", Some((_, id))) => {
                self.accepted.insert(id.to_owned(), text("table_sha256"));
            }
            ("convention.sign" | "convention.record_signature", Some((_, id))) => {
                let [party, sha256] = ["party", "sha256"].map(|key| text(key).unwrap_or_default());
                self.signed.insert((id.to_owned(), party, sha256));
            }
            (_, Some(("convention", id))) => {
                if let Some(sha256) = text("sha256") {
                    self.conventions.entry(id.to_owned()).or_insert(sha256);
                }
            }
            _ => {}
        }
    }
}

/// Looks at everything; `exported` are ends of the trail that were kept elsewhere, beside those of the lake.
pub async fn verify(app: &App, exported: Vec<Heads>) -> Result<Findings> {
    let (mut found, mut told) = (Findings::default(), Told::default());
    let mut known = exported;
    match audit::heads::kept(&app.lake).await {
        Ok(kept) => known.extend(kept),
        Err(error) if error.kind == Kind::Invalid => found.add("file_changed", "audit/heads", error.message),
        Err(error) => return Err(error),
    }
    found.heads = known.iter().map(|h| h.heads.len() as u64).sum();
    let broken = audit::verify_against(&app.store, &known, |row| {
        found.entries += 1;
        told.hear(row);
    })
    .await?;
    for audit::Broken { organisation, seq } in broken {
        let whose = if organisation.is_empty() { "de Retex".to_owned() } else { format!("de {organisation}") };
        let message = format!("Le journal {whose} ne tient plus à partir de la ligne {seq}\u{a0}: elle a été modifiée, ôtée ou récrite.");
        found.add("chain_broken", format!("audit/{organisation}/{seq}"), message);
    }
    conventions(app, &told, &mut found).await?;
    deposits(app, &told, &mut found).await?;
    Ok(found)
}

/// Every version is the document that the trail says entered, and bears the signatures that it says were given.
async fn conventions(app: &App, told: &Told, found: &mut Findings) -> Result<()> {
    let (mut seen, mut signatures) = (BTreeSet::new(), BTreeSet::new());
    for newest in app.store.conventions().await? {
        for signature in app.store.signatures(&newest.name).await? {
            found.rows += 1;
            let id = signature.convention_id.to_string();
            let row = (id.clone(), signature.party.to_string(), signature.sha256);
            if !told.signed.contains(&row) {
                let message = format!("La signature de {} n'est pas dans le journal.", signature.party);
                found.add("row_unknown", format!("convention/{id}"), message);
            }
            signatures.insert(row);
        }
        for head in app.store.convention_versions(&newest.name).await? {
            found.rows += 1;
            let id = head.id.to_string();
            let Some(row) = app.store.convention(head.id).await? else { continue };
            let document = row.document;
            let hashed = tokio::task::spawn_blocking(move || {
                serde_json::from_str(&document).ok().and_then(|json| Convention::from_json(json).ok()).map(|c| c.sha256)
            });
            let sha256 = hashed.await.map_err(Error::internal)?;
            let trail = told.conventions.get(&id);
            if sha256.as_ref() != Some(&head.sha256) || trail.is_some_and(|t| *t != head.sha256) {
                let message =
                    format!("La convention «\u{a0}{}\u{a0}», version {}, n'est plus le document enregistré.", head.name, head.version);
                found.add("row_changed", format!("convention/{id}"), message);
            } else if trail.is_none() {
                let message = format!("La convention «\u{a0}{}\u{a0}», version {}, n'est pas dans le journal.", head.name, head.version);
                found.add("row_unknown", format!("convention/{id}"), message);
            }
            seen.insert(id);
        }
    }
    for (id, party, _) in told.signed.iter().filter(|signed| !signatures.contains(*signed)) {
        let message = format!("La signature de {party}, que le journal connaît, n'existe plus telle qu'elle a été donnée.");
        found.add("row_missing", format!("convention/{id}"), message);
    }
    for id in told.conventions.keys().filter(|id| !seen.contains(*id)) {
        found.add("row_missing", format!("convention/{id}"), "Une version de convention que le journal connaît n'existe plus.");
    }
    Ok(())
}

/// Every deposit is the file that the trail says was received, and its table the one that was accepted.
async fn deposits(app: &App, told: &Told, found: &mut Findings) -> Result<()> {
    let (all, _) = app.store.deposits(&DepositFilter::default(), Page::ALL).await?;
    let mut checked = BTreeSet::new();
    for deposit in &all {
        found.rows += 1;
        let (id, number) = (deposit.id.to_string(), &deposit.number);
        match told.received.get(&id) {
            None => found.add("row_unknown", format!("deposit/{id}"), format!("Le dépôt {number} n'est pas dans le journal.")),
            Some(sha256) if *sha256 != deposit.sha256 || !keys_are_its_own(deposit) => {
                let message = format!("Le dépôt {number} ne désigne plus le fichier reçu.");
                found.add("row_changed", format!("deposit/{id}"), message);
            }
            Some(_) => {}
        }
        if deposit.table_key.is_some() && !told.accepted.contains_key(&id) {
            let message = format!("Le dépôt {number} est compté sans que le journal dise qu'il a été accepté.");
            found.add("row_changed", format!("deposit/{id}"), message);
        }
        if let Some(key) = &deposit.original_key {
            let sha256 = told.received.get(&id).unwrap_or(&deposit.sha256);
            file(app, key, Some(sha256), found).await?;
            checked.insert(key.clone());
        }
        if let Some(key) = &deposit.table_key {
            file(app, key, told.accepted.get(&id).and_then(Option::as_ref), found).await?;
            checked.insert(key.clone());
        }
    }
    let rows: BTreeSet<_> = all.iter().map(|d| d.id.to_string()).collect();
    for id in told.received.keys().filter(|id| !rows.contains(*id)) {
        found.add("row_missing", format!("deposit/{id}"), "Un dépôt que le journal connaît n'existe plus.");
    }
    // What other rows name: its presence, for its hash is nowhere else.
    for key in app.store.named_keys().await?.into_iter().filter(|key| !checked.contains(key)) {
        file(app, &key, None, found).await?;
    }
    // What a certificate of elimination says is destroyed.
    for item in app.store.destroyed_items().await? {
        if app.lake.exists(&item.key.parse()?).await? {
            found.add("file_back", item.key, "Ce fichier a été détruit par une élimination certifiée, et il est de nouveau là.");
        }
    }
    Ok(())
}

/// Whether the keys of a deposit are those of its site, its hash and itself: two rows that swapped their files are not.
fn keys_are_its_own(deposit: &Deposit) -> bool {
    let original = Key::original(&deposit.site, &deposit.sha256).map(|k| k.to_string());
    let table = Key::table(&deposit.convention, &deposit.dataset, &deposit.site, deposit.period, deposit.id).map(|k| k.to_string());
    let is = |named: &Option<String>, own: Result<String>| named.is_none() || own.is_ok_and(|own| named.as_deref() == Some(own.as_str()));
    is(&deposit.original_key, original) && is(&deposit.table_key, table)
}

/// Whether a file is there and, where its hash is known, as it was written.
async fn file(app: &App, key: &str, sha256: Option<&String>, found: &mut Findings) -> Result<()> {
    let Ok(parsed) = key.parse::<Key>() else {
        found.add("row_changed", key, "Une ligne désigne un fichier dont le nom n'est pas un nom de Retex.");
        return Ok(());
    };
    found.files += 1;
    let hashed = async {
        let (_, mut pieces) = app.lake.stream(&parsed).await?;
        let mut hash = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
        }
        Ok::<_, Error>(hex::encode(hash.finalize()))
    };
    match hashed.await {
        Ok(hash) if sha256.is_some_and(|expected| *expected != hash) => {
            found.add("file_changed", key, "Le contenu de ce fichier n'est plus celui qui a été enregistré.");
        }
        Ok(_) => {}
        Err(error) if error.kind == Kind::NotFound => found.add("file_missing", key, "Ce fichier, qu'une ligne désigne, n'existe plus."),
        Err(error) => return Err(error),
    }
    Ok(())
}
