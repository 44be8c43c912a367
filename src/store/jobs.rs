//! The queue. What the jobs do is in `crate::jobs`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, query, query_as, query_scalar};

use super::{Store, Tx, dialect};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::{ConventionId, DepositId, JobId, MailId, PurgeId},
};

/// Every kind of work. Its JSON is what the queue keeps: `kind` beside the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Checks a received deposit and decides it.
    CheckDeposit {
        /// Which.
        deposit: DepositId,
    },
    /// Computes a convention's indicators over the deposits that count.
    Evaluate {
        /// Any version of it.
        convention: ConventionId,
    },
    /// Delivers a letter.
    SendMail {
        /// Which.
        mail: MailId,
    },
    /// Destroys what a list of elimination names.
    Purge {
        /// Which list.
        purge: PurgeId,
    },
    /// The round of every morning; see [`crate::jobs::daily`].
    Daily,
    /// Removes what nothing names any more; see [`crate::jobs::sweep`].
    Sweep,
}

/// Runs allowed before a job is given up.
const MAX_ATTEMPTS: i64 = 5;
/// Those of a letter: about two days, for a mail server that is being mended.
const MAIL_ATTEMPTS: i64 = 56;

impl Job {
    /// Two jobs with the same key do not wait at the same time.
    fn unique_key(&self) -> String {
        match self {
            Self::CheckDeposit { deposit } => format!("check_deposit/{deposit}"),
            Self::Evaluate { convention } => format!("evaluate/{convention}"),
            Self::SendMail { mail } => format!("send_mail/{mail}"),
            Self::Purge { purge } => format!("purge/{purge}"),
            Self::Daily => "daily".to_owned(),
            Self::Sweep => "sweep".to_owned(),
        }
    }

    /// The job of a row of the queue.
    pub(crate) fn read(row: &JobRow) -> Result<Self> {
        serde_json::from_str(&row.payload).map_err(Error::internal)
    }
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct JobRow {
    /// Which.
    pub id: JobId,
    /// What it is.
    pub kind: String,
    /// JSON of what it needs.
    pub payload: String,
    /// Two jobs with the same key do not wait at the same time.
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Runs begun.
    pub attempts: i64,
    /// Runs allowed.
    pub max_attempts: i64,
    /// Until when a worker has it for itself.
    pub leased_until: Option<DateTime<Utc>>,
    /// Which worker.
    pub leased_by: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
    /// What the last failed run said, for the administrator.
    pub error: Option<String>,
}

/// Work to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Which.
    pub id: JobId,
    /// What it is.
    pub kind: String,
    /// JSON of what it needs.
    pub payload: String,
    /// If a job with this key waits for its first run, this one is not added.
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: DateTime<Utc>,
    /// Runs allowed.
    pub max_attempts: i64,
    /// Now.
    pub created_at: DateTime<Utc>,
}

/// How many jobs there are, for the administrator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct JobCounts {
    /// Not begun, or to be tried again.
    pub waiting: i64,
    /// A worker has them.
    pub running: i64,
    /// Given up.
    pub failed: i64,
}

impl Store {
    /// Takes the oldest job that is due at `now` for `worker` until `until`; counts a run.
    pub async fn claim_job(&self, worker: &str, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<JobRow>> {
        let sql = dialect::CLAIM.on(&self.pool);
        let worker = worker.to_owned();
        Ok(on_db!(self, |db| query_as(sql).bind(now).bind(until).bind(worker).fetch_optional(db).await)?)
    }

    /// Keeps a job for its worker until `until`; false if the worker no longer has it.
    pub async fn extend_job(&self, job: &JobRow, until: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE jobs SET leased_until = $3
            WHERE id = $1 AND leased_by = $2 AND attempts = $4 AND finished_at IS NULL AND failed_at IS NULL";
        let job = job.clone();
        Ok(on_db!(self, |db| {
            query(SQL)
                .bind(job.id)
                .bind(job.leased_by)
                .bind(until)
                .bind(job.attempts)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }

    /// Ends a job; false if the worker no longer has it.
    pub async fn finish_job(&self, job: &JobRow, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE jobs SET finished_at = $3, leased_until = NULL, leased_by = NULL, error = NULL
            WHERE id = $1 AND leased_by = $2 AND attempts = $4 AND finished_at IS NULL AND failed_at IS NULL";
        let job = job.clone();
        Ok(on_db!(self, |db| {
            query(SQL).bind(job.id).bind(job.leased_by).bind(now).bind(job.attempts).execute(db).await.map(|done| done.rows_affected() == 1)
        })?)
    }

    /// Notes that a run failed: the job is tried again at `retry_at`, or given up where there is none. False if the worker no longer has it.
    pub async fn fail_job(&self, job: &JobRow, error: &str, retry_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<bool> {
        const SQL: &str = "UPDATE jobs SET leased_until = NULL, leased_by = NULL, error = $3, run_at = COALESCE($5, run_at), failed_at = $6
            WHERE id = $1 AND leased_by = $2 AND attempts = $4 AND finished_at IS NULL AND failed_at IS NULL";
        let job = job.clone();
        let error = error.to_owned();
        let failed_at = if retry_at.is_none() { Some(now) } else { None };
        Ok(on_db!(self, |db| {
            query(SQL)
                .bind(job.id)
                .bind(job.leased_by)
                .bind(error)
                .bind(job.attempts)
                .bind(retry_at)
                .bind(failed_at)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }

    /// Gives a job back because its worker stops: the run does not count against it.
    pub async fn release_job(&self, job: &JobRow) -> Result<()> {
        const SQL: &str = "UPDATE jobs SET leased_until = NULL, leased_by = NULL, max_attempts = max_attempts + 1
            WHERE id = $1 AND leased_by = $2 AND attempts = $3 AND finished_at IS NULL AND failed_at IS NULL";
        let job = job.clone();
        on_db!(self, |db| query(SQL).bind(job.id).bind(job.leased_by).bind(job.attempts).execute(db).await.map(drop))?;
        Ok(())
    }

    /// When the next job is due, if any waits.
    pub async fn next_job_at(&self) -> Result<Option<DateTime<Utc>>> {
        const SQL: &str = "SELECT COALESCE(leased_until, run_at) FROM jobs WHERE finished_at IS NULL AND failed_at IS NULL
            ORDER BY COALESCE(leased_until, run_at) LIMIT 1";
        Ok(on_db!(self, |db| query_scalar(SQL).fetch_optional(db).await)?)
    }

    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>> {
        const SQL: &str = "SELECT * FROM jobs WHERE id = $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(id).fetch_optional(db).await)?)
    }

    /// Jobs given up, newest first.
    pub async fn failed_jobs(&self, limit: i64) -> Result<Vec<JobRow>> {
        const SQL: &str = "SELECT * FROM jobs WHERE failed_at IS NOT NULL ORDER BY failed_at DESC, id LIMIT $1";
        Ok(on_db!(self, |db| query_as(SQL).bind(limit).fetch_all(db).await)?)
    }

    /// Jobs of a kind that are neither done nor given up.
    pub async fn open_jobs(&self, kind: &str) -> Result<Vec<JobRow>> {
        const SQL: &str = "SELECT * FROM jobs WHERE kind = $1 AND finished_at IS NULL AND failed_at IS NULL ORDER BY run_at, id";
        let kind = kind.to_owned();
        Ok(on_db!(self, |db| query_as(SQL).bind(kind).fetch_all(db).await)?)
    }

    /// How many wait, run, and were given up.
    pub async fn job_counts(&self) -> Result<JobCounts> {
        const SQL: &str = "SELECT COUNT(CASE WHEN failed_at IS NULL AND leased_until IS NULL THEN 1 END) AS waiting,
              COUNT(CASE WHEN failed_at IS NULL AND leased_until IS NOT NULL THEN 1 END) AS running,
              COUNT(failed_at) AS failed FROM jobs WHERE finished_at IS NULL";
        Ok(on_db!(self, |db| query_as(SQL).fetch_one(db).await)?)
    }

    /// Forgets jobs that were done before `before`.
    pub async fn sweep_jobs(&self, before: DateTime<Utc>) -> Result<()> {
        const SQL: &str = "DELETE FROM jobs WHERE finished_at < $1";
        on_db!(self, |db| query(SQL).bind(before).execute(db).await.map(drop))?;
        Ok(())
    }
}

impl Tx {
    /// Adds a job, to run at once; false if the same one already waits.
    pub async fn enqueue(&mut self, clock: &Clock, job: &Job) -> Result<bool> {
        self.enqueue_at(clock, job, clock.now()).await
    }

    /// Adds a job, not to run before `run_at`; false if the same one already waits.
    pub async fn enqueue_at(&mut self, clock: &Clock, job: &Job, run_at: DateTime<Utc>) -> Result<bool> {
        let payload = serde_json::to_value(job).map_err(Error::internal)?;
        let new = NewJob {
            id: JobId(clock.id()),
            kind: payload["kind"].as_str().unwrap_or_default().to_owned(),
            payload: payload.to_string(),
            unique_key: Some(job.unique_key()),
            run_at,
            max_attempts: if matches!(job, Job::SendMail { .. }) { MAIL_ATTEMPTS } else { MAX_ATTEMPTS },
            created_at: clock.now(),
        };
        self.insert_job(&new).await
    }

    /// Adds a job; false if one with its key already waits for its first run.
    pub async fn insert_job(&mut self, new: &NewJob) -> Result<bool> {
        const SQL: &str = "INSERT INTO jobs (id, kind, payload, unique_key, run_at, attempts, max_attempts, created_at)
            VALUES ($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT (unique_key) WHERE attempts = 0 DO NOTHING";
        let n = new.clone();
        let added = on_tx!(self, |db| {
            query(SQL)
                .bind(n.id)
                .bind(n.kind)
                .bind(n.payload)
                .bind(n.unique_key)
                .bind(n.run_at)
                .bind(n.max_attempts)
                .bind(n.created_at)
                .execute(db)
                .await
                .map(|done| done.rows_affected() == 1)
        })?;
        self.enqueued |= added;
        Ok(added)
    }
}
