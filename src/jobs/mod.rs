//! The work that does not make a person wait: a queue in the database, the runner, one thin file per job.
//!
//! A job is added in the transaction of what asks for it ([`enqueue`]), runs at least once, and so must be safe to run again.

mod runner;
pub mod sweep;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::runner::{Runner, Task};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::{ConventionId, DepositId, JobId},
    store::{
        Tx,
        jobs::{JobRow, NewJob},
    },
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
    /// Removes what nothing names any more; see [`sweep`].
    Sweep,
}

/// Runs allowed before a job is given up.
const MAX_ATTEMPTS: i64 = 5;

impl Job {
    /// Two jobs with the same key do not wait at the same time.
    fn unique_key(&self) -> String {
        match self {
            Self::CheckDeposit { deposit } => format!("check_deposit/{deposit}"),
            Self::Evaluate { convention } => format!("evaluate/{convention}"),
            Self::Sweep => "sweep".to_owned(),
        }
    }

    fn read(row: &JobRow) -> Result<Self> {
        serde_json::from_str(&row.payload).map_err(Error::internal)
    }
}

/// Adds a job, to run at once; false if the same one already waits.
pub async fn enqueue(tx: &mut Tx, clock: &Clock, job: &Job) -> Result<bool> {
    enqueue_at(tx, clock, job, clock.now()).await
}

/// Adds a job, not to run before `run_at`; false if the same one already waits.
pub async fn enqueue_at(tx: &mut Tx, clock: &Clock, job: &Job, run_at: DateTime<Utc>) -> Result<bool> {
    let payload = serde_json::to_value(job).map_err(Error::internal)?;
    let kind = payload["kind"].as_str().unwrap_or_default().to_owned();
    tx.insert_job(&NewJob {
        id: JobId(clock.id()),
        kind,
        payload: payload.to_string(),
        unique_key: Some(job.unique_key()),
        run_at,
        max_attempts: MAX_ATTEMPTS,
        created_at: clock.now(),
    })
    .await
}
