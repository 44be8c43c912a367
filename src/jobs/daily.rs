//! What the hub does every morning by itself: reminders, notices, what is due. Each line is one domain function that may run again the
//! same day without doing anything twice.

use chrono::{Days, NaiveTime, TimeZone};
use chrono_tz::Europe::Paris;

use super::Job;
use crate::{app::App, audit::heads, convention::register, error::Result, evaluation::reminders, mail::preferences, retention};

/// The job: asks for tomorrow's round, whatever becomes of this one, and does today's.
pub async fn run(app: &App) -> Result<()> {
    schedule(app).await?;
    register::morning(app).await?;
    retention::round(app).await?;
    reminders::remind(app).await?;
    preferences::gather(app).await?;
    heads::export(&app.store, &app.lake, app.clock.now(), app.clock.today()).await
}

/// Asks for the next round, at six in the morning in Paris, unless one waits already; for the start of a process.
pub async fn schedule(app: &App) -> Result<()> {
    let six = NaiveTime::from_hms_opt(6, 0, 0).unwrap_or_default();
    let tomorrow = app.clock.today().checked_add_days(Days::new(1)).unwrap_or(app.clock.today()).and_time(six);
    let at = Paris.from_local_datetime(&tomorrow).earliest().map_or_else(|| tomorrow.and_utc(), |at| at.to_utc());
    let mut tx = app.store.begin().await?;
    tx.enqueue_at(&app.clock, &Job::Daily, at).await?;
    tx.commit().await
}
