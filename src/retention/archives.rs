//! What the archives answer to a list: a visa, a refusal, or that they took the data over. Nothing goes without the first or the last.

use bytes::Bytes;
use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{absent, entry, keeps, list, reason, seda, within};
use crate::{
    access::Actor,
    app::App,
    audit,
    convention::{perimeter::Role, scope::Verb},
    error::{Error, Kind, Result},
    ids::PurgeId,
    lake::Key,
    store::{
        Tx,
        jobs::Job,
        retention::{Clearance, Purge, PurgeState},
    },
};

/// Largest scan of a visa.
pub const SCAN: usize = 20 * 1024 * 1024;
/// Longest reference or name, in characters.
const WORDS: usize = 200;

/// What is written of the archives' answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Their reference.
    pub reference: String,
    /// Who gave it.
    pub name: String,
    /// When.
    pub on: NaiveDate,
    /// The scan of the stamped list, as PDF.
    pub scan: Option<Bytes>,
}

/// Records the archives' visa: when its day has come, what the list names is destroyed.
///
/// # Errors
/// Officers and data protection officers only, for anybody else the list does not exist; `reference_required`, `name_required`,
/// `future_date`, `scan` for a file that is no PDF; [`Kind::Conflict`] when the archives have let the data go already.
pub async fn visa(app: &App, actor: &Actor, id: PurgeId, answer: &Answer) -> Result<Purge> {
    let purge = found(app, actor, id, Verb::Write).await?;
    clear(app, actor, &purge, PurgeState::VisaGiven, answer, "purge.visa").await
}

/// Records that the archives acknowledged the transfer of the package: what it holds may then be destroyed here.
///
/// # Errors
/// As [`visa`]; `no_package` before a package was made.
pub async fn transfer(app: &App, actor: &Actor, id: PurgeId, answer: &Answer) -> Result<Purge> {
    let purge = found(app, actor, id, Verb::Write).await?;
    if purge.package_sha256.is_none() {
        return Err(Error::new(
            Kind::Conflict,
            "no_package",
            "Aucun paquet n'a encore été produit pour les archives\u{a0}: téléchargez-le et versez-le d'abord.",
        ));
    }
    clear(app, actor, &purge, PurgeState::Exported, answer, "purge.transfer").await
}

async fn clear(app: &App, actor: &Actor, purge: &Purge, state: PurgeState, answer: &Answer, act: &'static str) -> Result<Purge> {
    let clearance = Clearance {
        state,
        reference: words(&answer.reference, "reference_required", "Indiquez la référence que les archives ont donnée.")?,
        name: words(&answer.name, "name_required", "Indiquez le nom de la personne des archives.")?,
        on: answer.on,
        key: answer.scan.as_ref().map(|_| Key::Visa(purge.id).to_string()),
    };
    if answer.on > app.clock.today() {
        return Err(Error::invalid("future_date", "La date de la réponse des archives est à venir\u{a0}: vérifiez-la."));
    }
    if !matches!(purge.state, PurgeState::Proposed | PurgeState::Refused) {
        return Err(Error::new(Kind::Conflict, "purge_state", "Les archives ont déjà répondu à ce bordereau. Rechargez la page."));
    }
    // The object first, then the row that names it.
    let scan_sha256 = match &answer.scan {
        Some(scan) => Some(keep_scan(app, purge.id, scan).await?),
        None => None,
    };
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.clear_purge(purge.id, &clearance, actor.account, now).await?;
    let detail = json!({"number": purge.number, "reference": clearance.reference, "name": clearance.name, "on": clearance.on,
        "scan_sha256": scan_sha256, "list_sha256": purge.list_sha256, "package_sha256": purge.package_sha256});
    audit::append(&mut tx, &entry(app, actor.in_audit(), purge.site.as_ref(), act, object(purge), detail)).await?;
    ask(app, &mut tx, purge).await?;
    tx.commit().await?;
    app.store.purge(purge.id).await?.ok_or_else(absent)
}

/// Asks for the destruction if its day has come and nothing suspends it; the morning's round asks again.
async fn ask(app: &App, tx: &mut Tx, purge: &Purge) -> Result<()> {
    if app.clock.today() >= purge.due_on && tx.standing_holds(&purge.convention, purge.site.as_ref()).await?.is_empty() {
        tx.enqueue(&app.clock, &Job::Purge { purge: purge.id }).await?;
    }
    Ok(())
}

async fn keep_scan(app: &App, purge: PurgeId, scan: &Bytes) -> Result<String> {
    if !scan.starts_with(b"%PDF-") {
        return Err(Error::invalid("scan", "Le visa numérisé doit être un fichier PDF."));
    }
    if scan.len() > SCAN {
        return Err(Error::new(Kind::TooLarge, "scan_too_large", "Le visa numérisé dépasse 20\u{a0}Mo\u{a0}: réduisez-le."));
    }
    app.lake.put(&Key::Visa(purge), scan.clone()).await?;
    Ok(hex::encode(Sha256::digest(scan)))
}

/// Records that the archives do not agree: the data stay until they do, or until they take them over.
///
/// # Errors
/// As [`visa`]; `reason_required`, `reason_too_long`; [`Kind::Conflict`] unless the list waits for its answer.
pub async fn refuse(app: &App, actor: &Actor, id: PurgeId, why: &str) -> Result<Purge> {
    let purge = found(app, actor, id, Verb::Write).await?;
    let why = reason(why)?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.refuse_purge(id, &why, actor.account, now).await?;
    let detail = json!({"number": purge.number, "reason": why});
    audit::append(&mut tx, &entry(app, actor.in_audit(), purge.site.as_ref(), "purge.refuse", object(&purge), detail)).await?;
    tx.commit().await?;
    app.store.purge(id).await?.ok_or_else(absent)
}

/// A package for the archives: a SEDA 2.2 transfer with every object of the list, the same bytes whenever it is made. The file goes
/// with its folder.
pub struct Package {
    /// Name for the person's folder.
    pub file_name: String,
    /// The archive.
    pub file: std::path::PathBuf,
    /// Of the archive.
    pub sha256: String,
    /// Holds the archive.
    pub folder: tempfile::TempDir,
}

/// Makes the package of a list.
///
/// # Errors
/// Officers only: it holds the data; for anybody who does not watch over the data's end the list does not exist.
/// [`Kind::Conflict`] once the data are destroyed.
pub async fn package(app: &App, actor: &Actor, id: PurgeId) -> Result<Package> {
    let purge = found(app, actor, id, Verb::Read).await?;
    actor.require(&[Role::Officer])?;
    let begun = app.store.purge_items(id).await?.iter().any(|i| i.destroyed_at.is_some());
    if purge.state == PurgeState::Done || begun {
        return Err(Error::new(Kind::Conflict, "purged", "Les données de ce bordereau sont détruites\u{a0}: il n'y a plus rien à verser."));
    }
    let number = purge.number.clone();
    let listed = list::read(app, purge).await?;
    let (folder, file, sha256) = seda::package(app, &listed).await?;
    let mut tx = app.store.begin().await?;
    tx.note_package(id, &sha256).await?;
    let detail = json!({"number": number, "sha256": sha256, "objects": listed.lines.len()});
    let site = listed.purge.site.as_ref();
    audit::append(&mut tx, &entry(app, actor.in_audit(), site, "purge.package", object(&listed.purge), detail)).await?;
    tx.commit().await?;
    Ok(Package { file_name: format!("versement-{number}.zip"), file, sha256, folder })
}

/// The scan of a visa.
///
/// # Errors
/// [`Kind::NotFound`] if there is none, or for whoever does not watch over the data's end.
pub async fn scan(app: &App, actor: &Actor, id: PurgeId) -> Result<Bytes> {
    let key = found(app, actor, id, Verb::Read).await?.visa_key.ok_or_else(absent)?;
    app.lake.get(&key.parse()?).await
}

async fn found(app: &App, actor: &Actor, id: PurgeId, verb: Verb) -> Result<Purge> {
    if !keeps(actor) {
        return Err(absent());
    }
    let purge = app.store.purge(id).await?.ok_or_else(absent)?;
    within(actor, verb, purge.site.as_ref())?;
    Ok(purge)
}

fn object(purge: &Purge) -> String {
    format!("purge/{}", purge.id)
}

/// A line of text that is needed.
fn words(text: &str, code: &'static str, message: &str) -> Result<String> {
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).take(WORDS).collect();
    if clean.is_empty() { Err(Error::invalid(code, message.to_owned())) } else { Ok(clean) }
}
