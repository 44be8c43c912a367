//! Takes jobs from the queue and runs them: a lease that a heartbeat keeps alive, another try later after a failure or a panic,
//! and everything given back when the process stops. If the process dies, its leases end and others take its jobs.

use std::{future::Future, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Job;
use crate::{
    app::App,
    error::{Error, Kind, Result},
    store::jobs::JobRow,
};

/// One run of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What to do.
    pub job: Job,
    /// Which try this is, from 1.
    pub attempt: i64,
}

/// Runs jobs until told to stop. `run` does one; `give_up` is told of a job that will not be tried again, with the last error
/// in French for people, so that what waits for the job learns it.
#[derive(Clone)]
pub struct Runner<R, G> {
    /// What jobs work on.
    pub app: App,
    /// Does one job; must be safe to run again for the same job.
    pub run: R,
    /// Told of a job that is given up.
    pub give_up: G,
    /// How long a job stays this worker's without a sign of life.
    pub lease: TimeDelta,
    /// How often signs of life are given.
    pub heartbeat: Duration,
    /// How often the queue is looked at for jobs of other processes and jobs that became due; this process's own wake it at once.
    pub poll: Duration,
}

impl<R, RunFuture, G, GiveUpFuture> Runner<R, G>
where
    R: Fn(App, Task) -> RunFuture + Clone + Send + Sync + 'static,
    RunFuture: Future<Output = Result<()>> + Send + 'static,
    G: Fn(App, Job, Error) -> GiveUpFuture + Clone + Send + Sync + 'static,
    GiveUpFuture: Future<Output = Result<()>> + Send + 'static,
{
    /// A runner with a lease of 60 s, a heartbeat every 20 s and a look at the queue every second.
    pub fn new(app: App, run: R, give_up: G) -> Self {
        Self { app, run, give_up, lease: TimeDelta::seconds(60), heartbeat: Duration::from_secs(20), poll: Duration::from_secs(1) }
    }

    /// Runs jobs, as many at a time as the settings say, until `stop`. Jobs under way are then cut short and given back.
    pub async fn run(self, stop: CancellationToken) {
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..self.app.config.workers {
            let (runner, stop) = (self.clone(), stop.clone());
            workers.spawn(async move { runner.work(&stop).await });
        }
        while let Some(ended) = workers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker ended before its time");
            }
        }
    }

    /// Runs what is due now, one job after another, and what those jobs add; gives their number.
    pub async fn run_due(&self) -> Result<u64> {
        let worker = self.worker_name();
        let stop = CancellationToken::new();
        let mut done = 0;
        while let Some(row) = self.claim(&worker).await? {
            self.one(row, &stop).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn work(&self, stop: &CancellationToken) {
        let worker = self.worker_name();
        while !stop.is_cancelled() {
            // Listening starts before looking, so that a job committed in between is not missed.
            let committed = self.app.store.job_committed();
            let outcome = match self.claim(&worker).await {
                Ok(Some(row)) => self.one(row, stop).await.map(|()| true),
                Ok(None) => Ok(false),
                Err(error) => Err(error),
            };
            if let Err(error) = &outcome {
                tracing::warn!(cause = ?error, "the queue does not answer");
            }
            if !matches!(outcome, Ok(true)) {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = committed, if outcome.is_ok() => {}
                    () = tokio::time::sleep(self.poll) => {}
                }
            }
        }
    }

    fn worker_name(&self) -> String {
        format!("{}/{}", std::process::id(), self.app.clock.id())
    }

    async fn claim(&self, worker: &str) -> Result<Option<JobRow>> {
        let now = self.app.clock.now();
        self.app.store.claim_job(worker, now, now + self.lease).await
    }

    /// Runs one claimed job and writes its outcome; fails only if the database does.
    async fn one(&self, row: JobRow, stop: &CancellationToken) -> Result<()> {
        let store = &self.app.store;
        if stop.is_cancelled() {
            return store.release_job(&row).await;
        }
        if row.attempts > row.max_attempts {
            // Its last run ended without a word: the process died.
            return self
                .failed(&row, Error::new(Kind::Internal, "job_interrupted", "Le traitement s'est interrompu plusieurs fois."))
                .await;
        }
        let job = match Job::read(&row) {
            Ok(job) => job,
            Err(error) => return self.failed(&row, error).await,
        };
        tracing::debug!(job = %row.id, kind = row.kind, attempt = row.attempts, "job begins");
        // In a task of its own, so that a panic ends the task and not the worker.
        let mut task = tokio::spawn((self.run)(self.app.clone(), Task { job, attempt: row.attempts }));
        let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + self.heartbeat, self.heartbeat);
        let outcome = loop {
            tokio::select! {
                ended = &mut task => break ended,
                () = stop.cancelled() => {
                    task.abort();
                    let ended = task.await;
                    if !ended.as_ref().is_err_and(tokio::task::JoinError::is_cancelled) {
                        break ended;
                    }
                    return store.release_job(&row).await;
                }
                _ = heartbeat.tick() => match store.extend_job(&row, self.app.clock.now() + self.lease).await {
                    Ok(true) => {}
                    Ok(false) => {
                        tracing::warn!(job = %row.id, kind = row.kind, "another worker took the job; this run is cut short");
                        task.abort();
                        return Ok(());
                    }
                    // The lease may still hold when the database answers again.
                    Err(error) => tracing::warn!(cause = ?error, job = %row.id, "no sign of life could be given"),
                },
            }
        };
        match outcome {
            Ok(Ok(())) => store.finish_job(&row, self.app.clock.now()).await.map(drop),
            Ok(Err(error)) => self.failed(&row, error).await,
            Err(panic) => self.failed(&row, Error::internal(panic)).await,
        }
    }

    /// Notes a failure: another try later, or the end if there were enough or if trying again cannot help.
    async fn failed(&self, row: &JobRow, error: Error) -> Result<()> {
        tracing::warn!(cause = ?error, job = %row.id, kind = row.kind, attempt = row.attempts, "job failed");
        let now = self.app.clock.now();
        let hopeless = matches!(error.kind, Kind::Invalid | Kind::NotFound | Kind::Forbidden | Kind::TooLarge);
        let retry_at = (row.attempts < row.max_attempts && !hopeless).then(|| retry_at(now, row.attempts));
        let told = format!("[{}] {error}{}", error.code, std::error::Error::source(&error).map(|s| format!(" ({s})")).unwrap_or_default());
        let ours = self.app.store.fail_job(row, &told, retry_at, now).await?;
        if ours
            && retry_at.is_none()
            && let Ok(job) = Job::read(row)
        {
            // In a task of its own, for it may panic as the job may.
            match tokio::spawn((self.give_up)(self.app.clone(), job, error)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(cause = ?error, job = %row.id, "giving the job up failed"),
                Err(panic) => tracing::error!(cause = %panic, job = %row.id, "giving the job up failed"),
            }
        }
        Ok(())
    }
}

/// 10 s after the first failure, then twice as long each time, one hour at most.
fn retry_at(now: DateTime<Utc>, attempts: i64) -> DateTime<Utc> {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    now + TimeDelta::seconds((10_i64 << doublings).min(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_at_longer_and_longer_intervals() {
        let now = DateTime::UNIX_EPOCH;
        let after: Vec<i64> = [1, 2, 3, 4, 9, 10, 1000].iter().map(|n| (retry_at(now, *n) - now).num_seconds()).collect();
        assert_eq!(after, [10, 20, 40, 80, 2560, 3600, 3600]);
    }
}
