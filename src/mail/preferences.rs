//! Which letters a person wants, and how: at once, once a week, or not at all. What holds up others (an invitation, a signature asked
//! for) cannot be switched off.

use chrono::{Datelike, Days, NaiveTime, TimeZone};
use chrono_tz::Europe::Paris;

use super::Letter;
use crate::{
    app::App,
    error::{Error, Result},
    ids::AccountId,
    store::{
        Tx,
        mails::{Delivery, Mail},
    },
};

/// A kind of letter that a person may choose on.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// [`Letter::kind`].
    pub kind: &'static str,
    /// In words.
    pub label: &'static str,
    /// Whether it may wait for the week's one letter.
    pub weekly: bool,
}

/// Every kind that may be chosen on; the others always come at once.
pub const CHOICES: [Choice; 13] = [
    Choice { kind: "deposit_rejected", label: "Un fichier que vous avez déposé est refusé", weekly: false },
    Choice { kind: "deposit_held", label: "Un fichier que vous avez déposé attend votre confirmation", weekly: false },
    Choice { kind: "deposit_due", label: "Un dépôt est attendu dans la semaine", weekly: false },
    Choice { kind: "deposit_late", label: "Un dépôt est en retard", weekly: true },
    Choice { kind: "rex_due", label: "Un retour d'expérience est attendu dans la semaine", weekly: false },
    Choice { kind: "rex_late", label: "Un retour d'expérience est en retard", weekly: true },
    Choice { kind: "review_requested", label: "Une convention est à relire", weekly: true },
    Choice { kind: "commented", label: "Quelqu'un commente une convention", weekly: true },
    Choice { kind: "in_force", label: "Une convention entre en vigueur", weekly: true },
    Choice { kind: "convention_ending", label: "Une convention se termine", weekly: true },
    Choice { kind: "withdrawal_answered", label: "Une demande de retrait anticipé est faite ou reçoit sa réponse", weekly: false },
    Choice { kind: "purge_coming", label: "Des données vont être éliminées", weekly: false },
    Choice { kind: "purged", label: "Des données ont été éliminées", weekly: true },
];

/// How a person wants this kind of letter, as this transaction sees it.
pub(super) async fn delivery(tx: &mut Tx, account: AccountId, kind: &str) -> Result<Delivery> {
    let Some(choice) = CHOICES.iter().find(|c| c.kind == kind) else { return Ok(Delivery::Immediate) };
    let chosen = tx.mail_preference(account, kind).await?.and_then(|d| d.parse().ok()).unwrap_or(Delivery::Immediate);
    Ok(if chosen == Delivery::Weekly && !choice.weekly { Delivery::Immediate } else { chosen })
}

/// What a person wants, kind by kind.
pub async fn chosen(app: &App, account: AccountId) -> Result<Vec<(Choice, Delivery)>> {
    let kept = app.store.mail_preferences(account).await?;
    let of = |choice: &Choice| kept.iter().find(|(kind, _)| kind == choice.kind).and_then(|(_, d)| d.parse().ok());
    Ok(CHOICES.iter().map(|c| (*c, of(c).unwrap_or(Delivery::Immediate))).collect())
}

/// Keeps what a person wants; kinds that are not named stay as they are.
///
/// # Errors
/// `mail_kind` for a kind that cannot be chosen on, `mail_delivery` for a digest of what cannot wait.
pub async fn choose(app: &App, account: AccountId, wanted: &[(String, Delivery)]) -> Result<()> {
    let mut tx = app.store.begin().await?;
    for (kind, delivery) in wanted {
        let unknown = || Error::invalid("mail_kind", "Ces courriels sont nécessaires\u{a0}: vous les recevez toujours.");
        let choice = CHOICES.iter().find(|c| c.kind == kind).ok_or_else(unknown)?;
        if *delivery == Delivery::Weekly && !choice.weekly {
            return Err(Error::invalid(
                "mail_delivery",
                format!("«\u{a0}{}\u{a0}»\u{a0}: ce courriel ne peut pas attendre la fin de la semaine.", choice.label),
            ));
        }
        tx.set_mail_preference(account, choice.kind, *delivery).await?;
    }
    tx.commit().await
}

/// Puts the letters that waited for the week's one into it: those of the weeks before this one, so that a Monday without a round is made
/// up for on the next day. May run again at any time.
pub async fn gather(app: &App) -> Result<()> {
    let today = app.clock.today();
    let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday()))).unwrap_or(today);
    let midnight = monday.and_time(NaiveTime::MIN);
    let before = Paris.from_local_datetime(&midnight).earliest().map_or_else(|| midnight.and_utc(), |at| at.to_utc());
    let waiting = app.store.weekly_mails(before).await?;
    for mails in waiting.chunk_by(|a, b| a.account_id == b.account_id) {
        let account = match mails.first().and_then(|m| m.account_id) {
            Some(id) => app.store.account(id).await?,
            None => None,
        };
        let Some(account) = account else { continue };
        let letters = mails.iter().map(Mail::letter).collect::<Result<Vec<Letter>>>()?;
        let mut tx = app.store.begin().await?;
        if account.disabled_at.is_none() {
            super::insert(app, &mut tx, &account, &Letter::Digest { letters }, Some(format!("digest/{monday}")), false).await?;
        }
        for mail in mails {
            tx.mail_sent(mail.id, app.clock.now()).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
