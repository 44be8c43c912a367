//! What the morning's round reminds people of: files and retours d'expérience that are due or late, conventions that end.
//!
//! A reminder's key names its slot and its step, not the day: a round that was missed is made up for by the next one, and a round that
//! runs twice reminds nobody twice.

use chrono::{Days, NaiveDate};

use crate::{
    app::App,
    convention::{
        document::{Document, days},
        perimeter::Role,
        register::{self, Registered},
    },
    deposit::calendar::{self, Standing},
    error::Result,
    ids::Siren,
    mail::{self, Letter},
    store::{Page, Tx, accounts::Account, deposits::DepositFilter},
};

/// Days before the due day on which people are reminded.
const BEFORE: [i64; 2] = [1, 7];
/// Reminders of what is late: on the day after, then every week.
const LATE: i64 = 4;
/// Days before the end of a convention on which people are told.
const ENDING: i64 = 30;

/// Where a due day stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// So many days before, at the latest.
    Due(i64),
    /// The so-manyth week after, from 0.
    Late(i64),
}

/// The reminder that is to be sent by now, if any: the last one only, where several were missed.
fn step(due: NaiveDate, today: NaiveDate) -> Option<Step> {
    let left = (due - today).num_days();
    if left >= 0 {
        return BEFORE.into_iter().find(|before| left <= *before).map(Step::Due);
    }
    let week = (-left - 1) / 7;
    (week < LATE).then_some(Step::Late(week))
}

impl Step {
    fn key(self) -> String {
        match self {
            Self::Due(days) => format!("j-{days}"),
            Self::Late(week) => format!("late-{week}"),
        }
    }
}

/// Queues today's reminders; may run again.
pub async fn remind(app: &App) -> Result<()> {
    let today = app.clock.today();
    let accounts: Vec<Account> = app.store.accounts().await?.into_iter().filter(|a| a.disabled_at.is_none()).collect();
    for registered in register::all(app).await? {
        // Nothing is due long after the end: nothing is read for it either.
        if today > registered.head.ends_on.checked_add_days(Days::new(400)).unwrap_or(NaiveDate::MAX) {
            continue;
        }
        let mut tx = app.store.begin().await?;
        let people = People { app, accounts: &accounts, registered: &registered };
        people.ending(&mut tx, today).await?;
        people.rex(&mut tx, today).await?;
        people.deposits(&mut tx, today).await?;
        tx.commit().await?;
    }
    Ok(())
}

struct People<'a> {
    app: &'a App,
    accounts: &'a [Account],
    registered: &'a Registered,
}

impl People<'_> {
    fn document(&self) -> &Document {
        &self.registered.convention.document
    }

    fn sites(&self) -> impl Iterator<Item = &Siren> {
        self.document().parties.sites.iter().map(|p| &p.siren)
    }

    /// Queues a letter to those of a site (of the Métropole, if none) who have one of these roles.
    async fn tell(&self, tx: &mut Tx, site: Option<&Siren>, roles: &[Role], letter: &Letter, key: &str) -> Result<()> {
        let theirs = |a: &&Account| a.organisation.as_ref() == site && roles.iter().any(|role| role.name() == a.role);
        for account in self.accounts.iter().filter(theirs) {
            mail::queue(self.app, tx, account, letter, Some(key.to_owned())).await?;
        }
        Ok(())
    }

    async fn ending(&self, tx: &mut Tx, today: NaiveDate) -> Result<()> {
        let head = &self.registered.head;
        let left = (head.ends_on - today).num_days();
        if !(0..=ENDING).contains(&left) || today < head.starts_on {
            return Ok(());
        }
        let letter = Letter::ConventionEnding {
            convention: head.title.clone(),
            on: head.ends_on,
            reason: None,
            path: format!("/experimentations/{}", head.name),
        };
        let key = format!("convention_ending/{}/{}", head.name, head.ends_on);
        for site in self.sites() {
            self.tell(tx, Some(site), &[Role::Contributor, Role::Signatory], &letter, &key).await?;
        }
        self.tell(tx, None, &[Role::Officer], &letter, &key).await
    }

    async fn rex(&self, tx: &mut Tx, today: NaiveDate) -> Result<()> {
        let head = &self.registered.head;
        let due = self.document().rex.as_ref().and_then(|rex| head.ends_on.checked_add_days(days(&rex.due)?));
        let Some((due, step)) = due.and_then(|due| Some((due, step(due, today)?))) else { return Ok(()) };
        let stored = self.app.store.rex_of(head.id).await?;
        for site in self.sites().filter(|site| !stored.iter().any(|r| r.site == **site && r.submitted_at.is_some())) {
            let (convention, path) = (head.title.clone(), format!("/experimentations/{}/rex/{site}", head.name));
            let letter = match step {
                Step::Due(_) => Letter::RexDue { convention, due, path },
                Step::Late(_) => Letter::RexLate { convention, due, path },
            };
            let key = format!("rex/{}/{site}/{due}/{}", head.name, step.key());
            self.tell(tx, Some(site), &[Role::Contributor], &letter, &key).await?;
        }
        Ok(())
    }

    async fn deposits(&self, tx: &mut Tx, today: NaiveDate) -> Result<()> {
        let head = &self.registered.head;
        let steps: Vec<_> =
            calendar::expected(self.document()).into_iter().filter_map(|e| step(e.due, today).map(|step| (e, step))).collect();
        if steps.is_empty() {
            return Ok(());
        }
        let filter = DepositFilter { convention: Some(head.id), ..DepositFilter::default() };
        let (received, _) = self.app.store.deposits(&filter, Page::ALL).await?;
        for (expected, step) in &steps {
            for site in self.sites() {
                if matches!(calendar::standing(expected, site, &received, today), Standing::Accepted(_) | Standing::Running(_)) {
                    continue;
                }
                let period = expected.period.map(|p| p.to_string()).unwrap_or_default();
                let slot = format!("{}/{}/{period}", head.name, expected.dataset);
                let title = self.document().datasets.get(&expected.dataset).map_or(&expected.dataset, |d| &d.title);
                let (convention, dataset, period) = (head.title.clone(), title.clone(), expected.period);
                let (due, path) = (expected.due, format!("/depots/nouveau?cible={slot}"));
                let letter = match step {
                    Step::Due(_) => Letter::DepositDue { convention, dataset, period, due, path },
                    Step::Late(_) => Letter::DepositLate { convention, dataset, period, due, path },
                };
                let key = format!("deposit/{slot}/{site}/{due}/{}", step.key());
                self.tell(tx, Some(site), &[Role::Contributor], &letter, &key).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_come_before_then_after_and_stop() {
        let due: NaiveDate = "2026-03-20".parse().expect("a day");
        let steps: Vec<_> = (-10..=40).map(|n| (n, step(due, due + chrono::TimeDelta::days(n)))).collect();
        for (n, found) in steps {
            let expected = match n {
                ..-7 => None,
                -7..-1 => Some(Step::Due(7)),
                -1..=0 => Some(Step::Due(1)),
                1..8 => Some(Step::Late(0)),
                8..15 => Some(Step::Late(1)),
                15..22 => Some(Step::Late(2)),
                22..29 => Some(Step::Late(3)),
                29.. => None,
            };
            assert_eq!(found, expected, "{n} days after the due day");
        }
    }
}
