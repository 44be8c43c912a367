//! What each job does: one line per kind.

use tokio_util::sync::CancellationToken;

use super::{Job, Runner, Task, daily, sweep};
use crate::{
    app::App,
    deposit,
    error::{Error, Result},
    evaluation, mail, retention,
};

/// Runs jobs, as many at a time as the settings say, until `stop`.
pub async fn run(app: &App, stop: CancellationToken) {
    if let Err(error) = sweep::schedule(app).await {
        tracing::warn!(cause = ?error, "the daily sweep could not be scheduled");
    }
    if let Err(error) = daily::schedule(app).await {
        tracing::warn!(cause = ?error, "the daily round could not be scheduled");
    }
    if let Err(error) = mail::resume(app).await {
        tracing::warn!(cause = ?error, "the letters that wait could not be taken up");
    }
    if let Err(error) = evaluate_all(app).await {
        tracing::warn!(cause = ?error, "snapshots could not be asked for");
    }
    Runner::new(app.clone(), perform, give_up).run(stop).await;
}

/// Asks for the snapshot of every convention: one that another version of the program made is made again, the others stay.
async fn evaluate_all(app: &App) -> Result<()> {
    let conventions = app.store.conventions().await?;
    let mut tx = app.store.begin().await?;
    for head in conventions {
        if !app.store.evaluations(head.id).await?.is_empty() {
            tx.enqueue(&app.clock, &Job::Evaluate { convention: head.id }).await?;
        }
    }
    tx.commit().await
}

/// Runs every job that is due now, one after another; gives their number.
pub async fn run_due(app: &App) -> Result<u64> {
    Runner::new(app.clone(), perform, give_up).run_due().await
}

async fn perform(app: App, task: Task) -> Result<()> {
    match task.job {
        Job::CheckDeposit { deposit } => deposit::process(&app, deposit).await,
        Job::Evaluate { convention } => evaluation::refresh(&app, convention).await,
        Job::SendMail { mail } => mail::deliver(&app, mail).await,
        Job::Purge { purge } => retention::destroy(&app, purge).await,
        Job::Daily => daily::run(&app).await,
        Job::Sweep => sweep::run(&app).await,
    }
}

/// Tells whoever waits for a job that it will not be done.
async fn give_up(app: App, job: Job, _error: Error) -> Result<()> {
    match job {
        Job::CheckDeposit { deposit } => deposit::give_up(&app, deposit).await,
        Job::SendMail { mail } => mail::give_up(&app, mail).await,
        Job::Evaluate { .. } | Job::Purge { .. } | Job::Daily | Job::Sweep => Ok(()),
    }
}
