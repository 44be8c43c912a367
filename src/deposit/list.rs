//! Deposits and their reports, as far as a person may read them.

use std::collections::HashMap;

use super::{find, readable, report::CheckReport};
use crate::{
    access::Actor,
    app::App,
    convention::{
        agreement::Agreement,
        perimeter::{self, Ask, Use},
        register,
        rules::Rules,
    },
    error::{Error, Kind, Result},
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
    let Some(text) = app.store.deposit_report(deposit.id).await? else { return Ok(None) };
    let mut report: CheckReport = serde_json::from_str(&text).map_err(Error::internal)?;
    if actor.site.as_ref() == Some(&deposit.site) {
        return Ok(Some(report));
    }
    let registered = register::version(app, deposit.convention_id).await?;
    let Some(rules) = registered.convention.rules.get(&deposit.dataset) else { return Ok(Some(report.counts_only())) };
    let hidden = match hidden(app, actor, &deposit, rules).await {
        Ok(hidden) => hidden,
        // The receipt outlives the right to read values.
        Err(refused) if refused.kind != Kind::Internal => return Ok(Some(report.counts_only())),
        Err(error) => return Err(error),
    };
    // What is around personal data that nobody declared is for its site alone.
    report.personal.iter_mut().for_each(|finding| finding.cells.clear());
    Ok(Some(report.without(&hidden)))
}

/// The columns whose cells this person may not see, as [`hidden`], nor those that hold what looks like personal data: around it may stand a
/// name that no form gives away.
pub(super) async fn unseen(app: &App, actor: &Actor, deposit: &Deposit, rules: &Rules) -> Result<Vec<String>> {
    let mut unseen = hidden(app, actor, deposit, rules).await?;
    if actor.site.as_ref() == Some(&deposit.site) {
        return Ok(unseen);
    }
    if let Some(text) = app.store.deposit_report(deposit.id).await? {
        let report: CheckReport = serde_json::from_str(&text).map_err(Error::internal)?;
        unseen.extend(report.personal.into_iter().map(|finding| finding.column));
    }
    Ok(unseen)
}

/// The columns whose values this person may not see.
pub(super) async fn hidden(app: &App, actor: &Actor, deposit: &Deposit, rules: &Rules) -> Result<Vec<String>> {
    if actor.site.as_ref() == Some(&deposit.site) {
        return Ok(Vec::new());
    }
    let agreement = register::agreement(app, &deposit.convention).await?;
    let (person, today) = (actor.person(), app.clock.today());
    let may = |fields: &[&str]| {
        let ask = Ask::of(Use::ReadDeposit).dataset(&deposit.dataset).site(&deposit.site).fields(fields);
        perimeter::may(&agreement, &person, &ask, today)
    };
    let names: Vec<&str> = rules.columns().iter().map(|c| c.name.as_str()).collect();
    match may(&names) {
        Ok(()) => Ok(Vec::new()),
        Err(refused) if matches!(refused.code, "personal_field" | "field_outside_perimeter") => {
            Ok(names.into_iter().filter(|name| may(&[name]).is_err()).map(str::to_owned).collect())
        }
        Err(refused) => Err(refused),
    }
}
