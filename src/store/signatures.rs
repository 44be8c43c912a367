//! Signatures of versions of conventions, and conventions ended early.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, query, query_as};

use super::{Store, Tx, conventions::ConventionHead};
use crate::{
    error::{Error, Result},
    ids::{AccountId, ConventionId, SignatureId, Siren},
};

/// How a party signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// In the hub, with a second factor.
    Hub,
    /// On paper; an officer recorded it with its scan.
    Paper,
    /// In a parapheur; the signed document was imported.
    Parapheur,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hub => "hub",
            Self::Paper => "paper",
            Self::Parapheur => "parapheur",
        })
    }
}

impl FromStr for Means {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "hub" => Ok(Self::Hub),
            "paper" => Ok(Self::Paper),
            "parapheur" => Ok(Self::Parapheur),
            _ => Err(Error::invalid("means", format!("« {s} » n'est pas une façon de signer."))),
        }
    }
}

text_column!(Means);

/// One party's signature of one version.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Signature {
    /// Which.
    pub id: SignatureId,
    /// Of which version.
    pub convention_id: ConventionId,
    /// Who: the Métropole or a site.
    pub party: Siren,
    /// The hash that was signed.
    pub sha256: String,
    /// The signatory's account, where they signed in the hub.
    pub account_id: Option<AccountId>,
    /// The signatory's name.
    pub name: String,
    /// In what quality: mayor, deputy …
    pub quality: String,
    /// Reference of the délibération or delegation.
    pub deed_reference: String,
    /// Its date.
    pub deed_date: NaiveDate,
    /// When it was signed, or recorded.
    pub signed_at: DateTime<Utc>,
    /// How.
    pub means: Means,
    /// What confirmed the signatory in the hub.
    pub second_factor: Option<String>,
    /// Key of the signed document, in the lake, where it was signed outside the hub.
    pub document_key: Option<String>,
    /// Who recorded it, where it was signed outside the hub.
    pub recorded_by: Option<AccountId>,
}

/// A convention ended before its last day.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Termination {
    /// Name of the convention.
    pub convention: String,
    /// Its last day now.
    pub ends_on: NaiveDate,
    /// Why, in the Métropole's words.
    pub reason: String,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: Option<AccountId>,
}

const OF_NAME: &str = "SELECT * FROM signatures WHERE convention_id IN (SELECT id FROM conventions WHERE name = $1) ORDER BY signed_at, id";
const TERMINATION: &str = "SELECT * FROM terminations WHERE convention = $1";

impl Store {
    /// The signatures of every version of the convention called `name`, oldest first.
    pub async fn signatures(&self, name: &str) -> Result<Vec<Signature>> {
        Ok(on_db!(self, |db| query_as(OF_NAME).bind(name).fetch_all(db).await)?)
    }

    /// How the convention called `name` was ended early.
    pub async fn termination(&self, name: &str) -> Result<Option<Termination>> {
        Ok(on_db!(self, |db| query_as(TERMINATION).bind(name).fetch_optional(db).await)?)
    }
}

impl Tx {
    /// Waits until no other transaction changes the life of the convention called `name`, then reads it: its versions, oldest first, its
    /// signatures, its early end.
    pub async fn lock_convention(&mut self, name: &str) -> Result<(Vec<ConventionHead>, Vec<Signature>, Option<Termination>)> {
        const TURN: &str = "INSERT INTO counters (name, value) VALUES ($1, 0) ON CONFLICT (name) DO UPDATE SET value = counters.value";
        const HEADS: &str = "SELECT id, name, version, title, track, sha256, starts_on, ends_on, created_at, created_by, state,
            withdrawn_at, withdrawn_reason FROM conventions WHERE name = $1 ORDER BY version";
        let turn = format!("convention/{name}");
        on_tx!(self, |db| query(TURN).bind(turn).execute(db).await.map(drop))?;
        let (a, b, c) = (name.to_owned(), name.to_owned(), name.to_owned());
        let heads = on_tx!(self, |db| query_as(HEADS).bind(a).fetch_all(db).await)?;
        let signatures = on_tx!(self, |db| query_as(OF_NAME).bind(b).fetch_all(db).await)?;
        let termination = on_tx!(self, |db| query_as(TERMINATION).bind(c).fetch_optional(db).await)?;
        Ok((heads, signatures, termination))
    }

    /// Adds a signature.
    pub async fn insert_signature(&mut self, signature: &Signature) -> Result<()> {
        const SQL: &str = "INSERT INTO signatures (id, convention_id, party, sha256, account_id, name, quality, deed_reference, deed_date,
              signed_at, means, second_factor, document_key, recorded_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let s = signature.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(s.id)
                .bind(s.convention_id)
                .bind(s.party)
                .bind(s.sha256)
                .bind(s.account_id)
                .bind(s.name)
                .bind(s.quality)
                .bind(s.deed_reference)
                .bind(s.deed_date)
                .bind(s.signed_at)
                .bind(s.means)
                .bind(s.second_factor)
                .bind(s.document_key)
                .bind(s.recorded_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Records that a convention ends early.
    pub async fn insert_termination(&mut self, termination: &Termination) -> Result<()> {
        const SQL: &str = "INSERT INTO terminations (convention, ends_on, reason, created_at, created_by) VALUES ($1, $2, $3, $4, $5)";
        let t = termination.clone();
        on_tx!(self, |db| {
            query(SQL).bind(t.convention).bind(t.ends_on).bind(t.reason).bind(t.created_at).bind(t.created_by).execute(db).await.map(drop)
        })?;
        Ok(())
    }
}
