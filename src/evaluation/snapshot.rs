//! The evaluation's path in the hub: accepted deposits → a numbered, immutable snapshot.

use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{disclosure, evaluate, result::Evaluation};
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        agreement::Agreement,
        perimeter::{self, Ask, Role, Use},
        register::{self, Registered},
    },
    deposit::parquet,
    error::{Error, Kind, Result},
    ids::{AccountId, ConventionId, EvaluationId},
    indicator::DepositTable,
    lake::Key,
    store::{
        deposits::Deposit,
        evaluations::{EvaluationHead, EvaluationRow, NewEvaluation},
    },
};

/// A snapshot, as one person may see it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its number, its time, whether it is final.
    pub head: EvaluationHead,
    /// What it says.
    pub evaluation: Evaluation,
    /// Whether deposits have changed since: a new one is being computed.
    pub stale: bool,
}

/// Computes the snapshot of what counts now, unless the newest one says it already or is final, or the convention allows none today.
pub async fn refresh(app: &App, convention: ConventionId) -> Result<()> {
    let agreement = register::agreement_of(app, convention).await?;
    let newest = app.store.latest_evaluation(convention).await?;
    if newest.is_some_and(|row| row.head.is_final) || perimeter::agreed(&agreement, &Ask::of(Use::Evaluation), app.clock.today()).is_err() {
        return Ok(());
    }
    compute(app, &agreement, false, None).await.map(drop)
}

/// The version that is evaluated.
fn reference(app: &App, agreement: &Agreement) -> Registered {
    Registered::from(agreement.reference(app.clock.today()))
}

/// The deposits that count today: those that the version in force for their site allows to evaluate. A site under an older version takes
/// part as that one says.
async fn counting(app: &App, agreement: &Agreement) -> Result<Vec<Deposit>> {
    let (reference, today) = (agreement.reference(app.clock.today()), app.clock.today());
    let mut deposits = app.store.current_deposits(reference.head.id).await?;
    deposits.retain(|d| perimeter::agreed(agreement, &Ask::of(Use::Evaluation).dataset(&d.dataset).site(&d.site), today).is_ok());
    Ok(deposits)
}

/// Locks the final snapshot: the only one from which conclusions are drawn.
///
/// # Errors
/// Officers only; `period_not_over` before the last day has passed; `already_final`; `computing` while a deposit is being checked.
pub async fn lock(app: &App, actor: &Actor, convention: &str) -> Result<EvaluationHead> {
    actor.require(&[Role::Officer])?;
    let agreement = register::agreement(app, convention).await?;
    perimeter::may(&agreement, &actor.person(), &Ask::of(Use::Evaluation), app.clock.today())?;
    let registered = reference(app, &agreement);
    let conflict = |code, message: &str| Err(Error::new(Kind::Conflict, code, message));
    let already_final = "L'évaluation définitive est déjà arrêtée.";
    if app.clock.today() <= agreement.last_day() {
        return conflict(
            "period_not_over",
            "L'expérimentation n'est pas terminée : l'évaluation définitive s'arrête après son dernier jour.",
        );
    }
    if app.store.latest_evaluation(registered.head.id).await?.is_some_and(|row| row.head.is_final) {
        return conflict("already_final", already_final);
    }
    if app.store.undecided_deposits(registered.head.id).await? > 0 {
        return conflict("computing", "Des fichiers sont en cours de contrôle. Attendez qu'ils soient décidés, puis réessayez.");
    }
    let (head, made) = compute(app, &agreement, true, Some(actor)).await?;
    if made { Ok(head) } else { conflict("already_final", already_final) }
}

/// The newest snapshot, and whether it was made just now.
async fn compute(app: &App, agreement: &Agreement, is_final: bool, by: Option<&Actor>) -> Result<(EvaluationHead, bool)> {
    let (registered, deposits) = (reference(app, agreement), counting(app, agreement).await?);
    let inputs = inputs(&registered, &deposits, is_final);
    if let Some(row) = app.store.latest_evaluation(registered.head.id).await?.filter(|row| row.head.inputs_sha256 == inputs) {
        return Ok((row.head, false));
    }
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (i, deposit) in deposits.into_iter().enumerate() {
        let key: Key = deposit.table_key.as_deref().ok_or_else(|| Error::internal("an accepted deposit has no table"))?.parse()?;
        let path = folder.path().join(format!("{i}.parquet"));
        app.lake.fetch_to(&key, &path).await?;
        files.push((deposit, path));
    }
    let (convention, version) = (registered.convention.clone(), u32::try_from(registered.head.version).map_err(Error::internal)?);
    let body = tokio::task::spawn_blocking(move || {
        let tables: Vec<_> = files.iter().map(|(deposit, path)| table(deposit, path)).collect::<Result<_>>()?;
        serde_json::to_string(&evaluate(&convention, version, &tables, is_final)).map_err(Error::internal)
    })
    .await
    .map_err(Error::internal)??;
    keep(app, &registered, is_final, by, inputs, body).await
}

fn table(deposit: &Deposit, path: &Path) -> Result<DepositTable> {
    Ok(DepositTable {
        site: deposit.site.clone(),
        dataset: deposit.dataset.clone(),
        period: deposit.period,
        sha256: deposit.sha256.clone(),
        table: parquet::read(path, None)?,
    })
}

async fn keep(
    app: &App,
    registered: &Registered,
    is_final: bool,
    by: Option<&Actor>,
    inputs: String,
    body: String,
) -> Result<(EvaluationHead, bool)> {
    let (id, now) = (EvaluationId(app.clock.id()), app.clock.now());
    let created_by: Option<AccountId> = by.map(|a| a.account);
    let new = NewEvaluation { id, convention_id: registered.head.id, is_final, inputs_sha256: inputs, body, created_at: now, created_by };
    let mut tx = app.store.begin().await?;
    let row = tx.insert_evaluation(&new).await?;
    if row.head.id != id {
        // Someone else was faster: the same again, or the final one, after which nothing comes.
        return Ok((row.head, false));
    }
    let entry = Entry {
        at: now,
        actor: by.map_or(audit::Actor::System, Actor::in_audit),
        organisation: None,
        act: if is_final { "evaluation.lock" } else { "evaluation.compute" },
        object: format!("evaluation/{}", row.head.id),
        outcome: "ok",
        detail: json!({"convention": row.head.convention, "number": row.head.number, "inputs_sha256": row.head.inputs_sha256}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok((row.head, true))
}

/// SHA-256 of all that decides a snapshot: the convention, the program, the deposits.
fn inputs(registered: &Registered, deposits: &[Deposit], is_final: bool) -> String {
    let files: Vec<_> = deposits.iter().map(|d| json!([d.site, d.dataset, d.period, d.sha256])).collect();
    let all = json!([registered.convention.sha256, registered.head.version, env!("CARGO_PKG_VERSION"), is_final, files]);
    hex::encode(Sha256::digest(all.to_string()))
}

/// The newest snapshot of a convention as the actor may see it; none before the first.
///
/// # Errors
/// [`Kind::NotFound`] for a convention that is not the actor's; what the perimeter refuses.
pub async fn latest(app: &App, actor: &Actor, convention: &str) -> Result<Option<Snapshot>> {
    let agreement = register::agreement(app, convention).await?;
    let row = app.store.latest_evaluation(reference(app, &agreement).head.id).await?;
    view(app, actor, &agreement, row).await
}

/// The snapshot with this number.
///
/// # Errors
/// As [`latest`].
pub async fn numbered(app: &App, actor: &Actor, convention: &str, number: i64) -> Result<Option<Snapshot>> {
    let agreement = register::agreement(app, convention).await?;
    let row = app.store.evaluation(reference(app, &agreement).head.id, number).await?;
    view(app, actor, &agreement, row).await
}

async fn view(app: &App, actor: &Actor, agreement: &Agreement, row: Option<EvaluationRow>) -> Result<Option<Snapshot>> {
    let (person, today) = (actor.person(), app.clock.today());
    // A snapshot holds aggregates alone: it outlives the data.
    let may = |ask: &Ask<'_>| match perimeter::may(agreement, &person, ask, today) {
        Err(over) if over.code == "retention_over" => Ok(()),
        answer => answer,
    };
    let whole = may(&Ask::of(Use::Evaluation));
    if let Err(refusal) = &whole {
        // A site sees its own results, and the others' as far as the comparison goes.
        let site = person.site.as_ref().ok_or_else(|| Error::new(refusal.kind, refusal.code, refusal.message.clone()))?;
        may(&Ask::of(Use::OwnResults).site(site))?;
    }
    let Some(EvaluationRow { head, body }) = row else { return Ok(None) };
    let evaluation: Evaluation = serde_json::from_str(&body).map_err(Error::internal)?;
    let evaluation = match (&whole, &person.site) {
        (Err(_), Some(site)) => {
            // The first version's id is random, lasting, and shown to no site.
            let secret = agreement.versions()[0].head.id;
            let version = agreement.in_force_for(site, today).unwrap_or_else(|| agreement.reference(today));
            disclosure::for_site(&version.convention.document, evaluation, site, secret.0.as_bytes())
        }
        _ => evaluation,
    };
    let over = perimeter::agreed(agreement, &Ask::of(Use::Evaluation), today).is_err();
    let stale =
        !head.is_final && !over && head.inputs_sha256 != inputs(&reference(app, agreement), &counting(app, agreement).await?, false);
    Ok(Some(Snapshot { head, evaluation, stale }))
}
