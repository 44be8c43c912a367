//! Deposits and their receipts.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Page, Store, Tx};
use crate::{
    error::{Error, Kind, Result},
    ids::{AccountId, ConventionId, DepositId, Period, Siren},
};

/// Where a deposit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DepositState {
    /// Its bytes are kept; its check waits.
    Received,
    /// Its check runs.
    Checking,
    /// It counts: the current one of its site, dataset and period.
    Accepted,
    /// Its file is good, but for what looks like personal data that the convention does not name: it waits for its depositor's word.
    AwaitingConfirmation,
    /// Its file has faults.
    Rejected,
    /// It counted until a later one took its place.
    Superseded,
    /// Its site took it back.
    Withdrawn,
    /// Its values were destroyed at the end of their retention.
    Purged,
}

impl DepositState {
    const NAMES: [(Self, &str); 8] = [
        (Self::Received, "received"),
        (Self::Checking, "checking"),
        (Self::Accepted, "accepted"),
        (Self::AwaitingConfirmation, "awaiting_confirmation"),
        (Self::Rejected, "rejected"),
        (Self::Superseded, "superseded"),
        (Self::Withdrawn, "withdrawn"),
        (Self::Purged, "purged"),
    ];

    /// Whether the check is over.
    pub fn is_decided(self) -> bool {
        !matches!(self, Self::Received | Self::Checking)
    }
}

impl fmt::Display for DepositState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(state, _)| state == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for DepositState {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        Self::NAMES
            .iter()
            .find(|(_, name)| *name == s)
            .map(|(state, _)| *state)
            .ok_or_else(|| Error::invalid("deposit_state", format!("« {s} » n'est pas l'état d'un dépôt.")))
    }
}

text_column!(DepositState);

/// One deposit, without its report, which may be long: see [`Store::deposit_report`].
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Deposit {
    /// Which.
    pub id: DepositId,
    /// Number of its receipt, `D-2026-000123`.
    pub number: String,
    /// The version of the convention that it was made under.
    pub convention_id: ConventionId,
    /// That convention's name.
    pub convention: String,
    /// Who sent it.
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which month, where the dataset has months.
    pub period: Option<Period>,
    /// As the depositor named it.
    pub file_name: String,
    /// Size.
    pub bytes: i64,
    /// Of the file as sent.
    pub sha256: String,
    /// Where it stands.
    pub state: DepositState,
    /// What the check does now: `reading`, `checking`, `recording`.
    pub step: Option<String>,
    /// How far that step is, in percent.
    pub progress: Option<i64>,
    /// Data rows, once read.
    pub rows: Option<i64>,
    /// Key of the file as sent, in the lake; none once its bytes were destroyed.
    pub original_key: Option<String>,
    /// Key of the typed table, in the lake, once accepted.
    pub table_key: Option<String>,
    /// When it was received.
    pub created_at: DateTime<Utc>,
    /// Who sent it.
    pub created_by: AccountId,
    /// When its check ended, or when it was taken back.
    pub decided_at: Option<DateTime<Utc>>,
    /// What took its place.
    pub superseded_by: Option<DepositId>,
    /// Why it was taken back, in the person's words.
    pub reason: Option<String>,
    /// When a person said that what looks like personal data in it is none.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Who said so.
    pub confirmed_by: Option<AccountId>,
    /// How its depositor said that it is to be read, as JSON.
    pub reading: Option<String>,
    /// The refused deposit whose file the hub corrected into this one.
    pub corrected_from: Option<DepositId>,
}

impl Deposit {
    /// What tells its typed table from any other's: the hash of its bytes, or of these and of the reading that its depositor imposed, for
    /// the same bytes read otherwise are another table.
    pub fn content_sha256(&self) -> String {
        match &self.reading {
            None => self.sha256.clone(),
            Some(reading) => hex::encode(Sha256::digest(format!("{} {reading}", self.sha256))),
        }
    }
}

/// What is known when the last byte has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeposit {
    /// Which.
    pub id: DepositId,
    /// The version of the convention that it is made under.
    pub convention_id: ConventionId,
    /// Who sends it.
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which month.
    pub period: Option<Period>,
    /// As the depositor named it.
    pub file_name: String,
    /// Size.
    pub bytes: i64,
    /// Of the file as sent.
    pub sha256: String,
    /// Key of the file as sent, in the lake.
    pub original_key: String,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// Who.
    pub created_by: AccountId,
    /// How its depositor says that it is to be read, as JSON.
    pub reading: Option<String>,
    /// The refused deposit that the hub made this file from, and what it changed, as JSON.
    pub correction: Option<(DepositId, String)>,
}

/// Which deposits a list shows; what is `None` does not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepositFilter {
    /// Of this convention, any version.
    pub convention: Option<ConventionId>,
    /// Of this site.
    pub site: Option<Siren>,
    /// Of this dataset.
    pub dataset: Option<String>,
    /// In this state.
    pub state: Option<DepositState>,
}

/// What became of an accepted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It counts; the one that counted before it, if any, no longer does.
    Current {
        /// The one whose place it took.
        superseded: Option<DepositId>,
    },
    /// It is good, but a file received after it already counts.
    Superseded {
        /// The one that counts.
        by: DepositId,
    },
}

macro_rules! deposits {
    ($($rest:literal),*) => {
        concat!(
            "SELECT id, number, convention_id, convention, site, dataset, period, file_name, bytes, sha256, state, step, progress, rows,
               original_key, table_key, created_at, created_by, decided_at, superseded_by, reason, confirmed_at,
               confirmed_by, reading, corrected_from FROM deposits ",
            $($rest),*
        )
    };
}

const FILTER: &str = deposits!(
    "WHERE ($1 IS NULL OR convention = (SELECT name FROM conventions WHERE id = $1)) AND ($2 IS NULL OR site = $2)
       AND ($3 IS NULL OR dataset = $3) AND ($4 IS NULL OR state = $4) ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6"
);
const FILTER_COUNT: &str = "SELECT COUNT(*) FROM deposits
     WHERE ($1 IS NULL OR convention = (SELECT name FROM conventions WHERE id = $1)) AND ($2 IS NULL OR site = $2)
       AND ($3 IS NULL OR dataset = $3) AND ($4 IS NULL OR state = $4)";
const BY_ID: &str = deposits!("WHERE id = $1");
const SAME: &str = deposits!(
    "WHERE convention = (SELECT name FROM conventions WHERE id = $1) AND site = $2 AND dataset = $3
       AND COALESCE(period, '') = COALESCE($4, '') AND sha256 = $5 AND COALESCE(reading, '') = COALESCE($6, '')
       AND state NOT IN ('withdrawn', 'purged')
       AND NOT (state IN ('rejected', 'awaiting_confirmation') AND report IS NULL)
       AND NOT (state = 'rejected' AND (convention_id <> $1 OR report LIKE '{\"valid\":false,\"source_error\":{\"code\":\"check_failed\"%'))
       AND (state <> 'superseded' OR EXISTS (SELECT 1 FROM deposits c WHERE c.convention = deposits.convention AND c.site = $2
         AND c.dataset = $3 AND COALESCE(c.period, '') = COALESCE($4, '') AND c.state = 'accepted'))
       AND NOT ((COALESCE(report, '') LIKE '%\"code\":\"reference%' OR COALESCE(report, '') LIKE '%\"code\":\"repeated_key\"%')
         AND EXISTS (SELECT 1 FROM deposits c WHERE c.convention = deposits.convention AND c.site = $2 AND c.id <> deposits.id
           AND c.state IN ('accepted', 'superseded', 'withdrawn') AND c.decided_at > deposits.decided_at))
     ORDER BY created_at DESC, id DESC LIMIT 1"
);
const NAMED: &str = "SELECT original_key AS key FROM deposits WHERE original_key IS NOT NULL UNION SELECT table_key FROM deposits WHERE table_key IS NOT NULL
    UNION SELECT visa_key FROM purges WHERE visa_key IS NOT NULL UNION SELECT key FROM upload_parts
    UNION SELECT document_key FROM signatures WHERE document_key IS NOT NULL ORDER BY key";

impl Store {
    /// One deposit.
    pub async fn deposit(&self, id: DepositId) -> Result<Option<Deposit>> {
        Ok(on_db!(self, |db| query_as(BY_ID).bind(id).fetch_optional(db).await)?)
    }

    /// One deposit by the number of its receipt.
    pub async fn deposit_by_number(&self, number: &str) -> Result<Option<Deposit>> {
        const SQL: &str = deposits!("WHERE number = $1");
        Ok(on_db!(self, |db| query_as(SQL).bind(number).fetch_optional(db).await)?)
    }

    /// The JSON of a deposit's [`CheckReport`](crate::deposit::report::CheckReport), once it is decided.
    pub async fn deposit_report(&self, id: DepositId) -> Result<Option<String>> {
        const SQL: &str = "SELECT report FROM deposits WHERE id = $1";
        let report: Option<Option<String>> = on_db!(self, |db| query_scalar(SQL).bind(id).fetch_optional(db).await)?;
        Ok(report.flatten())
    }

    /// The JSON of what the hub changed to make a deposit's file from a refused one; none for a file that was sent.
    pub async fn deposit_changes(&self, id: DepositId) -> Result<Option<String>> {
        const SQL: &str = "SELECT changes FROM deposits WHERE id = $1";
        let changes: Option<Option<String>> = on_db!(self, |db| query_scalar(SQL).bind(id).fetch_optional(db).await)?;
        Ok(changes.flatten())
    }

    /// The newest deposit of these very bytes, to be read in the same way, for the same convention, site, dataset and period, whose answer still holds: it was not
    /// taken back, nor refused under another version of the convention or because its check failed, nor superseded by what was itself
    /// taken back, and where it was compared with other files of its site, none of these has changed since.
    pub async fn same_deposit(
        &self,
        convention: ConventionId,
        site: &Siren,
        dataset: &str,
        period: Option<Period>,
        sha256: &str,
        reading: Option<&str>,
    ) -> Result<Option<Deposit>> {
        let (site, dataset, sha256, reading) = (site.clone(), dataset.to_owned(), sha256.to_owned(), reading.map(str::to_owned));
        Ok(on_db!(self, |db| {
            query_as(SAME).bind(convention).bind(site).bind(dataset).bind(period).bind(sha256).bind(reading).fetch_optional(db).await
        })?)
    }

    /// A page of deposits, newest first, and how many there are in all.
    pub async fn deposits(&self, filter: &DepositFilter, page: Page) -> Result<(Vec<Deposit>, i64)> {
        let (f, g) = (filter.clone(), filter.clone());
        let rows = on_db!(self, |db| {
            query_as(FILTER)
                .bind(f.convention)
                .bind(f.site)
                .bind(f.dataset)
                .bind(f.state)
                .bind(page.limit)
                .bind(page.offset)
                .fetch_all(db)
                .await
        })?;
        let count = on_db!(self, |db| {
            query_scalar(FILTER_COUNT).bind(g.convention).bind(g.site).bind(g.dataset).bind(g.state).fetch_one(db).await
        })?;
        Ok((rows, count))
    }

    /// The deposits of a convention that count, by site, dataset, period and hash.
    pub async fn current_deposits(&self, convention: ConventionId) -> Result<Vec<Deposit>> {
        const SQL: &str = deposits!(
            "WHERE convention = (SELECT name FROM conventions WHERE id = $1) AND state = 'accepted'
               ORDER BY site, dataset, COALESCE(period, ''), sha256"
        );
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).fetch_all(db).await)?)
    }

    /// How many deposits of a convention wait for their check or undergo it.
    pub async fn undecided_deposits(&self, convention: ConventionId) -> Result<i64> {
        const SQL: &str = "SELECT COUNT(*) FROM deposits
            WHERE convention = (SELECT name FROM conventions WHERE id = $1) AND state IN ('received', 'checking')";
        Ok(on_db!(self, |db| query_scalar(SQL).bind(convention).fetch_one(db).await)?)
    }

    /// The key of every file that a row names.
    pub async fn named_keys(&self) -> Result<Vec<String>> {
        Ok(on_db!(self, |db| query_scalar(NAMED).fetch_all(db).await)?)
    }

    /// The deposits of a convention, or of this site of it, whose file or table is still kept, in the order of their receipts.
    pub async fn kept_deposits(&self, convention: &str, site: Option<&Siren>) -> Result<Vec<Deposit>> {
        const SQL: &str = deposits!(
            "WHERE convention = $1 AND ($2 IS NULL OR site = $2) AND state <> 'purged'
               AND (original_key IS NOT NULL OR table_key IS NOT NULL) ORDER BY site, number"
        );
        let (convention, site) = (convention.to_owned(), site.cloned());
        Ok(on_db!(self, |db| query_as(SQL).bind(convention).bind(site).fetch_all(db).await)?)
    }

    /// The refused deposits decided before `moment` whose file or report is still there.
    pub async fn rejected_before(&self, moment: DateTime<Utc>) -> Result<Vec<Deposit>> {
        const SQL: &str = deposits!(
            "WHERE state IN ('rejected', 'awaiting_confirmation') AND decided_at < $1 AND (original_key IS NOT NULL OR report IS NOT NULL) ORDER BY decided_at, id"
        );
        Ok(on_db!(self, |db| query_as(SQL).bind(moment).fetch_all(db).await)?)
    }

    /// Notes how far a running check is; does nothing once it is decided.
    pub async fn note_progress(&self, id: DepositId, step: &str, percent: Option<i64>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET step = $2, progress = $3 WHERE id = $1 AND state = 'checking'";
        let step = step.to_owned();
        on_db!(self, |db| query(SQL).bind(id).bind(step).bind(percent).execute(db).await.map(drop))?;
        Ok(())
    }
}

impl Tx {
    /// The key of every file that a row names, as this transaction sees it, in order.
    pub async fn named_keys(&mut self) -> Result<Vec<String>> {
        Ok(on_tx!(self, |db| query_scalar(NAMED).fetch_all(db).await)?)
    }

    /// One deposit, as this transaction sees it.
    pub async fn deposit(&mut self, id: DepositId) -> Result<Option<Deposit>> {
        Ok(on_tx!(self, |db| query_as(BY_ID).bind(id).fetch_optional(db).await)?)
    }

    /// [`Store::same_deposit`], as this transaction sees it once nobody else is recording one: the same bytes sent twice at once
    /// give one deposit.
    pub async fn same_deposit(
        &mut self,
        convention: ConventionId,
        site: &Siren,
        dataset: &str,
        period: Option<Period>,
        sha256: &str,
        reading: Option<&str>,
    ) -> Result<Option<Deposit>> {
        const TURN: &str = "INSERT INTO counters (name, value) VALUES ('deposit/turn', 0)
            ON CONFLICT (name) DO UPDATE SET value = counters.value";
        on_tx!(self, |db| query(TURN).execute(db).await.map(drop))?;
        let (site, dataset, sha256, reading) = (site.clone(), dataset.to_owned(), sha256.to_owned(), reading.map(str::to_owned));
        Ok(on_tx!(self, |db| {
            query_as(SAME).bind(convention).bind(site).bind(dataset).bind(period).bind(sha256).bind(reading).fetch_optional(db).await
        })?)
    }

    /// Records a deposit as received and gives it the next receipt number of its year.
    pub async fn insert_deposit(&mut self, new: &NewDeposit) -> Result<Deposit> {
        const SQL: &str = "INSERT INTO deposits (id, number, convention_id, convention, site, dataset, period, file_name, bytes, sha256,
              state, original_key, created_at, created_by, reading, corrected_from, changes)
            VALUES ($1, $2, $3, (SELECT name FROM conventions WHERE id = $3), $4, $5, $6, $7, $8, $9, 'received', $10, $11, $12, $13, $14,
              $15)";
        let year = new.created_at.year();
        let number = format!("D-{year}-{:06}", self.next(format!("deposit/{year}")).await?);
        let n = new.clone();
        let (from, changes) = n.correction.unzip();
        on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(number)
                .bind(n.convention_id)
                .bind(n.site)
                .bind(n.dataset)
                .bind(n.period)
                .bind(n.file_name)
                .bind(n.bytes)
                .bind(n.sha256)
                .bind(n.original_key)
                .bind(n.created_at)
                .bind(n.created_by)
                .bind(n.reading)
                .bind(from)
                .bind(changes)
                .execute(db)
                .await
                .map(drop)
        })?;
        self.deposit(new.id).await?.ok_or_else(|| Error::internal("the deposit just inserted is not there"))
    }

    /// Begins a check, or begins it again after an interruption. [`Kind::Conflict`] if the deposit is decided.
    pub async fn start_check(&mut self, id: DepositId) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'checking', step = 'reading', progress = NULL
            WHERE id = $1 AND state IN ('received', 'checking')";
        let changed = on_tx!(self, |db| query(SQL).bind(id).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Ends a check whose file is good: it takes the place of what its site sent before for this dataset and period, unless
    /// something received later already counts. [`Kind::Conflict`] unless the check runs.
    pub async fn accept_deposit(
        &mut self,
        id: DepositId,
        report: &str,
        rows: i64,
        table_key: &str,
        now: DateTime<Utc>,
    ) -> Result<Accepted> {
        const CURRENT: &str = deposits!(
            "WHERE state = 'accepted' AND convention = $1 AND site = $2 AND dataset = $3 AND COALESCE(period, '') = COALESCE($4, '')"
        );
        const SUPERSEDE: &str = "UPDATE deposits SET state = 'superseded', superseded_by = $2 WHERE id = $1 AND state = 'accepted'";
        const DECIDE: &str = "UPDATE deposits SET state = $2, report = $3, rows = $4, table_key = $5, decided_at = $6, superseded_by = $7,
              step = NULL, progress = NULL
            WHERE id = $1 AND state = 'checking'";
        let deposit = self.deposit(id).await?.ok_or_else(not_in_state)?;
        let (convention, site, dataset) = (deposit.convention.clone(), deposit.site.clone(), deposit.dataset.clone());
        let current: Option<Deposit> = on_tx!(self, |db| {
            query_as(CURRENT).bind(convention).bind(site).bind(dataset).bind(deposit.period).fetch_optional(db).await
        })?;
        let later = current.as_ref().filter(|c| (c.created_at, c.id) > (deposit.created_at, deposit.id)).map(|c| c.id);
        let state = if later.is_some() { DepositState::Superseded } else { DepositState::Accepted };
        if let (None, Some(before)) = (later, &current) {
            on_tx!(self, |db| query(SUPERSEDE).bind(before.id).bind(id).execute(db).await.map(drop))?;
        }
        let (report, table_key) = (report.to_owned(), table_key.to_owned());
        let changed = on_tx!(self, |db| {
            query(DECIDE)
                .bind(id)
                .bind(state)
                .bind(report)
                .bind(rows)
                .bind(table_key)
                .bind(now)
                .bind(later)
                .execute(db)
                .await
                .map(|done| done.rows_affected())
        })?;
        expect_one(changed)?;
        Ok(match later {
            Some(by) => Accepted::Superseded { by },
            None => Accepted::Current { superseded: current.map(|c| c.id) },
        })
    }

    /// Ends a check whose file waits for its depositor's word. [`Kind::Conflict`] unless the check runs.
    pub async fn hold_deposit(&mut self, id: DepositId, report: &str, rows: i64, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'awaiting_confirmation', report = $2, rows = $3, decided_at = $4, step = NULL,
              progress = NULL
            WHERE id = $1 AND state = 'checking'";
        let report = report.to_owned();
        let changed =
            on_tx!(self, |db| query(SQL).bind(id).bind(report).bind(rows).bind(now).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Keeps a person's word that a deposit which waits for it holds no personal data; its check runs again. [`Kind::Conflict`] unless it
    /// waits and its file is still there.
    pub async fn confirm_deposit(&mut self, id: DepositId, by: AccountId, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'received', confirmed_at = $2, confirmed_by = $3, decided_at = NULL
            WHERE id = $1 AND state = 'awaiting_confirmation' AND original_key IS NOT NULL";
        let changed = on_tx!(self, |db| query(SQL).bind(id).bind(now).bind(by).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Ends a check whose file has faults. [`Kind::Conflict`] unless the check runs.
    pub async fn reject_deposit(&mut self, id: DepositId, report: &str, rows: Option<i64>, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'rejected', report = $2, rows = $3, decided_at = $4, step = NULL, progress = NULL
            WHERE id = $1 AND state = 'checking'";
        let report = report.to_owned();
        let changed =
            on_tx!(self, |db| query(SQL).bind(id).bind(report).bind(rows).bind(now).execute(db).await.map(|done| done.rows_affected()))?;
        expect_one(changed)
    }

    /// Forgets the file of a deposit; gives its key if no other deposit names it: its bytes are then to be destroyed.
    pub async fn forget_original(&mut self, id: DepositId) -> Result<Option<String>> {
        const KEY: &str = "SELECT original_key FROM deposits WHERE id = $1";
        const FORGET: &str = "UPDATE deposits SET original_key = NULL WHERE id = $1";
        const NAMED: &str = "SELECT COUNT(*) FROM deposits WHERE original_key = $1";
        let key: Option<Option<String>> = on_tx!(self, |db| query_scalar(KEY).bind(id).fetch_optional(db).await)?;
        let Some(key) = key.flatten() else { return Ok(None) };
        on_tx!(self, |db| query(FORGET).bind(id).execute(db).await.map(drop))?;
        let named = key.clone();
        let count: i64 = on_tx!(self, |db| query_scalar(NAMED).bind(named).fetch_one(db).await)?;
        Ok((count == 0).then_some(key))
    }

    /// Forgets what the check of a refused deposit said, and the values that the hub had corrected in it.
    pub async fn forget_report(&mut self, id: DepositId) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET report = NULL, changes = NULL, reading = NULL WHERE id = $1 AND state IN ('rejected', 'awaiting_confirmation')";
        on_tx!(self, |db| query(SQL).bind(id).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Takes a deposit back. [`Kind::Conflict`] unless it stands as `expected`, what the person saw.
    pub async fn withdraw_deposit(&mut self, id: DepositId, expected: DepositState, reason: &str, now: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "UPDATE deposits SET state = 'withdrawn', reason = $3, decided_at = $4, step = NULL, progress = NULL
            WHERE id = $1 AND state = $2 AND state <> 'withdrawn'";
        let reason = reason.to_owned();
        let changed = on_tx!(self, |db| query(SQL)
            .bind(id)
            .bind(expected)
            .bind(reason)
            .bind(now)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        expect_one(changed)
    }
}

fn expect_one(changed: u64) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(not_in_state()) }
}

fn not_in_state() -> Error {
    Error::new(Kind::Conflict, "deposit_state", "Ce dépôt a changé d'état entre-temps. Rechargez la page.")
}
