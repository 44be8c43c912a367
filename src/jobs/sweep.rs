//! Removes what nothing names any more: files that never came in whole, files of the lake without a row, sessions that ended, sign-in
//! attempts counted long ago, jobs done long ago.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::Job;
use crate::{
    app::App,
    deposit,
    error::Result,
    lake::{Key, Prefix},
};

/// How long a file may be without a row: much longer than any request or job takes from writing it to naming it.
pub const GRACE: TimeDelta = TimeDelta::hours(24);
/// How long sign-in attempts stay counted.
const ATTEMPTS_KEPT: TimeDelta = TimeDelta::hours(24);
/// How long finished jobs stay visible.
const JOBS_KEPT: TimeDelta = TimeDelta::days(30);

/// How long it stays known to whom which letter went.
const MAILS_KEPT: TimeDelta = TimeDelta::days(400);

/// What a sweep removed from the lake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// The job: sweeps, and asks for the next sweep.
pub async fn run(app: &App) -> Result<()> {
    let swept = sweep(app, GRACE).await?;
    tracing::info!(files = swept.files, bytes = swept.bytes, "swept");
    schedule(app).await
}

/// Asks for a sweep in a day, unless one waits already; for the start of a process.
pub async fn schedule(app: &App) -> Result<()> {
    let mut tx = app.store.begin().await?;
    tx.enqueue_at(&app.clock, &Job::Sweep, app.clock.now() + TimeDelta::days(1)).await?;
    tx.commit().await
}

/// Removes what has been without a name for longer than `grace`.
pub async fn sweep(app: &App, grace: TimeDelta) -> Result<Swept> {
    let now = app.clock.now();
    deposit::upload::expire(app).await?;
    let before = now - grace;
    // The files are listed before the names are read: a file that got its row in between is then seen to have one.
    let old: Vec<_> = app.lake.list(&Prefix::All).await?.into_iter().filter(|f| f.modified < before).collect();
    let named: HashSet<String> = app.store.named_keys().await?.into_iter().collect();
    let mut swept = Swept::default();
    for file in old {
        // A report can be made again from its snapshot, and belongs to it; the trail's ends are evidence.
        if matches!(file.key, Key::Report { .. } | Key::AuditHeads(_)) || named.contains(&file.key.to_string()) {
            continue;
        }
        // The same bytes may just have been sent again: then the file is young again, and about to be named.
        if app.lake.meta(&file.key).await?.is_some_and(|f| f.modified < before) {
            app.lake.delete(&file.key).await?;
            swept.files += 1;
            swept.bytes += file.bytes;
        }
    }
    swept.files += app.lake.sweep_pieces(before).await?;
    app.store.sweep_access(now, ATTEMPTS_KEPT).await?;
    app.store.sweep_jobs(now - JOBS_KEPT).await?;
    app.store.sweep_mails(now - MAILS_KEPT).await?;
    Ok(swept)
}
