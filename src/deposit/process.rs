//! The second half of the deposit's path, run by the queue: from a received file to a decision, its receipt and its typed table.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexSet;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    check::{Checked, Output, check_file_into},
    covered::{self, Subject},
    linked::{self, Place},
    parquet, reading,
    report::{CheckReport, FileInfo, SchemaInfo, SourceError, Stats},
};
use crate::{
    app::App,
    audit::{self, Entry},
    convention::{
        document::Dataset,
        register::{self, Registered},
    },
    error::{Error, Result},
    ids::DepositId,
    lake::Key,
    mail::{self, Letter},
    store::{
        deposits::{Accepted, Deposit},
        jobs::Job,
    },
    words,
};

/// Faults that a receipt lists; all are counted.
pub const LIMIT: usize = 1000;

/// How long a file that was refused, or whose depositor does not answer, is kept.
pub const REFUSED_KEPT: TimeDelta = TimeDelta::days(30);

/// Checks a received deposit and decides it; does nothing for one that is decided, so that it may run again after an interruption.
pub async fn process(app: &App, id: DepositId) -> Result<()> {
    let Some(deposit) = app.store.deposit(id).await?.filter(|d| !d.state.is_decided()) else { return Ok(()) };
    let mut tx = app.store.begin().await?;
    tx.start_check(id).await?;
    tx.commit().await?;
    let registered = register::version(app, deposit.convention_id).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("original");
    let original = deposit.original_key.as_deref().ok_or_else(|| Error::internal("a received deposit has no file"))?;
    app.lake.fetch_to(&original.parse()?, &file).await?;
    app.store.note_progress(id, "checking", None).await?;
    let typed = folder.path().join("table.parquet");
    let mut checked = check(&registered, &deposit, &file, &typed).await?;
    let place = Place { site: &deposit.site, dataset: &deposit.dataset, period: deposit.period };
    compare(app, &registered, place, deposit.created_at, folder.path(), &typed, &mut checked).await?;
    if checked.report.valid && !checked.report.personal.is_empty() && deposit.confirmed_at.is_none() {
        return hold(app, &deposit, &checked.report).await;
    }
    app.store.note_progress(id, "recording", None).await?;
    match checked.table? {
        Some(rows) if checked.report.valid => {
            let rows = i64::try_from(rows).map_err(Error::internal)?;
            let table_sha256 = sha256(typed.clone()).await?;
            let lake = app.lake.table(&deposit.convention, &deposit.dataset)?;
            let key = lake.add(&deposit.site, deposit.period, id, &typed).await?;
            let table = Table { rows, key, sha256: table_sha256 };
            accept(app, &registered, &deposit, &checked.report, &table).await
        }
        _ => reject(app, &deposit, &checked.report).await,
    }
}

/// Checks `file`; its typed table goes to `typed`.
async fn check(registered: &Registered, deposit: &Deposit, file: &Path, typed: &Path) -> Result<Checked> {
    let (convention, dataset, imposed) = (registered.convention.clone(), deposit.dataset.clone(), reading::imposed(deposit)?);
    let (file, name, typed) = (file.to_owned(), deposit.file_name.clone(), typed.to_owned());
    let metadata = metadata(registered, deposit);
    tokio::task::spawn_blocking(move || {
        let rules = reading::rules(&convention, &dataset, imposed.as_ref())?;
        let output = Output { path: &typed, metadata: &|_| metadata.clone() };
        Ok(check_file_into(&file, &name, &rules, LIMIT, Some(&output), &mut |_| {}))
    })
    .await
    .map_err(Error::internal)?
}

/// Asks of a file that is good in itself what its period, its site and the other files of its site ask of it; `at` is when it came.
pub(super) async fn compare(
    app: &App,
    registered: &Registered,
    place: Place<'_>,
    at: DateTime<Utc>,
    folder: &Path,
    typed: &Path,
    checked: &mut Checked,
) -> Result<()> {
    let Checked { report, table: Ok(Some(_)) } = checked else { return Ok(()) };
    let document = &registered.convention.document;
    let Some(dataset) = document.datasets.get(place.dataset).filter(|_| report.valid) else { return Ok(()) };
    // Only the columns that are compared: a table may be larger than the memory.
    let columns = compared(dataset);
    if columns.is_empty() {
        return Ok(());
    }
    let typed = typed.to_owned();
    let table = tokio::task::spawn_blocking(move || parquet::read(&typed, Some(&columns))).await.map_err(Error::internal)??;
    let subject = Subject { document, dataset, site: place.site, period: place.period, today: words::today(at) };
    covered::check(&subject, &table, report, LIMIT);
    linked::compare(app, registered, place, folder, &table, report).await
}

/// The columns of a dataset that are compared with the period, the site and other files.
fn compared(dataset: &Dataset) -> Vec<String> {
    let keys = dataset.primary_key.iter().chain(dataset.unique_keys.iter().flatten());
    let references = dataset.foreign_keys.iter().flat_map(|key| &key.fields);
    let date = dataset.coverage.iter().map(|coverage| &coverage.date);
    let columns: IndexSet<&String> = keys.chain(references).chain(date).collect();
    columns.into_iter().cloned().collect()
}

/// Decides a deposit whose check could not be brought to its end, so that its site is not left waiting; its bytes are kept.
pub async fn give_up(app: &App, id: DepositId) -> Result<()> {
    let Some(deposit) = app.store.deposit(id).await?.filter(|d| !d.state.is_decided()) else { return Ok(()) };
    let mut tx = app.store.begin().await?;
    tx.start_check(id).await?;
    tx.commit().await?;
    let message = "Le contrôle de ce fichier n'a pas pu aboutir, de notre fait. Votre fichier est gardé : réessayez plus tard ou écrivez à la Métropole.";
    let report = CheckReport {
        valid: false,
        source_error: Some(SourceError { code: "check_failed".to_owned(), message: message.to_owned() }),
        file: FileInfo {
            name: deposit.file_name.clone(),
            bytes: deposit.bytes.unsigned_abs(),
            sha256: deposit.sha256.clone(),
            ..FileInfo::default()
        },
        schema: SchemaInfo::default(),
        stats: Stats::default(),
        columns: Vec::new(),
        errors: Vec::new(),
        by_rule: Vec::new(),
        warnings: Vec::new(),
        personal: Vec::new(),
    };
    reject(app, &deposit, &report).await
}

/// What a table's file says of itself, for engines that read it without the hub.
fn metadata(registered: &Registered, deposit: &Deposit) -> Vec<(&'static str, String)> {
    vec![
        ("retex.deposit", deposit.id.to_string()),
        ("retex.number", deposit.number.clone()),
        ("retex.site", deposit.site.to_string()),
        ("retex.dataset", deposit.dataset.clone()),
        ("retex.period", deposit.period.map(|p| p.to_string()).unwrap_or_default()),
        ("retex.sha256", deposit.sha256.clone()),
        ("retex.convention", registered.head.name.clone()),
        ("retex.convention_version", registered.head.version.to_string()),
        ("retex.convention_sha256", registered.head.sha256.clone()),
    ]
}

/// The typed table of an accepted file.
struct Table {
    rows: i64,
    key: Key,
    /// Kept in the trail alone, where it cannot be changed with the file.
    sha256: String,
}

async fn sha256(file: PathBuf) -> Result<String> {
    let hash = move || {
        let mut hash = Sha256::new();
        let mut file = std::fs::File::open(file)?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hash.finalize())),
                read => hash.update(&buffer[..read]),
            }
        }
    };
    tokio::task::spawn_blocking(hash).await.map_err(Error::internal)?
}

async fn accept(app: &App, registered: &Registered, deposit: &Deposit, report: &CheckReport, table: &Table) -> Result<()> {
    let Table { rows, key, sha256 } = table;
    let body = serde_json::to_string(report).map_err(Error::internal)?;
    let mut tx = app.store.begin().await?;
    let accepted = tx.accept_deposit(deposit.id, &body, *rows, &key.to_string(), app.clock.now()).await?;
    let superseded = match &accepted {
        Accepted::Current { superseded } => superseded.map(|d| d.to_string()),
        Accepted::Superseded { .. } => None,
    };
    let counts = matches!(accepted, Accepted::Current { .. });
    let detail = json!({"number": deposit.number, "rows": rows, "superseded": superseded, "counts": counts, "table_sha256": sha256});
    audit::append(&mut tx, &decided(app, deposit, "deposit.accept", detail)).await?;
    tx.enqueue(&app.clock, &Job::Evaluate { convention: registered.head.id }).await?;
    tx.commit().await
}

/// Keeps a good file waiting until its depositor has looked at what seems to be personal data.
async fn hold(app: &App, deposit: &Deposit, report: &CheckReport) -> Result<()> {
    let body = serde_json::to_string(report).map_err(Error::internal)?;
    let rows = i64::try_from(report.stats.rows).map_err(Error::internal)?;
    let mut tx = app.store.begin().await?;
    tx.hold_deposit(deposit.id, &body, rows, app.clock.now()).await?;
    let found: Vec<_> = report.personal.iter().map(|f| json!({"column": f.column, "kind": f.kind, "cells": f.count})).collect();
    audit::append(&mut tx, &decided(app, deposit, "deposit.hold", json!({"number": deposit.number, "personal": found}))).await?;
    if let Some(depositor) = app.store.account(deposit.created_by).await? {
        let mut columns: Vec<String> = report.personal.iter().map(|f| f.column.clone()).collect();
        columns.dedup();
        let letter = Letter::DepositHeld {
            number: deposit.number.clone(),
            file: deposit.file_name.clone(),
            columns,
            until: words::today(app.clock.now()).checked_add_signed(REFUSED_KEPT).unwrap_or_default(),
            path: format!("/depots/{}", deposit.id),
        };
        mail::queue(app, &mut tx, &depositor, &letter, Some(format!("deposit_held/{}", deposit.id))).await?;
    }
    tx.commit().await
}

async fn reject(app: &App, deposit: &Deposit, report: &CheckReport) -> Result<()> {
    let body = serde_json::to_string(report).map_err(Error::internal)?;
    let rows = i64::try_from(report.stats.rows).ok().filter(|_| report.source_error.is_none());
    // A column outside the perimeter may hold what nobody agreed to share: its bytes go at once (domain, «A deposit»).
    let outside = report.by_rule.iter().any(|r| r.code == "outside_perimeter");
    let mut tx = app.store.begin().await?;
    tx.reject_deposit(deposit.id, &body, rows, app.clock.now()).await?;
    let erased = if outside { tx.forget_original(deposit.id).await? } else { None };
    let detail = json!({"number": deposit.number, "errors": report.stats.errors, "erased": outside});
    audit::append(&mut tx, &decided(app, deposit, "deposit.reject", detail)).await?;
    if let Some(depositor) = app.store.account(deposit.created_by).await? {
        let letter = Letter::DepositRejected {
            number: deposit.number.clone(),
            file: deposit.file_name.clone(),
            problems: usize::try_from(report.stats.errors).unwrap_or(usize::MAX),
            path: format!("/depots/{}", deposit.id),
        };
        mail::queue(app, &mut tx, &depositor, &letter, Some(format!("deposit_rejected/{}", deposit.id))).await?;
    }
    tx.commit().await?;
    if let Some(key) = erased {
        app.lake.delete(&key.parse()?).await?;
    }
    Ok(())
}

fn decided(app: &App, deposit: &Deposit, act: &'static str, detail: serde_json::Value) -> Entry {
    Entry {
        at: app.clock.now(),
        actor: audit::Actor::System,
        organisation: Some(deposit.site.clone()),
        act,
        object: format!("deposit/{}", deposit.id),
        outcome: "ok",
        detail,
    }
}
