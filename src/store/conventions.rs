//! Versions of conventions. What belongs to a convention (deposits, snapshots, answers) belongs to all its versions: methods
//! that take a [`ConventionId`] mean the convention that this version is of.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, query, query_as};

use super::{Store, Tx};
use crate::{
    error::{Error, Result},
    ids::{AccountId, ConventionId},
};

/// One version, without its document.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ConventionHead {
    /// Which version.
    pub id: ConventionId,
    /// The document's `id`: the same for every version.
    pub name: String,
    /// From 1.
    pub version: i64,
    /// The document's title.
    pub title: String,
    /// The document's track.
    pub track: String,
    /// SHA-256 of the document as `convention` computes it.
    pub sha256: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// When it entered.
    pub created_at: DateTime<Utc>,
    /// Who entered it; none for the command line.
    pub created_by: Option<AccountId>,
    /// What became of it, apart from its signatures.
    pub state: VersionState,
    /// When it was taken back.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Why.
    pub withdrawn_reason: Option<String>,
}

/// What is kept of a version's state; the rest follows from its signatures, its dates and the convention's early end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// Its parties sign it.
    OpenForSignature,
    /// Taken back before it bound anyone.
    Withdrawn,
    /// Entered as signed outside the hub, before signatures were kept: it holds for all its parties since it was entered.
    Imported,
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenForSignature => "open_for_signature",
            Self::Withdrawn => "withdrawn",
            Self::Imported => "imported",
        })
    }
}

impl FromStr for VersionState {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "open_for_signature" => Ok(Self::OpenForSignature),
            "withdrawn" => Ok(Self::Withdrawn),
            "imported" => Ok(Self::Imported),
            _ => Err(Error::invalid("version_state", format!("« {s} » n'est pas l'état d'une version."))),
        }
    }
}

text_column!(VersionState);

/// One version, whole.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ConventionRow {
    /// All but the document.
    #[sqlx(flatten)]
    pub head: ConventionHead,
    /// Its JSON.
    pub document: String,
}

/// What enters as the next version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConvention {
    /// Which version.
    pub id: ConventionId,
    /// The document's `id`.
    pub name: String,
    /// The document's title.
    pub title: String,
    /// The document's track.
    pub track: String,
    /// Its JSON.
    pub document: String,
    /// SHA-256 of the document as `convention` computes it.
    pub sha256: String,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: NaiveDate,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Who; none for the command line.
    pub created_by: Option<AccountId>,
}

impl Store {
    /// The newest version of every convention, those that end last first.
    pub async fn conventions(&self) -> Result<Vec<ConventionHead>> {
        const SQL: &str = "SELECT id, name, version, title, track, sha256, starts_on, ends_on, created_at, created_by, state,
            withdrawn_at, withdrawn_reason FROM conventions c
            WHERE version = (SELECT MAX(version) FROM conventions n WHERE n.name = c.name) ORDER BY ends_on DESC, name";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// Every version of the convention called `name`, newest first.
    pub async fn convention_versions(&self, name: &str) -> Result<Vec<ConventionHead>> {
        const SQL: &str = "SELECT id, name, version, title, track, sha256, starts_on, ends_on, created_at, created_by, state,
            withdrawn_at, withdrawn_reason FROM conventions
            WHERE name = $1 ORDER BY version DESC";
        Ok(on_db!(self, |db| query_as(SQL).bind(name).fetch_all(db).await)?)
    }

    /// One version.
    pub async fn convention(&self, id: ConventionId) -> Result<Option<ConventionRow>> {
        const SQL: &str = "SELECT * FROM conventions WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// The newest version of the convention called `name`.
    pub async fn convention_by_name(&self, name: &str) -> Result<Option<ConventionRow>> {
        const SQL: &str = "SELECT * FROM conventions WHERE name = $1 ORDER BY version DESC LIMIT 1";
        Ok(on_db!(self, |db| query_as(SQL).bind(name).fetch_optional(db).await)?)
    }

    /// The newest version of the convention that `id` is a version of.
    pub async fn newest_convention(&self, id: ConventionId) -> Result<Option<ConventionRow>> {
        const SQL: &str =
            "SELECT * FROM conventions WHERE name = (SELECT name FROM conventions WHERE id = $1) ORDER BY version DESC LIMIT 1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// The newest version with this very document.
    pub async fn convention_by_sha256(&self, sha256: &str) -> Result<Option<ConventionRow>> {
        const SQL: &str = "SELECT * FROM conventions WHERE sha256 = $1 ORDER BY created_at DESC, version DESC LIMIT 1";
        Ok(on_db!(self, |db| query_as(SQL).bind(sha256).fetch_optional(db).await)?)
    }
}

impl Tx {
    /// Adds the next version of a convention, open for signature; gives its number.
    pub async fn insert_convention(&mut self, new: &NewConvention) -> Result<i64> {
        const SQL: &str = "INSERT INTO conventions
            (id, name, version, title, track, document, sha256, starts_on, ends_on, created_at, created_by, state)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open_for_signature')";
        let version = self.next(format!("convention/{}", new.name)).await?;
        let n = new.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(n.name)
                .bind(version)
                .bind(n.title)
                .bind(n.track)
                .bind(n.document)
                .bind(n.sha256)
                .bind(n.starts_on)
                .bind(n.ends_on)
                .bind(n.created_at)
                .bind(n.created_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(version)
    }

    /// Takes a version back.
    pub async fn withdraw_convention(&mut self, id: ConventionId, reason: &str, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE conventions SET state = 'withdrawn', withdrawn_at = $3, withdrawn_reason = $2 WHERE id = $1";
        let reason = reason.to_owned();
        on_tx!(self, |db| query(SQL).bind(id).bind(reason).bind(now).execute(db).await.map(drop))?;
        Ok(())
    }
}
