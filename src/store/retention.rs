//! The end of the data's life: lists of elimination and what they name, holds, requests for an early withdrawal.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx};
use crate::{
    error::{Error, Kind, Result},
    ids::{AccountId, DepositId, HoldId, PurgeId, RemovalId, Siren},
};

/// Where a list of elimination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurgeState {
    /// It waits for the archives.
    Proposed,
    /// The archives agree that what it names is destroyed.
    VisaGiven,
    /// The archives do not agree.
    Refused,
    /// The archives took the data over.
    Exported,
    /// What it names is destroyed.
    Done,
}

impl PurgeState {
    const NAMES: [(Self, &str); 5] = [
        (Self::Proposed, "proposed"),
        (Self::VisaGiven, "visa_given"),
        (Self::Refused, "refused"),
        (Self::Exported, "exported"),
        (Self::Done, "done"),
    ];

    /// Whether the archives have said that the data may go.
    pub fn is_cleared(self) -> bool {
        matches!(self, Self::VisaGiven | Self::Exported)
    }
}

impl fmt::Display for PurgeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(state, _)| state == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for PurgeState {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == s)
            .map(|(state, _)| *state)
            .ok_or_else(|| Error::invalid("purge_state", format!("«\u{a0}{s}\u{a0}» n'est pas l'état d'un bordereau.")))
    }
}

text_column!(PurgeState);

/// One list of elimination, without what it names.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Purge {
    /// Which.
    pub id: PurgeId,
    /// As people call it, `E-2028-0001`.
    pub number: String,
    /// The convention's name.
    pub convention: String,
    /// Whose data; all sites' if none.
    pub site: Option<Siren>,
    /// The granted request that it carries out, if it comes before the end.
    pub removal_id: Option<RemovalId>,
    /// Where it stands.
    pub state: PurgeState,
    /// First day on which the data may go.
    pub due_on: NaiveDate,
    /// SHA-256 of the list as CSV: what the archives stamp.
    pub list_sha256: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The archives' reference: of the visa, or of the acknowledged transfer.
    pub visa_reference: Option<String>,
    /// Who gave it.
    pub visa_name: Option<String>,
    /// Its date.
    pub visa_on: Option<NaiveDate>,
    /// Key of its scan, in the lake.
    pub visa_key: Option<String>,
    /// When the archives' answer was recorded.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who recorded it.
    pub decided_by: Option<AccountId>,
    /// Why the archives refused.
    pub refusal: Option<String>,
    /// SHA-256 of the package that was made for the archives.
    pub package_sha256: Option<String>,
    /// When all was destroyed.
    pub done_at: Option<DateTime<Utc>>,
}

/// A list to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPurge {
    /// Which.
    pub id: PurgeId,
    /// The convention's name.
    pub convention: String,
    /// Whose data; all sites' if none.
    pub site: Option<Siren>,
    /// The granted request that it carries out.
    pub removal_id: Option<RemovalId>,
    /// First day on which the data may go.
    pub due_on: NaiveDate,
    /// SHA-256 of the list as CSV.
    pub list_sha256: String,
    /// Now.
    pub made_at: DateTime<Utc>,
}

/// One object that a list names.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PurgeItem {
    /// In which list.
    pub purge_id: PurgeId,
    /// Where in it, from 1.
    pub position: i64,
    /// Of which deposit.
    pub deposit_id: DepositId,
    /// `original`, `rejected` or `table`.
    pub kind: String,
    /// In the lake.
    pub key: String,
    /// Size.
    pub bytes: i64,
    /// Of its bytes.
    pub sha256: String,
    /// Set when destroyed: whether the object stays because another deposit of the same site, not of this list, is the same file.
    pub shared: Option<bool>,
    /// When it was destroyed.
    pub destroyed_at: Option<DateTime<Utc>>,
}

/// A suspension of every destruction, for a reason of law.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// The convention's name.
    pub convention: String,
    /// Whose data; all sites' if none.
    pub site: Option<Siren>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub placed_at: DateTime<Utc>,
    /// Who.
    pub placed_by: AccountId,
    /// Why it was lifted.
    pub lifted_reason: Option<String>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Who.
    pub lifted_by: Option<AccountId>,
}

/// A site's request that its data be withdrawn before the end.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Removal {
    /// Which.
    pub id: RemovalId,
    /// The convention's name.
    pub convention: String,
    /// Who asks.
    pub site: Siren,
    /// Why.
    pub reason: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// By whom.
    pub asked_by: AccountId,
    /// The answer, once there is one.
    pub granted: Option<bool>,
    /// Its reason.
    pub answer: Option<String>,
    /// When.
    pub answered_at: Option<DateTime<Utc>>,
    /// By whom.
    pub answered_by: Option<AccountId>,
}

/// What the archives answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    /// The state that it brings: visa given, or exported.
    pub state: PurgeState,
    /// Their reference.
    pub reference: String,
    /// Who.
    pub name: String,
    /// When they gave it.
    pub on: NaiveDate,
    /// Key of its scan.
    pub key: Option<String>,
}

impl Store {
    /// Every list, newest first.
    pub async fn purges(&self) -> Result<Vec<Purge>> {
        const SQL: &str = "SELECT * FROM purges ORDER BY made_at DESC, number DESC";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// One list.
    pub async fn purge(&self, id: PurgeId) -> Result<Option<Purge>> {
        const SQL: &str = "SELECT * FROM purges WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// What a list names, in its order.
    pub async fn purge_items(&self, id: PurgeId) -> Result<Vec<PurgeItem>> {
        const SQL: &str = "SELECT * FROM purge_items WHERE purge_id = $1 ORDER BY position";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_all(db).await)?)
    }

    /// The keys that lists not yet carried out name.
    pub async fn keys_in_open_purges(&self) -> Result<Vec<String>> {
        const SQL: &str = "SELECT DISTINCT key FROM purge_items i JOIN purges p ON p.id = i.purge_id WHERE p.state <> 'done' ORDER BY key";
        Ok(on_db!(self, |db| query_scalar(SQL).fetch_all(db).await)?)
    }

    /// The objects that lists say are destroyed, and that no row names again.
    pub async fn destroyed_items(&self) -> Result<Vec<PurgeItem>> {
        const SQL: &str = "SELECT * FROM purge_items i WHERE destroyed_at IS NOT NULL AND NOT shared
              AND NOT EXISTS (SELECT 1 FROM deposits WHERE original_key = i.key OR table_key = i.key)
            ORDER BY purge_id, position";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// Every hold, newest first.
    pub async fn holds(&self) -> Result<Vec<Hold>> {
        const SQL: &str = "SELECT * FROM holds ORDER BY placed_at DESC, id DESC";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// Every request, newest first.
    pub async fn removals(&self) -> Result<Vec<Removal>> {
        const SQL: &str = "SELECT * FROM removals ORDER BY asked_at DESC, id DESC";
        Ok(on_db!(self, |db| query_as(SQL).fetch_all(db).await)?)
    }

    /// Whether a site's data were withdrawn from a convention.
    pub async fn is_removed(&self, convention: &str, site: &Siren) -> Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM removals WHERE convention = $1 AND site = $2 AND granted";
        let (convention, site) = (convention.to_owned(), site.clone());
        let count: i64 = on_db!(self, |db| query_scalar(SQL).bind(convention).bind(site).fetch_one(db).await)?;
        Ok(count > 0)
    }
}

impl Tx {
    /// One list, as this transaction sees it.
    pub async fn purge(&mut self, id: PurgeId) -> Result<Option<Purge>> {
        const SQL: &str = "SELECT * FROM purges WHERE id = $1";
        Ok(on_tx!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// Keeps a list and what it names, under the next number of its year; none if there is already an open one for the same data.
    pub async fn insert_purge(&mut self, new: &NewPurge, items: &[PurgeItem]) -> Result<Option<Purge>> {
        const SQL: &str = "INSERT INTO purges (id, number, convention, site, removal_id, state, due_on, list_sha256, made_at)
            VALUES ($1, $2, $3, $4, $5, 'proposed', $6, $7, $8) ON CONFLICT DO NOTHING";
        const ITEM: &str = "INSERT INTO purge_items (purge_id, position, deposit_id, kind, key, bytes, sha256)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let year = new.made_at.year();
        let counter = format!("purge/{year}");
        let number = format!("E-{year}-{:04}", self.next(counter.clone()).await?);
        let n = new.clone();
        let added = on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(number)
                .bind(n.convention)
                .bind(n.site)
                .bind(n.removal_id)
                .bind(n.due_on)
                .bind(n.list_sha256)
                .bind(n.made_at)
                .execute(db)
                .await
                .map(|done| done.rows_affected())
        })?;
        if added == 0 {
            self.give_back(counter).await?;
            return Ok(None);
        }
        for item in items {
            let i = item.clone();
            on_tx!(self, |db| {
                query(ITEM)
                    .bind(i.purge_id)
                    .bind(i.position)
                    .bind(i.deposit_id)
                    .bind(i.kind)
                    .bind(i.key)
                    .bind(i.bytes)
                    .bind(i.sha256)
                    .execute(db)
                    .await
                    .map(drop)
            })?;
        }
        self.purge(new.id).await
    }

    /// Records that the archives let the data go. [`Kind::Conflict`] if they already did.
    pub async fn clear_purge(&mut self, id: PurgeId, answer: &Clearance, by: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE purges SET state = $2, visa_reference = $3, visa_name = $4, visa_on = $5, visa_key = $6, decided_at = $7,
              decided_by = $8, refusal = NULL
            WHERE id = $1 AND state IN ('proposed', 'refused')";
        let a = answer.clone();
        let changed = on_tx!(self, |db| {
            query(SQL)
                .bind(id)
                .bind(a.state)
                .bind(a.reference)
                .bind(a.name)
                .bind(a.on)
                .bind(a.key)
                .bind(now)
                .bind(by)
                .execute(db)
                .await
                .map(|done| done.rows_affected())
        })?;
        expect_one(changed)
    }

    /// Records that the archives do not let the data go. [`Kind::Conflict`] unless the list waits for their answer.
    pub async fn refuse_purge(&mut self, id: PurgeId, reason: &str, by: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE purges SET state = 'refused', refusal = $2, decided_at = $3, decided_by = $4
            WHERE id = $1 AND state = 'proposed'";
        let reason = reason.to_owned();
        let changed =
            on_tx!(self, |db| query(SQL).bind(id).bind(reason).bind(now).bind(by).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Notes the package that was made for the archives.
    pub async fn note_package(&mut self, id: PurgeId, sha256: &str) -> Result<()> {
        const SQL: &str = "UPDATE purges SET package_sha256 = $2 WHERE id = $1";
        let sha256 = sha256.to_owned();
        on_tx!(self, |db| query(SQL).bind(id).bind(sha256).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Notes that an object is destroyed, or stays because it is `shared`.
    pub async fn note_destroyed(&mut self, item: &PurgeItem, shared: bool, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE purge_items SET destroyed_at = $3, shared = $4 WHERE purge_id = $1 AND position = $2";
        let (purge, position) = (item.purge_id, item.position);
        on_tx!(self, |db| query(SQL).bind(purge).bind(position).bind(now).bind(shared).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Ends a list whose objects are all gone; false if it was ended before.
    pub async fn finish_purge(&mut self, id: PurgeId, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE purges SET state = 'done', done_at = $2 WHERE id = $1 AND state IN ('visa_given', 'exported')";
        Ok(on_tx!(self, |db| query(SQL).bind(id).bind(now).execute(db).await.map(|done| done.rows_affected() == 1))?)
    }

    /// Forgets the values of a deposit: its file and its table are no longer named, `report` takes the place of its report, what the hub
    /// changed in it and the name of a sheet go, and what
    /// was computed from its very bytes goes unless another deposit has them too.
    pub async fn purge_deposit(&mut self, id: DepositId, report: Option<&str>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'purged', original_key = NULL, table_key = NULL, report = $2, step = NULL,
              progress = NULL, changes = NULL, reading = NULL WHERE id = $1";
        const SUMMARIES: &str = "DELETE FROM summaries WHERE deposit_sha256 = (SELECT sha256 FROM deposits WHERE id = $1)
              AND NOT EXISTS (SELECT 1 FROM deposits d WHERE d.sha256 = summaries.deposit_sha256 AND d.state <> 'purged')";
        let report = report.map(str::to_owned);
        on_tx!(self, |db| query(SQL).bind(id).bind(report).execute(db).await.map(drop))?;
        on_tx!(self, |db| query(SUMMARIES).bind(id).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Whether any deposit names this object.
    pub async fn is_named(&mut self, key: &str) -> Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM deposits WHERE original_key = $1 OR table_key = $1";
        let key = key.to_owned();
        let count: i64 = on_tx!(self, |db| query_scalar(SQL).bind(key).fetch_one(db).await)?;
        Ok(count > 0)
    }

    /// The holds that stand on a convention, or on this site of it.
    pub async fn standing_holds(&mut self, convention: &str, site: Option<&Siren>) -> Result<Vec<Hold>> {
        const SQL: &str = "SELECT * FROM holds WHERE convention = $1 AND lifted_at IS NULL
              AND ($2 IS NULL OR site IS NULL OR site = $2) ORDER BY placed_at, id";
        let (convention, site) = (convention.to_owned(), site.cloned());
        Ok(on_tx!(self, |db| query_as(SQL).bind(convention).bind(site).fetch_all(db).await)?)
    }

    /// Suspends every destruction.
    pub async fn insert_hold(&mut self, hold: &Hold) -> Result<()> {
        const SQL: &str = "INSERT INTO holds (id, convention, site, reason, placed_at, placed_by) VALUES ($1, $2, $3, $4, $5, $6)";
        let h = hold.clone();
        on_tx!(self, |db| {
            query(SQL)
                .bind(h.id)
                .bind(h.convention)
                .bind(h.site)
                .bind(h.reason)
                .bind(h.placed_at)
                .bind(h.placed_by)
                .execute(db)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Lifts a hold. [`Kind::Conflict`] if it no longer stands.
    pub async fn lift_hold(&mut self, id: HoldId, reason: &str, by: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE holds SET lifted_reason = $2, lifted_at = $3, lifted_by = $4 WHERE id = $1 AND lifted_at IS NULL";
        let reason = reason.to_owned();
        let changed =
            on_tx!(self, |db| query(SQL).bind(id).bind(reason).bind(now).bind(by).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Records a site's request; false if one waits for its answer or was granted.
    pub async fn insert_removal(&mut self, removal: &Removal) -> Result<bool> {
        const SQL: &str = "INSERT INTO removals (id, convention, site, reason, asked_at, asked_by) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT DO NOTHING";
        let r = removal.clone();
        Ok(on_tx!(self, |db| {
            query(SQL)
                .bind(r.id)
                .bind(r.convention)
                .bind(r.site)
                .bind(r.reason)
                .bind(r.asked_at)
                .bind(r.asked_by)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }

    /// Answers a request. [`Kind::Conflict`] if it has its answer.
    pub async fn answer_removal(&mut self, id: RemovalId, granted: bool, reason: &str, by: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE removals SET granted = $2, answer = $3, answered_at = $4, answered_by = $5
            WHERE id = $1 AND answered_at IS NULL";
        let reason = reason.to_owned();
        let changed = on_tx!(self, |db| query(SQL)
            .bind(id)
            .bind(granted)
            .bind(reason)
            .bind(now)
            .bind(by)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        expect_one(changed)
    }
}

fn expect_one(changed: u64) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::new(Kind::Conflict, "retention_state", "La situation a changé entre-temps. Rechargez la page."))
}
