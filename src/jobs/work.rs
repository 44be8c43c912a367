//! What each job does: one line per kind.

use tokio_util::sync::CancellationToken;

use super::{Job, Runner, Task, sweep};
use crate::{
    app::App,
    deposit,
    error::{Error, Result},
    evaluation,
};

/// Runs jobs, as many at a time as the settings say, until `stop`.
pub async fn run(app: &App, stop: CancellationToken) {
    if let Err(error) = sweep::schedule(app).await {
        tracing::warn!(cause = ?error, "the daily sweep could not be scheduled");
    }
    Runner::new(app.clone(), perform, give_up).run(stop).await;
}

/// Runs every job that is due now, one after another; gives their number.
pub async fn run_due(app: &App) -> Result<u64> {
    Runner::new(app.clone(), perform, give_up).run_due().await
}

async fn perform(app: App, task: Task) -> Result<()> {
    match task.job {
        Job::CheckDeposit { deposit } => deposit::process(&app, deposit).await,
        Job::Evaluate { convention } => evaluation::refresh(&app, convention).await,
        Job::Sweep => sweep::run(&app).await,
    }
}

/// Tells whoever waits for a job that it will not be done.
async fn give_up(app: App, job: Job, _error: Error) -> Result<()> {
    match job {
        Job::CheckDeposit { deposit } => deposit::give_up(&app, deposit).await,
        Job::Evaluate { .. } | Job::Sweep => Ok(()),
    }
}
