//! What each job does: one line per kind.

use tokio_util::sync::CancellationToken;

use crate::{app::App, deposit, error::Result, evaluation, store::jobs::Job};

/// Runs `workers` workers until `stop`.
pub async fn run(app: &App, workers: usize, stop: CancellationToken) {
    super::run(app, workers, perform, stop).await;
}

/// Does one job.
pub async fn perform(app: App, job: Job) -> Result<()> {
    match job {
        Job::CheckDeposit { deposit } => deposit::process(&app, deposit).await,
        Job::Evaluate { convention } => evaluation::refresh(&app, convention).await,
    }
}
