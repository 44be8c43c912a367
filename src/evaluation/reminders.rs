//! What the morning's round reminds people of: files and retours d'expérience that are due or late.
//!
//! A reminder's key names its slot and its step, not the day: a round that was missed is made up for by the next one, and a round that
//! runs twice reminds nobody twice.

use chrono::NaiveDate;

use crate::{
    app::App,
    convention::{
        agreement::{AgreedVersion, Agreement},
        document::days,
        perimeter::Role,
        register,
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
    let accounts: Vec<Account> = app.store.accounts().await?.into_iter().filter(|a| a.disabled_at.is_none()).collect();
    for agreement in register::agreements(app).await? {
        let site = |site: Siren| Some((agreement.in_force_for(&site, app.clock.today())?, site));
        let mut tx = app.store.begin().await?;
        for (version, site) in agreement.sites().into_iter().filter_map(site) {
            let slot = Site { app, accounts: &accounts, agreement: &agreement, version, site };
            slot.rex(&mut tx).await?;
            slot.deposits(&mut tx).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// A site and the version that holds for it.
struct Site<'a> {
    app: &'a App,
    accounts: &'a [Account],
    agreement: &'a Agreement,
    version: &'a AgreedVersion,
    site: Siren,
}

impl Site<'_> {
    /// Queues a letter to the site's contributors.
    async fn tell(&self, tx: &mut Tx, letter: &Letter, key: &str) -> Result<()> {
        let theirs = |a: &&Account| a.organisation.as_ref() == Some(&self.site) && a.role == Role::Contributor.name();
        for account in self.accounts.iter().filter(theirs) {
            mail::queue(self.app, tx, account, letter, Some(key.to_owned())).await?;
        }
        Ok(())
    }

    async fn rex(&self, tx: &mut Tx) -> Result<()> {
        let (head, document) = (&self.version.head, &self.version.convention.document);
        let last_day = self.agreement.last_day_under(self.version);
        let due = document.rex.as_ref().and_then(|rex| last_day.checked_add_days(days(&rex.due)?));
        let Some((due, step)) = due.and_then(|due| Some((due, step(due, self.app.clock.today())?))) else { return Ok(()) };
        if self.app.store.rex(head.id, &self.site).await?.is_some_and(|r| r.submitted_at.is_some()) {
            return Ok(());
        }
        let (convention, path) = (head.title.clone(), format!("/experimentations/{}/rex/{}", head.name, self.site));
        let letter = match step {
            Step::Due(_) => Letter::RexDue { convention, due, path },
            Step::Late(_) => Letter::RexLate { convention, due, path },
        };
        self.tell(tx, &letter, &format!("rex/{}/{}/{due}/{}", head.name, self.site, step.key())).await
    }

    async fn deposits(&self, tx: &mut Tx) -> Result<()> {
        let (head, document) = (&self.version.head, &self.version.convention.document);
        let today = self.app.clock.today();
        let expected = calendar::expected(document, self.agreement.last_day_under(self.version));
        let steps: Vec<_> = expected.into_iter().filter_map(|e| step(e.due, today).map(|step| (e, step))).collect();
        if steps.is_empty() {
            return Ok(());
        }
        let filter = DepositFilter { convention: Some(head.id), site: Some(self.site.clone()), ..DepositFilter::default() };
        let (received, _) = self.app.store.deposits(&filter, Page::ALL).await?;
        for (expected, step) in &steps {
            if matches!(calendar::standing(expected, &self.site, &received, today), Standing::Accepted(_) | Standing::Running(_)) {
                continue;
            }
            let period = expected.period.map(|p| p.to_string()).unwrap_or_default();
            let slot = format!("{}/{}/{period}", head.name, expected.dataset);
            let title = document.datasets.get(&expected.dataset).map_or(&expected.dataset, |d| &d.title);
            let (convention, dataset, period) = (head.title.clone(), title.clone(), expected.period);
            let (due, path) = (expected.due, format!("/depots/nouveau?cible={slot}"));
            let letter = match step {
                Step::Due(_) => Letter::DepositDue { convention, dataset, period, due, path },
                Step::Late(_) => Letter::DepositLate { convention, dataset, period, due, path },
            };
            self.tell(tx, &letter, &format!("deposit/{slot}/{}/{due}/{}", self.site, step.key())).await?;
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
