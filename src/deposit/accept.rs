//! The first half of the deposit's path: from a body to a received deposit. The second half is [`super::process`].

use bytes::Bytes;
use chrono::NaiveDate;
use futures::Stream;
use serde_json::json;

use super::{calendar, reading};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        agreement::Agreement,
        document::Reading,
        perimeter::{self, Ask, Use},
        register::{self, Registered},
    },
    error::{Error, Kind, Result},
    ids::{DepositId, Period, Siren},
    lake::Received,
    store::{
        deposits::{Deposit, DepositState, NewDeposit},
        jobs::Job,
    },
};

/// Longest reason for taking a deposit back, in characters.
const REASON: usize = 2000;

/// What a body is sent for.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The convention's name.
    pub convention: String,
    /// Who sends; the actor's own site when absent.
    pub site: Option<Siren>,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    pub period: Option<Period>,
    /// As the depositor named the file.
    pub file_name: String,
}

/// What a body is sent for, and what is said of it.
#[derive(Debug, Clone)]
pub struct Sending {
    /// What it is for.
    pub slot: Slot,
    /// How it is to be read, over what is detected and what the convention says.
    pub reading: Option<Reading>,
    /// For a file that the hub made from a refused one.
    pub correction: Option<Correction>,
}

/// Where a file that the hub made comes from.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The refused deposit.
    pub from: DepositId,
    /// The number of its receipt.
    pub number: String,
    /// How many cells differ.
    pub count: usize,
    /// Which, as JSON.
    pub changes: String,
}

impl Slot {
    /// The slot that a deposit fills.
    pub fn of(deposit: &Deposit) -> Self {
        Self {
            convention: deposit.convention.clone(),
            site: Some(deposit.site.clone()),
            dataset: deposit.dataset.clone(),
            period: deposit.period,
            file_name: deposit.file_name.clone(),
        }
    }
}

impl From<Slot> for Sending {
    fn from(slot: Slot) -> Self {
        Self { slot, reading: None, correction: None }
    }
}

/// What became of a body.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The deposit.
    pub deposit: Deposit,
    /// Whether these very bytes had been sent before: this is then their first deposit.
    pub already: bool,
}

/// A slot that the actor may fill, resolved.
pub struct Allowed {
    /// Under which version of the convention: the one in force for the site.
    pub registered: Registered,
    /// By which site.
    pub site: Siren,
}

/// Whether the actor may deposit into this slot today.
///
/// # Errors
/// [`Kind::NotFound`] for a convention or a site that is not the actor's, `unknown_dataset`, a period that is not asked for, what the
/// perimeter refuses, `removed` once the site withdrew its data, `evaluation_final` once the evaluation is locked.
pub async fn allow(app: &App, actor: &Actor, slot: &Slot) -> Result<Allowed> {
    let agreement = register::agreement(app, &slot.convention).await?;
    let absent = || Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.");
    let site = slot.site.clone().or_else(|| actor.site.clone()).ok_or_else(absent)?;
    let today = app.clock.today();
    perimeter::may(&agreement, &actor.person(), &Ask::of(Use::Deposit).dataset(&slot.dataset).site(&site), today)?;
    let version = agreement.in_force_for(&site, today).ok_or_else(absent)?;
    let registered = Registered::from(version);
    calendar::check_period(&registered.convention.document, agreement.last_day_under(version), &slot.dataset, slot.period)?;
    if app.store.is_removed(&agreement.name, &site).await? {
        return Err(Error::new(
            Kind::Conflict,
            "removed",
            "Les données de votre structure ont été retirées de cette expérimentation : elle ne reçoit plus vos fichiers.",
        ));
    }
    if app.store.evaluations(registered.head.id).await?.first().is_some_and(|newest| newest.is_final) {
        return Err(Error::new(
            Kind::Conflict,
            "evaluation_final",
            "L'évaluation définitive est arrêtée : cette expérimentation ne reçoit plus de fichiers. Écrivez à la Métropole.",
        ));
    }
    Ok(Allowed { registered, site })
}

/// Streams a body to the lake while hashing it, then records the deposit, its audit entry and its check in one transaction.
/// The very same bytes for the same slot, to be read in the same way, are answered with their first deposit.
///
/// # Errors
/// Those of [`allow`] and [`reading::stated`]; `too_large`; `upload_interrupted` when the body breaks off, which leaves nothing;
/// `empty_file`.
pub async fn accept<S, E>(app: &App, actor: &Actor, sending: impl Into<Sending>, body: S) -> Result<Accepted>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut sending: Sending = sending.into();
    let allowed = allow(app, actor, &sending.slot).await?;
    sending.reading = reading::stated(&allowed.registered.convention, &sending.slot.dataset, sending.reading)?;
    let received = app.lake.receive(app.clock.id(), body, app.config.max_upload).await?;
    let outcome = record(app, actor, &sending, &allowed, &received).await;
    if !matches!(&outcome, Ok(Accepted { already: false, .. })) {
        app.lake.discard(&received).await?;
    }
    outcome
}

async fn record(app: &App, actor: &Actor, sending: &Sending, allowed: &Allowed, received: &Received) -> Result<Accepted> {
    let Sending { slot, reading, correction } = sending;
    if received.bytes == 0 {
        return Err(Error::invalid(
            "empty_file",
            "Ce fichier est vide. Vérifiez que vous avez choisi le bon fichier, puis déposez-le à nouveau.",
        ));
    }
    let (head, site) = (&allowed.registered.head, &allowed.site);
    let read = reading.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    if let Some(deposit) = app.store.same_deposit(head.id, site, &slot.dataset, slot.period, &received.sha256, read.as_deref()).await? {
        return Ok(Accepted { deposit, already: true });
    }
    // The object first, then the row that names it: an interruption leaves an object that the sweep removes, never a bad row.
    let original = app.lake.keep(received, site).await?;
    let (id, now) = (DepositId(app.clock.id()), app.clock.now());
    let new = NewDeposit {
        id,
        convention_id: head.id,
        site: site.clone(),
        dataset: slot.dataset.clone(),
        period: slot.period,
        file_name: file_name(&slot.file_name),
        bytes: i64::try_from(received.bytes).map_err(Error::internal)?,
        sha256: received.sha256.clone(),
        original_key: original.to_string(),
        created_at: now,
        created_by: actor.account,
        reading: read,
        correction: correction.as_ref().map(|c| (c.from, c.changes.clone())),
    };
    let mut tx = app.store.begin().await?;
    if let Some(deposit) = tx.same_deposit(head.id, site, &slot.dataset, slot.period, &received.sha256, new.reading.as_deref()).await? {
        return Ok(Accepted { deposit, already: true });
    }
    let deposit = tx.insert_deposit(&new).await?;
    let mut detail = json!({"number": deposit.number, "convention": head.name, "version": head.version, "dataset": new.dataset,
        "period": new.period, "sha256": new.sha256, "bytes": new.bytes});
    if let Some(reading) = reading {
        detail["reading"] = json!(reading);
    }
    if let Some(correction) = correction {
        detail["corrected_from"] = json!(correction.number);
        detail["cells"] = json!(correction.count);
    }
    let entry = Entry {
        at: now,
        actor: actor.in_audit(),
        organisation: Some(site.clone()),
        act: "deposit.receive",
        object: format!("deposit/{id}"),
        outcome: "ok",
        detail,
    };
    audit::append(&mut tx, &entry).await?;
    tx.enqueue(&app.clock, &Job::CheckDeposit { deposit: id }).await?;
    tx.commit().await?;
    Ok(Accepted { deposit, already: false })
}

/// The last part of what a browser may send as a path, without control characters, at most 200 characters.
pub(super) fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { "fichier".to_owned() } else { clean }
}

/// A deposit that `actor` may withdraw now.
///
/// # Errors
/// As [`find`]; what [`perimeter::may`] answers; `deposit_state` where it counts no longer.
pub async fn withdrawable(app: &App, actor: &Actor, id: DepositId) -> Result<Deposit> {
    let deposit = find(app, actor, id).await?;
    let agreement = register::agreement(app, &deposit.convention).await?;
    let ask = Ask::of(Use::Withdraw).dataset(&deposit.dataset).site(&deposit.site);
    perimeter::may(&agreement, &actor.person(), &ask, app.clock.today())?;
    if matches!(deposit.state, DepositState::Superseded | DepositState::Withdrawn | DepositState::Purged) {
        return Err(Error::new(Kind::Conflict, "deposit_state", "Ce dépôt ne compte déjà plus : il n'y a rien à retirer."));
    }
    Ok(deposit)
}

/// Takes a deposit back, with the person's reason; what was computed from it is computed again without it.
///
/// # Errors
/// [`Kind::NotFound`] for a deposit that is not of the actor's site; `reason_required`, `reason_too_long`; [`Kind::Conflict`] if it was already taken back,
/// superseded, or changed state meanwhile.
pub async fn withdraw(app: &App, actor: &Actor, id: DepositId, reason: &str) -> Result<()> {
    let deposit = withdrawable(app, actor, id).await?;
    let reason = given(reason, "Indiquez pourquoi vous retirez ce dépôt : le motif est gardé avec lui.")?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.withdraw_deposit(id, deposit.state, &reason, now).await?;
    let entry = Entry {
        at: now,
        actor: actor.in_audit(),
        organisation: Some(deposit.site),
        act: "deposit.withdraw",
        object: format!("deposit/{id}"),
        outcome: "ok",
        detail: json!({"number": deposit.number, "reason": reason}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.enqueue(&app.clock, &Job::Evaluate { convention: deposit.convention_id }).await?;
    tx.commit().await
}

/// A deposit that `actor` may confirm now: one that waits because of what looks like personal data.
///
/// # Errors
/// As [`find`] and [`allow`]; `deposit_state` where it does not wait; `file_gone` once its file was erased.
pub async fn confirmable(app: &App, actor: &Actor, id: DepositId) -> Result<Deposit> {
    let deposit = find(app, actor, id).await?;
    allow(app, actor, &Slot::of(&deposit)).await?;
    if deposit.state != DepositState::AwaitingConfirmation {
        return Err(Error::new(Kind::Conflict, "deposit_state", "Ce dépôt n'attend pas de confirmation."));
    }
    if deposit.original_key.is_none() {
        let message = "Ce fichier a été effacé après trente jours d'attente : déposez-le à nouveau.";
        return Err(Error::new(Kind::Conflict, "file_gone", message));
    }
    Ok(deposit)
}

/// Keeps a person's word, with their reason, that what looks like personal data in a deposit is none; its check then runs to its end.
///
/// # Errors
/// As [`confirmable`]; `reason_required`, `reason_too_long`.
pub async fn confirm(app: &App, actor: &Actor, id: DepositId, reason: &str) -> Result<()> {
    let deposit = confirmable(app, actor, id).await?;
    let reason = given(reason, "Indiquez ce que sont ces valeurs : votre réponse est gardée avec le dépôt.")?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    tx.confirm_deposit(id, actor.account, now).await?;
    let entry = Entry {
        at: now,
        actor: actor.in_audit(),
        organisation: Some(deposit.site),
        act: "deposit.confirm",
        object: format!("deposit/{id}"),
        outcome: "ok",
        detail: json!({"number": deposit.number, "reason": reason}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.enqueue(&app.clock, &Job::CheckDeposit { deposit: id }).await?;
    tx.commit().await
}

/// A person's reason as it is kept; `required` is said where there is none.
fn given(reason: &str, required: &str) -> Result<String> {
    let reason: String = reason.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    if reason.is_empty() {
        return Err(Error::invalid("reason_required", required));
    }
    if reason.chars().count() > REASON {
        return Err(Error::invalid("reason_too_long", format!("Donnez un motif de {REASON} caractères au plus.")));
    }
    Ok(reason)
}

/// One deposit that the actor may read.
///
/// # Errors
/// [`Kind::NotFound`] for a deposit that does not exist, and alike for one that the actor may not read.
pub async fn find(app: &App, actor: &Actor, id: DepositId) -> Result<Deposit> {
    let absent = || Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou vous n'y avez pas accès.");
    let deposit = app.store.deposit(id).await?.ok_or_else(absent)?;
    let agreement = register::agreement(app, &deposit.convention).await?;
    let today = app.clock.today();
    // The receipt and its hash outlive the data.
    let receipt = |e: &Error| deposit.state == DepositState::Purged && e.code == "retention_over";
    match may_read(&agreement, actor, &deposit, today) {
        Ok(()) => Ok(deposit),
        Err(refused) if receipt(&refused) => Ok(deposit),
        Err(_) => Err(absent()),
    }
}

/// Whether the actor may read this deposit of this convention.
pub fn readable(agreement: &Agreement, actor: &Actor, deposit: &Deposit, today: NaiveDate) -> bool {
    may_read(agreement, actor, deposit, today).is_ok()
}

fn may_read(agreement: &Agreement, actor: &Actor, deposit: &Deposit, today: NaiveDate) -> Result<()> {
    let ask = Ask::of(Use::ReadDeposit).dataset(&deposit.dataset).site(&deposit.site);
    perimeter::may(agreement, &actor.person(), &ask, today)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_name_is_kept_without_its_path() {
        assert_eq!(super::file_name("C:\\Users\\agent\\demandes 2026-03.csv"), "demandes 2026-03.csv");
        assert_eq!(super::file_name("../../etc/passwd\n"), "passwd");
        assert_eq!(super::file_name(" \u{0}"), "fichier");
    }
}
