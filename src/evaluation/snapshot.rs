//! The evaluation's path in the hub: accepted deposits → a numbered, immutable snapshot.

use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    Frozen,
    disclosure::Release,
    evaluate_under,
    release::{self, Reader},
    result::Evaluation,
};
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
    ids::{AccountId, ConventionId, EvaluationId, Siren},
    indicator::DepositTable,
    lake::Key,
    store::{
        Page,
        deposits::{Deposit, DepositFilter},
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
    let frozen = frozen(app, agreement);
    let inputs = inputs(&registered, &frozen, &deposits, is_final);
    let newest = app.store.latest_evaluation(registered.head.id).await?.map(|row| row.head);
    if let Some(head) = newest.as_ref().filter(|head| head.inputs_sha256 == inputs) {
        return Ok((head.clone(), false));
    }
    let before = release::before(app, &registered.head.name).await?;
    let counted = deposits.len();
    let old = released_files(app, &registered, &before, &deposits).await?;
    let deposits: Vec<Deposit> = deposits.into_iter().chain(old).collect();
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (i, deposit) in deposits.into_iter().enumerate() {
        let key: Key = deposit.table_key.as_deref().ok_or_else(|| Error::internal("an accepted deposit has no table"))?.parse()?;
        let path = folder.path().join(format!("{i}.parquet"));
        app.lake.fetch_to(&key, &path).await?;
        files.push((deposit, path));
    }
    let (convention, version) = (registered.convention.clone(), u32::try_from(registered.head.version).map_err(Error::internal)?);
    let today = app.clock.today();
    let readers: Vec<Reader> = agreement.sites().into_iter().map(Some).chain([None]).map(|site| reader(agreement, site, today)).collect();
    let secret = secret(agreement);
    let (body, releases) = tokio::task::spawn_blocking(move || {
        let tables: Vec<_> = files.iter().map(|(deposit, path)| table(deposit, path)).collect::<Result<_>>()?;
        let evaluation = evaluate_under(&convention, version, &frozen, &tables[..counted], is_final);
        let releases = release::all(&convention, &readers, &secret, today, &evaluation, &tables, &before);
        Ok::<_, Error>((serde_json::to_string(&evaluation).map_err(Error::internal)?, releases))
    })
    .await
    .map_err(Error::internal)??;
    let number = newest.map_or(0, |head| head.number) + 1;
    keep(app, &registered, is_final, by, (inputs, body, number), &releases).await
}

/// The deposits that count no longer, but did in what readers were shown, as far as their tables are still there.
async fn released_files(app: &App, registered: &Registered, before: &release::Before, current: &[Deposit]) -> Result<Vec<Deposit>> {
    let wanted = release::files(before);
    let filter = DepositFilter { convention: Some(registered.head.id), ..DepositFilter::default() };
    let (all, _) = if wanted.is_empty() { Default::default() } else { app.store.deposits(&filter, Page::ALL).await? };
    let mut found: Vec<Deposit> = Vec::new();
    for deposit in all {
        let same = |d: &Deposit| d.site == deposit.site && d.dataset == deposit.dataset && d.content_sha256() == deposit.content_sha256();
        let is_wanted = wanted.contains(&(deposit.dataset.clone(), deposit.content_sha256())) && !current.iter().chain(&found).any(same);
        if is_wanted && let Some(key) = &deposit.table_key {
            let key: Key = key.parse()?;
            if app.lake.exists(&key).await? {
                found.push(deposit);
            }
        }
    }
    Ok(found)
}

/// What only the hub knows, always the same for one convention: the id of its first version is random, lasting, and shown to no site.
fn secret(agreement: &Agreement) -> Vec<u8> {
    agreement.versions()[0].head.id.0.as_bytes().to_vec()
}

/// A reader who may not see every value (none of the sites: named recipients and the public), under the uses of the version in force for them.
fn reader(agreement: &Agreement, site: Option<Siren>, today: NaiveDate) -> Reader {
    let version = site.as_ref().and_then(|site| agreement.in_force_for(site, today)).unwrap_or_else(|| agreement.reference(today));
    Reader { site, version: version.head.id, convention: version.convention.clone() }
}

fn table(deposit: &Deposit, path: &Path) -> Result<DepositTable> {
    Ok(DepositTable {
        site: deposit.site.clone(),
        dataset: deposit.dataset.clone(),
        period: deposit.period,
        sha256: deposit.content_sha256(),
        table: parquet::read(path, None)?,
    })
}

async fn keep(
    app: &App,
    registered: &Registered,
    is_final: bool,
    by: Option<&Actor>,
    (inputs, body, number): (String, String, i64),
    releases: &[(Reader, Release)],
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
    if row.head.number != number {
        // What readers were shown has changed while this was computed: it is compared with that, another time.
        return Err(Error::new(Kind::Conflict, "computing", "Les indicateurs viennent de changer. Réessayez dans un instant."));
    }
    for (reader, released) in releases {
        tx.put_release(&release::row(app, reader, &row, released)?).await?;
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

/// What the first signatures froze, for the version that is evaluated.
fn frozen(app: &App, agreement: &Agreement) -> Frozen {
    Frozen::of(agreement, agreement.reference(app.clock.today()))
}

/// SHA-256 of all that decides a snapshot: the convention, the plan as it was signed, the program, the deposits.
fn inputs(registered: &Registered, frozen: &Frozen, deposits: &[Deposit], is_final: bool) -> String {
    let files: Vec<_> = deposits.iter().map(|d| json!([d.site, d.dataset, d.period, d.content_sha256()])).collect();
    let signed = frozen.plan.as_ref().map(|plan| &plan.convention_sha256);
    let all = json!([registered.convention.sha256, registered.head.version, signed, env!("CARGO_PKG_VERSION"), is_final, files]);
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
    let Some(row) = row else { return Ok(None) };
    let evaluation: Evaluation = match (&whole, &person.site) {
        (Err(_), Some(site)) => {
            // What a site was shown of older snapshots is not kept: differences between many would tell what two do not.
            let newest = app.store.latest_evaluation(row.head.convention_id).await?;
            if newest.is_some_and(|newest| newest.head.id != row.head.id) {
                return Ok(None);
            }
            release::read(app, agreement, &secret(agreement), &reader(agreement, Some(site.clone()), today), &row).await?
        }
        _ => serde_json::from_str(&row.body).map_err(Error::internal)?,
    };
    let head = row.head;
    let over = perimeter::agreed(agreement, &Ask::of(Use::Evaluation), today).is_err();
    let stale = !head.is_final
        && !over
        && head.inputs_sha256 != inputs(&reference(app, agreement), &frozen(app, agreement), &counting(app, agreement).await?, false);
    Ok(Some(Snapshot { head, evaluation, stale }))
}
