//! Deposits and their reports, as far as a person may read them.

use std::collections::HashMap;

use super::{find, readable, report::CheckReport};
use crate::{
    access::Actor,
    app::App,
    convention::{agreement::Agreement, register},
    error::{Error, Result},
    ids::DepositId,
    store::{
        Page,
        deposits::{Deposit, DepositFilter},
    },
};

/// A page of the deposits that the actor may read, newest first, and how many there are in all: what may not be read is not counted.
pub async fn list(app: &App, actor: &Actor, filter: &DepositFilter, page: Page) -> Result<(Vec<Deposit>, i64)> {
    let filter = DepositFilter { site: actor.site.clone().or_else(|| filter.site.clone()), ..filter.clone() };
    let (mut found, _) = app.store.deposits(&filter, Page::ALL).await?;
    let today = app.clock.today();
    let mut agreements: HashMap<String, Agreement> = HashMap::new();
    for deposit in &found {
        if !agreements.contains_key(&deposit.convention) {
            agreements.insert(deposit.convention.clone(), register::agreement(app, &deposit.convention).await?);
        }
    }
    found.retain(|d| agreements.get(&d.convention).is_some_and(|agreement| readable(agreement, actor, d, today)));
    let count = i64::try_from(found.len()).map_err(Error::internal)?;
    let number = |n: i64| usize::try_from(n).unwrap_or(if n < 0 { 0 } else { usize::MAX });
    Ok((found.into_iter().skip(number(page.offset)).take(number(page.limit)).collect(), count))
}

/// What the check of a deposit said; none until it is decided.
///
/// # Errors
/// Those of [`find`].
pub async fn report(app: &App, actor: &Actor, id: DepositId) -> Result<Option<CheckReport>> {
    let deposit = find(app, actor, id).await?;
    let text = app.store.deposit_report(deposit.id).await?;
    text.map(|t| serde_json::from_str(&t).map_err(Error::internal)).transpose()
}
