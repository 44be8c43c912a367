//! Destroys what a stamped list names, one object at a time, and certifies it. It may stop anywhere and begin again: it ends the same.

use std::collections::BTreeMap;

use serde_json::json;

use super::{absent, concerned, entry, list, path_for};
use crate::{
    app::App,
    audit,
    convention::register,
    deposit::report::CheckReport,
    error::{Error, Result},
    ids::{PurgeId, Siren},
    lake::{Key, Prefix},
    mail::{self, Letter},
    store::{
        deposits::DepositState,
        retention::{Purge, PurgeItem},
    },
};

/// The job: destroys all that a list names.
pub async fn destroy(app: &App, id: PurgeId) -> Result<()> {
    destroy_some(app, id, usize::MAX).await
}

/// Destroys at most `count` objects of a list, and ends it when none is left. Does nothing for a list that the archives have not let
/// go, before its day, or while a hold stands.
pub async fn destroy_some(app: &App, id: PurgeId, count: usize) -> Result<()> {
    let left: Vec<_> = app.store.purge_items(id).await?.into_iter().filter(|i| i.destroyed_at.is_none()).collect();
    let all = count >= left.len();
    for item in left.into_iter().take(count) {
        if !destroy_one(app, &item).await? {
            return Ok(());
        }
    }
    if all { finish(app, id).await } else { Ok(()) }
}

/// Whether the object is gone; false where it may not go now.
async fn destroy_one(app: &App, item: &PurgeItem) -> Result<bool> {
    let mut tx = app.store.begin().await?;
    let purge = tx.purge(item.purge_id).await?.ok_or_else(absent)?;
    // Asked again for each object: a hold stops what is under way.
    let held = !tx.standing_holds(&purge.convention, purge.site.as_ref()).await?.is_empty();
    if held || !purge.state.is_cleared() || app.clock.today() < purge.due_on {
        return Ok(false);
    }
    // The rows first: from here on nothing leads to the bytes, whatever happens.
    let deposit = tx.deposit(item.deposit_id).await?.ok_or_else(|| Error::internal("a list names a deposit that is not there"))?;
    if deposit.state != DepositState::Purged {
        let report = app.store.deposit_report(deposit.id).await?.map(|text| counts(&text)).transpose()?;
        tx.purge_deposit(deposit.id, report.as_deref()).await?;
    }
    // The same file may have been sent under another convention: those bytes are not this list's alone.
    let shared = tx.is_named(&item.key).await?;
    tx.commit().await?;
    if !shared {
        app.lake.delete(&item.key.parse()?).await?;
    }
    let mut tx = app.store.begin().await?;
    tx.note_destroyed(item, shared, app.clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// A report without the values that it quotes.
fn counts(report: &str) -> Result<String> {
    let report: CheckReport = serde_json::from_str(report).map_err(Error::internal)?;
    serde_json::to_string(&report.counts_only()).map_err(Error::internal)
}

/// Ends a list: its certificate in the trail of the hub, and in each site's the part that is its own.
async fn finish(app: &App, id: PurgeId) -> Result<()> {
    let purge = app.store.purge(id).await?.ok_or_else(absent)?;
    if !purge.state.is_cleared() || app.clock.today() < purge.due_on {
        return Ok(());
    }
    let listed = list::read(app, purge).await?;
    let purge = &listed.purge;
    let agreement = register::agreement(app, &purge.convention).await?;
    let now = app.clock.now();
    let mut tx = app.store.begin().await?;
    if !tx.finish_purge(id, now).await? {
        return Ok(());
    }
    let mut sites: BTreeMap<&Siren, Vec<_>> = BTreeMap::new();
    for line in &listed.lines {
        sites.entry(&line.site).or_default().push(json!([line.number, line.kind, line.sha256, line.bytes, line.shared]));
    }
    let whole = json!({
        "number": purge.number, "convention": purge.convention, "objects": listed.lines.len(), "bytes": listed.bytes(),
        "kept": listed.lines.iter().filter(|l| l.shared).count(), "list_sha256": purge.list_sha256, "state": purge.state,
        "reference": purge.visa_reference, "name": purge.visa_name, "on": purge.visa_on, "package_sha256": purge.package_sha256,
        "sites": sites.keys().collect::<Vec<_>>(),
        // No program reaches into copies kept elsewhere.
        "backups_before": now,
    });
    let object = format!("purge/{id}");
    audit::append(&mut tx, &entry(app, audit::Actor::System, None, "purge.certify", object.clone(), whole)).await?;
    for (site, objects) in &sites {
        let part = json!({"number": purge.number, "convention": purge.convention, "reference": purge.visa_reference,
            "list_sha256": purge.list_sha256, "objects": objects});
        audit::append(&mut tx, &entry(app, audit::Actor::System, Some(*site), "purge.certify", object.clone(), part)).await?;
    }
    for account in concerned(app, &agreement, purge.site.as_ref()).await? {
        let own = account.organisation.is_some();
        let path = if own { path_for(&account, &purge.convention) } else { format!("/conservation/{id}") };
        let letter = Letter::Purged { convention: listed.title.clone(), site: purge.site.clone(), path };
        mail::queue(app, &mut tx, &account, &letter, Some(format!("purged/{id}"))).await?;
    }
    tx.commit().await?;
    tracing::info!(number = purge.number, scope = listed.scope, objects = listed.lines.len(), "purged");
    Ok(())
}

/// Objects that lists say are destroyed and that are there again: somebody put an old copy of the files back.
pub async fn reappeared(app: &App) -> Result<Vec<PurgeItem>> {
    let gone = app.store.destroyed_items().await?;
    if gone.is_empty() {
        return Ok(gone);
    }
    let there: std::collections::HashSet<String> = app.lake.list(&Prefix::All).await?.into_iter().map(|f| f.key.to_string()).collect();
    Ok(gone.into_iter().filter(|item| there.contains(&item.key)).collect())
}

/// Destroys again what reappeared, and says so in the trail; gives how many.
pub(super) async fn destroy_again(app: &App) -> Result<u64> {
    let mut lists: BTreeMap<PurgeId, Vec<PurgeItem>> = BTreeMap::new();
    for item in reappeared(app).await? {
        lists.entry(item.purge_id).or_default().push(item);
    }
    let mut count = 0;
    for (id, items) in lists {
        let Some(Purge { number, site, .. }) = app.store.purge(id).await? else { continue };
        for item in &items {
            let key: Key = item.key.parse()?;
            app.lake.delete(&key).await?;
            count += 1;
        }
        let mut tx = app.store.begin().await?;
        let detail = json!({"number": number, "objects": items.iter().map(|i| i.sha256.as_str()).collect::<Vec<_>>()});
        audit::append(&mut tx, &entry(app, audit::Actor::System, site.as_ref(), "purge.again", format!("purge/{id}"), detail)).await?;
        tx.commit().await?;
    }
    Ok(count)
}
