//! A consistent copy of the whole hub, made while it runs, and its return into an empty one, on either engine and either lake.
//!
//! A copy is a folder: `database/{table}.jsonl` (all of one moment), `lake/{key}` (every file that a row of that moment names: rows
//! name files that are there already and never change), and `manifest.json`, written last, with the SHA-256 of each.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    error::{Error, Kind, Result},
    lake::Key,
    store::backup::TABLES,
};

/// Rises when the tables change.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the tables.
    pub format: u32,
    /// `retex 0.1.0`.
    pub program: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Every table.
    pub tables: Vec<TableCopy>,
    /// Every file.
    pub files: Vec<FileCopy>,
}

/// A table in a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCopy {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Of `database/{name}.jsonl`.
    pub sha256: String,
}

/// A file in a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCopy {
    /// Its key in the lake.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// Of `lake/{key}`.
    pub sha256: String,
}

/// Copies the hub into `folder`, which must be empty or not exist.
pub async fn backup(app: &App, folder: &Path) -> Result<Manifest> {
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        return Err(Error::new(Kind::Conflict, "folder_not_empty", "Le dossier de sauvegarde n'est pas vide. Choisissez-en un autre."));
    }
    let database = folder.join("database");
    crate::config::private_folder(&database)?;
    let mut manifest = Manifest {
        format: FORMAT,
        program: concat!("retex ", env!("CARGO_PKG_VERSION")).to_owned(),
        created_at: app.clock.now(),
        tables: Vec::new(),
        files: Vec::new(),
    };
    let mut moment = app.store.snapshot().await?;
    for table in TABLES {
        let path = database.join(format!("{}.jsonl", table.name));
        let mut out = BufWriter::new(File::create(&path)?);
        let rows = moment.export(table, &mut out).await?;
        out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        manifest.tables.push(TableCopy { name: table.name.to_owned(), rows, sha256: sha256(&path)? });
    }
    let keys = moment.named_keys().await?;
    moment.commit().await?;
    for key in keys {
        let path = folder.join("lake").join(&key);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let bytes = app.lake.fetch_to(&key.parse()?, &path).await?;
        File::open(&path)?.sync_all()?;
        manifest.files.push(FileCopy { key, bytes, sha256: sha256(&path)? });
    }
    let mut out = File::create(folder.join(MANIFEST))?;
    serde_json::to_writer_pretty(&mut out, &manifest).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    Ok(manifest)
}

/// Brings the copy in `folder` back into an empty hub: whole, or not at all. Every hash is checked before anything is written.
pub async fn restore(app: &App, folder: &Path) -> Result<Manifest> {
    let manifest = read(folder)?;
    let mut tx = app.store.begin().await?;
    if !tx.is_empty().await? {
        return Err(Error::new(
            Kind::Conflict,
            "hub_not_empty",
            "Cette plateforme contient déjà des données. Restaurez la sauvegarde dans une plateforme vide.",
        ));
    }
    for file in &manifest.files {
        app.lake.put_file(&folder.join("lake").join(&file.key), &file.key.parse()?).await?;
    }
    for (table, copy) in TABLES.iter().zip(&manifest.tables) {
        let lines = BufReader::new(File::open(folder.join("database").join(format!("{}.jsonl", table.name)))?);
        if tx.import(table, lines).await? != copy.rows {
            return Err(damaged(&copy.name));
        }
    }
    tx.commit().await?;
    Ok(manifest)
}

/// Reads a copy's manifest and compares every file with it.
fn read(folder: &Path) -> Result<Manifest> {
    let text = fs::read_to_string(folder.join(MANIFEST)).map_err(|error| {
        Error::invalid("backup_unfinished", "Ce dossier ne contient pas de sauvegarde achevée\u{a0}: le fichier manifest.json y manque.")
            .with_source(error)
    })?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| damaged(MANIFEST).with_source(error))?;
    if manifest.format != FORMAT || !manifest.tables.iter().map(|t| t.name.as_str()).eq(TABLES.iter().map(|t| t.name)) {
        return Err(Error::invalid(
            "backup_format",
            format!(
                "Cette sauvegarde vient d'une autre version, {}. Restaurez-la avec cette version, puis mettez à jour.",
                manifest.program
            ),
        ));
    }
    for table in &manifest.tables {
        compare(&folder.join("database").join(format!("{}.jsonl", table.name)), &table.name, &table.sha256)?;
    }
    for file in &manifest.files {
        // Also keeps a key from leading out of the folder.
        let key: Key = file.key.parse()?;
        compare(&folder.join("lake").join(key.to_string()), &file.key, &file.sha256)?;
    }
    Ok(manifest)
}

fn compare(path: &Path, name: &str, expected: &str) -> Result<()> {
    match sha256(path) {
        Ok(found) if found == expected => Ok(()),
        Ok(_) => Err(damaged(name)),
        Err(error) => Err(damaged(name).with_source(error)),
    }
}

fn damaged(name: &str) -> Error {
    Error::invalid(
        "backup_damaged",
        format!("La sauvegarde est abîmée\u{a0}: «\u{a0}{name}\u{a0}» manque ou n'est plus tel qu'il a été écrit. Rien n'a été restauré."),
    )
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}
