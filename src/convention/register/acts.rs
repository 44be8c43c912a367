//! The acts of a convention's life: a version is opened for signature, signed by each party, taken back; the convention is ended early.
//!
//! Each act takes its turn on the convention ([`Tx::lock_convention`]), looks at how it stands then, and writes what changes, its audit
//! entry, its letters and its job in that transaction.

use std::sync::Arc;

use chrono::{Days, Months, NaiveDate};
use serde_json::{Value as Json, json};

use super::{agreement, agreements, assemble, compile, letters, unknown};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        agreement::{AgreedVersion, Agreement},
        perimeter::{self, Ask, Role, Use},
    },
    error::{Error, Fault, Kind, Result},
    ids::{ConventionId, SignatureId, Siren},
    lake::Key,
    store::{
        Tx,
        conventions::{ConventionHead, NewConvention, VersionState},
        jobs::Job,
        signatures::{Means, Signature, Termination},
    },
};

/// Longest reason, in characters.
const REASON: usize = 2000;
/// Longest name, quality or reference, in characters.
const LINE: usize = 200;
/// Oldest act that empowers a signatory, in years.
const OLDEST_DEED: u32 = 20;

/// What a signatory declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureForm {
    /// The hash of the version that the signatory was shown.
    pub sha256: String,
    /// The signatory's name.
    pub name: String,
    /// In what quality: mayor, deputy …
    pub quality: String,
    /// Reference of the délibération or delegation.
    pub deed_reference: String,
    /// Its date.
    pub deed_date: NaiveDate,
    /// What has just confirmed the signatory, already verified; none for a signature outside the hub.
    pub second_factor: Option<String>,
}

async fn locked(app: &App, tx: &mut Tx, name: &str) -> Result<Agreement> {
    let (heads, signatures, termination) = tx.lock_convention(name).await?;
    assemble(app, name, heads, &signatures, termination).await
}

fn conflict<T>(code: &'static str, message: impl Into<String>) -> Result<T> {
    Err(Error::new(Kind::Conflict, code, message))
}

/// Opens a document for signature, as the next version of its name; a second version is an amendment. The very same document as the
/// version that stands is answered with that one.
///
/// # Errors
/// Officers only; the document's faults, located; `version_open` while a version that binds nobody yet waits for its signatures;
/// `convention_terminated`.
pub async fn open(app: &App, actor: &Actor, document: Json) -> Result<ConventionHead> {
    perimeter::may_draft(&actor.person(), &[], false, Use::Draft)?;
    enter(app, Some(actor), document).await
}

/// [`open`], for the command line.
///
/// # Errors
/// As [`open`].
pub async fn import(app: &App, document: Json) -> Result<ConventionHead> {
    enter(app, None, document).await
}

async fn enter(app: &App, by: Option<&Actor>, document: Json) -> Result<ConventionHead> {
    let convention = Arc::new(compile(document).await?);
    let (id, now, document) = (ConventionId(app.clock.id()), app.clock.now(), &convention.document);
    let mut tx = app.store.begin().await?;
    match locked(app, &mut tx, &document.id).await {
        Ok(before) => {
            let standing = before.versions().iter().rev().find(|v| !v.withdrawn());
            if let Some(same) = standing.filter(|v| v.head.sha256 == convention.sha256) {
                return Ok(same.head.clone());
            }
            if before.terminated.is_some() {
                return conflict("convention_terminated", "Cette convention est arrêtée : donnez un autre identifiant à la nouvelle.");
            }
            if let Some(waiting) = standing.filter(|v| v.bound().is_none()) {
                return conflict(
                    "version_open",
                    format!("La version {} attend ses signatures : retirez-la avant d'en ouvrir une autre.", waiting.head.version),
                );
            }
        }
        Err(none) if none.kind == Kind::NotFound => {}
        Err(error) => return Err(error),
    }
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
        created_by: by.map(|a| a.account),
    };
    let version = tx.insert_convention(&new).await?;
    let detail = json!({"name": new.name, "version": version, "sha256": new.sha256});
    record(app, &mut tx, by, None, "convention.open", id, detail).await?;
    app.compiled.put(id, &convention);
    let opened = locked(app, &mut tx, &new.name).await?;
    let opened = opened.version(id).ok_or_else(unknown)?;
    letters::to_sign(app, &mut tx, opened).await?;
    tx.commit().await?;
    Ok(opened.head.clone())
}

/// Signs a version in the hub, for the actor's site or for the Métropole.
///
/// # Errors
/// `in_person` for a token; [`Kind::NotFound`] for a version that the actor may not know of; `not_signatory`, `not_a_party`; `second_factor_required`;
/// `old_hash` if what was shown is not the version that is open; `version_withdrawn`, `already_signed`, `convention_terminated`,
/// `convention_over`; located faults of the form.
pub async fn sign(app: &App, actor: &Actor, version: ConventionId, form: SignatureForm) -> Result<Signature> {
    if form.second_factor.is_none() {
        return Err(Error::new(
            Kind::Forbidden,
            "second_factor_required",
            "Confirmez votre signature avec le code de votre second facteur.",
        ));
    }
    let (agreed, signature) = prepared(app, actor, version, form).await?;
    put(app, actor, &agreed.name, signature).await
}

/// Whether [`sign`] would take this form, but for the second factor. A code is good once: a form that has to be mended must not use it up.
///
/// # Errors
/// As [`sign`], but for `second_factor_required`.
pub async fn would_sign(app: &App, actor: &Actor, version: ConventionId, form: SignatureForm) -> Result<()> {
    let (agreed, signature) = prepared(app, actor, version, form).await?;
    declared(&signature, app.clock.today())?;
    signable(&agreed, &signature, app.clock.today())
}

async fn prepared(app: &App, actor: &Actor, version: ConventionId, form: SignatureForm) -> Result<(Agreement, Signature)> {
    actor.in_person()?;
    let agreed = known(app, actor, version).await?;
    if actor.role != Role::Signatory {
        return Err(Error::new(Kind::Forbidden, "not_signatory", "Seul le signataire de la collectivité ou de la Métropole signe."));
    }
    perimeter::may(&agreed, &actor.person(), &Ask::of(Use::Sign), app.clock.today())?;
    let metropole = agreed.version(version).ok_or_else(unknown)?.metropole();
    let party = actor.site.clone().unwrap_or_else(|| metropole.clone());
    let signature = Signature { account_id: Some(actor.account), ..written(app, version, party, Means::Hub, form) };
    Ok((agreed, signature))
}

/// Records a signature given outside the hub, on paper or in a parapheur, with the signed document that the lake keeps under `scan`.
///
/// # Errors
/// Officers only; as [`sign`], but for the second factor.
pub async fn record_paper(
    app: &App,
    actor: &Actor,
    version: ConventionId,
    party: &Siren,
    means: Means,
    form: SignatureForm,
    scan: &Key,
) -> Result<Signature> {
    let agreed = known(app, actor, version).await?;
    perimeter::may(&agreed, &actor.person(), &Ask::of(Use::Manage), app.clock.today())?;
    if means == Means::Hub {
        return Err(Error::invalid("means", "Une signature dans l'espace est donnée par le signataire lui-même."));
    }
    let form = SignatureForm { second_factor: None, ..form };
    let signature = Signature {
        document_key: Some(scan.to_string()),
        recorded_by: Some(actor.account),
        ..written(app, version, party.clone(), means, form)
    };
    put(app, actor, &agreed.name, signature).await
}

/// The convention of a version that the actor may know of.
async fn known(app: &App, actor: &Actor, version: ConventionId) -> Result<Agreement> {
    let row = app.store.convention(version).await?.ok_or_else(unknown)?;
    let agreed = agreement(app, &row.head.name).await?;
    perimeter::may(&agreed, &actor.person(), &Ask::of(Use::ReadConvention), app.clock.today())?;
    Ok(agreed)
}

fn written(app: &App, version: ConventionId, party: Siren, means: Means, form: SignatureForm) -> Signature {
    let line = |text: &str| text.trim().chars().filter(|c| !c.is_control()).take(LINE).collect::<String>();
    Signature {
        id: SignatureId(app.clock.id()),
        convention_id: version,
        party,
        sha256: form.sha256,
        account_id: None,
        name: line(&form.name),
        quality: line(&form.quality),
        deed_reference: line(&form.deed_reference),
        deed_date: form.deed_date,
        signed_at: app.clock.now(),
        means,
        second_factor: form.second_factor,
        document_key: None,
        recorded_by: None,
    }
}

/// Keeps a signature, once it is one that this party may give to this version today.
async fn put(app: &App, actor: &Actor, name: &str, signature: Signature) -> Result<Signature> {
    let today = app.clock.today();
    declared(&signature, today)?;
    let mut tx = app.store.begin().await?;
    let before = locked(app, &mut tx, name).await?;
    signable(&before, &signature, today)?;
    tx.insert_signature(&signature).await?;
    let after = locked(app, &mut tx, name).await?;
    let version = after.version(signature.convention_id).ok_or_else(unknown)?;
    let act = if signature.means == Means::Hub { "convention.sign" } else { "convention.record_signature" };
    let of_site = Some(signature.party.clone()).filter(|p| p != version.metropole());
    let detail = json!({"name": name, "version": version.head.version, "party": signature.party, "sha256": signature.sha256,
        "means": signature.means, "signatory": signature.name, "quality": signature.quality,
        "deed": signature.deed_reference, "deed_date": signature.deed_date, "second_factor": signature.second_factor});
    record(app, &mut tx, Some(actor), of_site, act, signature.convention_id, detail).await?;
    let bound = before.version(signature.convention_id).map_or_else(Vec::new, |v| newly_bound(v, version));
    if !bound.is_empty() && version.head.starts_on <= today {
        letters::in_force(app, &mut tx, version, &bound).await?;
    }
    if !bound.is_empty() {
        evaluate_again(app, &mut tx, signature.convention_id).await?;
    }
    tx.commit().await?;
    Ok(signature)
}

/// The sites that a version binds after a signature and did not bind before it.
fn newly_bound(before: &AgreedVersion, after: &AgreedVersion) -> Vec<Siren> {
    after.sites().filter(|s| after.signed_for(s).is_some() && before.signed_for(s).is_none()).cloned().collect()
}

/// Whether the form says all that a signature needs.
fn declared(signature: &Signature, today: NaiveDate) -> Result<()> {
    let mut faults = Vec::new();
    for (pointer, text, message) in [
        ("/name", &signature.name, "Indiquez le nom du signataire."),
        ("/quality", &signature.quality, "Indiquez la qualité du signataire, par exemple maire ou adjoint délégué."),
        ("/deed_reference", &signature.deed_reference, "Indiquez la référence de la délibération ou de la délégation."),
    ] {
        if text.is_empty() {
            faults.push(Fault::new(pointer, "required", message));
        }
    }
    if signature.deed_date > today {
        let message = "La date de la délibération ou de la délégation est à venir : vérifiez-la.";
        faults.push(Fault::new("/deed_date", "deed_date_future", message));
    }
    // A mandate lasts six years: an act of twenty years ago empowers nobody who is still there, and is a year written wrong.
    if signature.deed_date < today - Months::new(12 * OLDEST_DEED) {
        let message = "La date de la délibération ou de la délégation est trop ancienne : vérifiez l'année.";
        faults.push(Fault::new("/deed_date", "deed_date_old", message));
    }
    if faults.is_empty() {
        return Ok(());
    }
    let code = if faults.iter().all(|f| f.code == "deed_date_future") { "deed_date_future" } else { "signature_incomplete" };
    Err(Error::invalid(code, "La signature n'est pas complète : corrigez ce qui est indiqué.").with_faults(faults))
}

/// Whether this party may give this signature today.
fn signable(agreement: &Agreement, signature: &Signature, today: NaiveDate) -> Result<()> {
    let version = agreement.version(signature.convention_id).ok_or_else(unknown)?;
    if !version.parties().any(|p| *p == signature.party) {
        return Err(Error::new(Kind::Forbidden, "not_a_party", "Cette collectivité n'est pas partie à cette version de la convention."));
    }
    if version.withdrawn() {
        return conflict("version_withdrawn", "Cette version a été retirée : elle ne se signe plus.");
    }
    let newest = agreement.versions().iter().rev().find(|v| !v.withdrawn());
    if version.head.sha256 != signature.sha256 || newest.is_some_and(|v| v.head.id != version.head.id) {
        return conflict("old_hash", "La version affichée n'est pas celle qui est à signer : rechargez la page et relisez-la.");
    }
    if version.signed.contains_key(&signature.party) {
        return conflict("already_signed", "Cette version est déjà signée pour cette collectivité.");
    }
    if agreement.terminated.is_some() {
        return conflict("convention_terminated", "La Métropole a arrêté cette convention : elle ne se signe plus.");
    }
    if today > version.head.ends_on {
        return conflict("convention_over", "Le dernier jour de cette convention est passé : elle ne se signe plus.");
    }
    Ok(())
}

/// The reason that a person gives, as it is kept.
fn reason(text: &str) -> Result<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    if text.is_empty() {
        return Err(Error::invalid("reason_required", "Indiquez le motif : il est gardé avec la décision."));
    }
    if text.chars().count() > REASON {
        return Err(Error::invalid("reason_too_long", format!("Donnez un motif de {REASON} caractères au plus.")));
    }
    Ok(text)
}

/// Takes back a version that binds nobody yet; the parties that had signed it have signed nothing any more.
///
/// # Errors
/// Officers only; a missing or long reason; `version_withdrawn`; `version_binding` once the Métropole and a site have signed it.
pub async fn withdraw(app: &App, actor: &Actor, version: ConventionId, why: &str) -> Result<()> {
    let agreed = known(app, actor, version).await?;
    perimeter::may(&agreed, &actor.person(), &Ask::of(Use::Manage), app.clock.today())?;
    let why = reason(why)?;
    let mut tx = app.store.begin().await?;
    let agreed = locked(app, &mut tx, &agreed.name).await?;
    let taken = agreed.version(version).ok_or_else(unknown)?;
    if taken.withdrawn() {
        return conflict("version_withdrawn", "Cette version est déjà retirée.");
    }
    if taken.bound().is_some() {
        return conflict(
            "version_binding",
            "La Métropole et une collectivité ont signé cette version, qui les engage : proposez un avenant, ou arrêtez la convention.",
        );
    }
    tx.withdraw_convention(version, &why, app.clock.now()).await?;
    let detail = json!({"name": agreed.name, "version": taken.head.version, "reason": why});
    record(app, &mut tx, Some(actor), None, "convention.withdraw", version, detail).await?;
    tx.commit().await
}

/// Ends a convention before its last day: `on` is the last day in force.
///
/// # Errors
/// Officers only; a missing or long reason; `already_terminated`; `nothing_to_end` while it binds nobody; `convention_over` after its last day; `termination_date` for a day
/// that is past, or not before the last one.
pub async fn terminate(app: &App, actor: &Actor, name: &str, on: NaiveDate, why: &str) -> Result<()> {
    let agreed = agreement(app, name).await?;
    perimeter::may(&agreed, &actor.person(), &Ask::of(Use::Manage), app.clock.today())?;
    let why = reason(why)?;
    let today = app.clock.today();
    let mut tx = app.store.begin().await?;
    let agreed = locked(app, &mut tx, name).await?;
    if agreed.terminated.is_some() {
        return conflict("already_terminated", "Cette convention est déjà arrêtée.");
    }
    let bound: Vec<_> = agreed.versions().iter().filter(|v| v.bound().is_some()).collect();
    let (Some(last), Some(newest)) = (bound.iter().map(|v| v.head.ends_on).max(), bound.last()) else {
        return conflict("nothing_to_end", "Cette convention n'engage encore personne : retirez la version ouverte à la signature.");
    };
    if today > last {
        return conflict("convention_over", "Cette convention est déjà à son terme.");
    }
    if on < today || on >= last {
        let message = "Le dernier jour est aujourd'hui ou plus tard, et avant la fin prévue : changez la date.";
        return Err(Error::invalid("termination_date", message).with_faults(vec![Fault::new("/on", "termination_date", message)]));
    }
    let (id, now) = (newest.head.id, app.clock.now());
    let row =
        Termination { convention: name.to_owned(), ends_on: on, reason: why.clone(), created_at: now, created_by: Some(actor.account) };
    tx.insert_termination(&row).await?;
    record(app, &mut tx, Some(actor), None, "convention.terminate", id, json!({"name": name, "on": on, "reason": why})).await?;
    letters::ending(app, &mut tx, &agreed, on, Some(why)).await?;
    evaluate_again(app, &mut tx, id).await?;
    tx.commit().await
}

/// What was computed follows the versions that hold and the plan that was signed first. Before a first snapshot there is nothing to make
/// again: deposits ask for it.
async fn evaluate_again(app: &App, tx: &mut Tx, version: ConventionId) -> Result<()> {
    if !app.store.evaluations(version).await?.is_empty() {
        tx.enqueue(&app.clock, &Job::Evaluate { convention: version }).await?;
    }
    Ok(())
}

/// Days before the last one at which parties are told that it comes.
const NOTICE: Days = Days::new(30);
/// Days during which a morning's round that was missed is made up for.
const LATE: Days = Days::new(7);

/// The morning's round: versions whose first day has come are in force, and conventions whose last day comes are announced.
pub async fn morning(app: &App) -> Result<()> {
    let today = app.clock.today();
    for agreed in agreements(app).await? {
        let mut tx = app.store.begin().await?;
        for version in agreed.versions().iter().filter(|v| v.head.state == VersionState::OpenForSignature) {
            let sites = agreed.sites_under(version.head.id, today);
            let start = version.head.starts_on;
            if agreed.terminated.is_none() && !sites.is_empty() && start <= today && start + LATE >= today {
                letters::in_force(app, &mut tx, version, &sites).await?;
                evaluate_again(app, &mut tx, version.head.id).await?;
            }
        }
        let last = agreed.last_day();
        let bound = agreed.versions().iter().any(|v| v.bound().is_some());
        if bound && agreed.terminated.is_none() && today <= last && today + NOTICE >= last {
            letters::ending(app, &mut tx, &agreed, last, None).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn record(
    app: &App,
    tx: &mut Tx,
    by: Option<&Actor>,
    organisation: Option<Siren>,
    act: &'static str,
    version: ConventionId,
    detail: Json,
) -> Result<()> {
    let actor = by.map_or(audit::Actor::System, Actor::in_audit);
    let entry = Entry { at: app.clock.now(), actor, organisation, act, object: format!("convention/{version}"), outcome: "ok", detail };
    audit::append(tx, &entry).await
}
