//! What the morning's round does for the data's end; it may run again the same day without doing anything twice.

use std::collections::HashSet;

use chrono::{Days, NaiveDate};
use serde_json::json;

use super::{Term, concerned, destruction, entry, list, path_for, terms};
use crate::{
    app::App,
    audit,
    deposit::REFUSED_KEPT,
    error::Result,
    mail::{self, Letter},
    store::{jobs::Job, retention::Removal},
};

/// How long before its day a destruction is announced.
const NOTICE: Days = Days::new(30);

/// Announces, lists, asks for what is stamped, and lets refused files go.
pub async fn round(app: &App) -> Result<()> {
    let today = app.clock.today();
    let refused = forget_refused(app).await?;
    for term in terms(app).await? {
        let due = term.due_on();
        if due.checked_sub_days(NOTICE).is_some_and(|notice| today >= notice) && is_kept(app, &term).await? {
            announce(app, &term, due).await?;
        }
        if today >= due {
            list::propose(app, &term, None, None, due).await?;
        }
    }
    for removal in app.store.removals().await?.into_iter().filter(|r| r.granted == Some(true)) {
        list_removed(app, &removal).await?;
    }
    ask_for_stamped(app, today).await?;
    let again = destruction::destroy_again(app).await?;
    if again > 0 {
        tracing::warn!(files = again, "files that were destroyed had come back; they are destroyed again");
    }
    tracing::debug!(refused, "the data's end was looked at");
    Ok(())
}

async fn is_kept(app: &App, term: &Term) -> Result<bool> {
    Ok(!app.store.kept_deposits(&term.registered.head.name, None).await?.is_empty())
}

/// Writes once to each person: the key names the day, so that a changed day is announced again.
async fn announce(app: &App, term: &Term, due: NaiveDate) -> Result<()> {
    let head = &term.registered.head;
    let mut tx = app.store.begin().await?;
    for account in concerned(app, &term.agreement, None).await? {
        let path = path_for(&account, &head.name);
        let letter = Letter::PurgeComing { convention: head.title.clone(), site: None, on: due, path };
        mail::queue(app, &mut tx, &account, &letter, Some(format!("purge-coming/{}/{due}", head.name))).await?;
    }
    tx.commit().await
}

/// The list of a withdrawn site's data, if granting it could not make it.
async fn list_removed(app: &App, removal: &Removal) -> Result<()> {
    let term = super::term(app, &removal.convention).await?;
    list::propose(app, &term, Some(&removal.site), Some(removal.id), app.clock.today()).await.map(drop)
}

/// Asks for the destruction of what the archives let go and whose day has come; the job itself looks at holds.
async fn ask_for_stamped(app: &App, today: NaiveDate) -> Result<()> {
    let ready: Vec<_> = app.store.purges().await?.into_iter().filter(|p| p.state.is_cleared() && p.due_on <= today).collect();
    let mut tx = app.store.begin().await?;
    for purge in ready {
        tx.enqueue(&app.clock, &Job::Purge { purge: purge.id }).await?;
    }
    tx.commit().await
}

/// A refused file was never part of the agreed data: it and its report go after 30 days, without the archives. A hold keeps them, and so
/// does a list that names them: what the archives are asked about stays as it was listed.
async fn forget_refused(app: &App) -> Result<u64> {
    let listed: HashSet<String> = app.store.keys_in_open_purges().await?.into_iter().collect();
    let mut count = 0;
    for deposit in app.store.rejected_before(app.clock.now() - REFUSED_KEPT).await? {
        if deposit.original_key.as_ref().is_some_and(|key| listed.contains(key)) {
            continue;
        }
        let mut tx = app.store.begin().await?;
        if !tx.standing_holds(&deposit.convention, Some(&deposit.site)).await?.is_empty() {
            continue;
        }
        let had_file = deposit.original_key.is_some();
        let key = tx.forget_original(deposit.id).await?;
        tx.forget_report(deposit.id).await?;
        let detail = json!({"number": deposit.number, "sha256": deposit.sha256, "bytes": deposit.bytes, "file": had_file});
        let object = format!("deposit/{}", deposit.id);
        audit::append(&mut tx, &entry(app, audit::Actor::System, Some(&deposit.site), "deposit.expire", object, detail)).await?;
        tx.commit().await?;
        // If the process dies before this, the sweep removes what no row names.
        if let Some(key) = key {
            app.lake.delete(&key.parse()?).await?;
        }
        count += 1;
    }
    Ok(count)
}
