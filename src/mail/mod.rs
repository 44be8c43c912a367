//! E-mail: what the hub writes to people. A [`Letter`] is queued in the transaction of the act that causes it ([`queue`]), and delivered
//! by a job ([`deliver`]): at least once, with the letter's id as its Message-ID, so that a letter that came twice is recognised.
//!
//! What people choose is in [`preferences`], the words are in [`french`], the message and its server in [`smtp`].

pub mod french;
pub mod preferences;
pub mod smtp;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    error::{Error, Result},
    ids::{MailId, Period, Siren},
    store::{
        Tx,
        accounts::Account,
        jobs::Job,
        mails::{Delivery, Mail},
    },
};

/// What is written, with the facts that its text needs. `path` is an address within the hub, beginning with `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// An account waits for its password.
    Invitation {
        /// Where the password is chosen; carries the secret.
        path: String,
        /// Until when the link works.
        expires_at: DateTime<Utc>,
    },
    /// The account asked for a new password.
    PasswordReset {
        /// Where it is chosen; carries the secret.
        path: String,
        /// Until when the link works.
        expires_at: DateTime<Utc>,
    },
    /// An administrator removed the account's second factor.
    SecondFactorReset {
        /// When.
        at: DateTime<Utc>,
        /// Where another one is activated.
        path: String,
    },
    /// A convention's draft is open to its parties' remarks.
    ReviewRequested {
        /// Title of the convention.
        convention: String,
        /// Its page.
        path: String,
    },
    /// Somebody commented a draft or asked for a change.
    Commented {
        /// Title of the convention.
        convention: String,
        /// Who.
        author: String,
        /// What they wrote.
        text: String,
        /// Its page.
        path: String,
    },
    /// A version waits for this party's signature.
    SignatureRequested {
        /// Title of the convention.
        convention: String,
        /// Which version.
        version: i64,
        /// Its page.
        path: String,
    },
    /// A version is in force for a site.
    InForce {
        /// Title of the convention.
        convention: String,
        /// Which version.
        version: i64,
        /// From when.
        from: NaiveDate,
        /// Its page.
        path: String,
    },
    /// A convention ends, or was ended early.
    ConventionEnding {
        /// Title of the convention.
        convention: String,
        /// Last day.
        on: NaiveDate,
        /// The Métropole's reason, when it ends early.
        reason: Option<String>,
        /// Its page.
        path: String,
    },
    /// A file is due soon.
    DepositDue {
        /// Title of the convention.
        convention: String,
        /// Title of the dataset.
        dataset: String,
        /// Which period, unless it is for the whole experiment.
        period: Option<Period>,
        /// Until when.
        due: NaiveDate,
        /// Where it is sent.
        path: String,
    },
    /// A file is late.
    DepositLate {
        /// Title of the convention.
        convention: String,
        /// Title of the dataset.
        dataset: String,
        /// Which period, unless it is for the whole experiment.
        period: Option<Period>,
        /// Since when.
        due: NaiveDate,
        /// Where it is sent.
        path: String,
    },
    /// A file was refused.
    DepositRejected {
        /// The deposit's number.
        number: String,
        /// Name of the file.
        file: String,
        /// How many problems.
        problems: usize,
        /// Its page.
        path: String,
    },
    /// A file waits for its depositor's word on what looks like personal data in it.
    DepositHeld {
        /// The deposit's number.
        number: String,
        /// Name of the file.
        file: String,
        /// The columns in question.
        columns: Vec<String>,
        /// Until when it waits.
        until: NaiveDate,
        /// Its page.
        path: String,
    },
    /// Data will be destroyed.
    PurgeComing {
        /// Title of the convention.
        convention: String,
        /// Whose data; all sites' if none.
        site: Option<Siren>,
        /// When.
        on: NaiveDate,
        /// Its page.
        path: String,
    },
    /// Data were destroyed.
    Purged {
        /// Title of the convention.
        convention: String,
        /// Whose data; all sites' if none.
        site: Option<Siren>,
        /// The certificate's page.
        path: String,
    },
    /// A site's retour d'expérience is due soon.
    RexDue {
        /// Title of the convention.
        convention: String,
        /// Until when.
        due: NaiveDate,
        /// Where it is written.
        path: String,
    },
    /// A site's retour d'expérience is late.
    RexLate {
        /// Title of the convention.
        convention: String,
        /// Since when.
        due: NaiveDate,
        /// Where it is written.
        path: String,
    },
    /// What waited for the week's one letter.
    Digest {
        /// Oldest first.
        letters: Vec<Self>,
    },
    /// A site's request (early withdrawal of its data) was made or answered.
    WithdrawalAnswered {
        /// Title of the convention.
        convention: String,
        /// Whether it was granted; none when it was just made.
        granted: Option<bool>,
        /// Why.
        reason: String,
        /// Its page.
        path: String,
    },
}

impl Letter {
    /// Its kind, as its JSON and the table say it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invitation { .. } => "invitation",
            Self::PasswordReset { .. } => "password_reset",
            Self::SecondFactorReset { .. } => "second_factor_reset",
            Self::ReviewRequested { .. } => "review_requested",
            Self::Commented { .. } => "commented",
            Self::SignatureRequested { .. } => "signature_requested",
            Self::InForce { .. } => "in_force",
            Self::ConventionEnding { .. } => "convention_ending",
            Self::DepositDue { .. } => "deposit_due",
            Self::DepositLate { .. } => "deposit_late",
            Self::DepositRejected { .. } => "deposit_rejected",
            Self::DepositHeld { .. } => "deposit_held",
            Self::PurgeComing { .. } => "purge_coming",
            Self::Purged { .. } => "purged",
            Self::RexDue { .. } => "rex_due",
            Self::RexLate { .. } => "rex_late",
            Self::Digest { .. } => "digest",
            Self::WithdrawalAnswered { .. } => "withdrawal_answered",
        }
    }

    /// When its link stops working.
    fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Invitation { expires_at, .. } | Self::PasswordReset { expires_at, .. } => Some(*expires_at),
            _ => None,
        }
    }
}

/// A letter that waited longer tells nothing new: a server set up late does not send last year's reminders.
const STALE: TimeDelta = TimeDelta::days(7);

/// Queues a letter to an account, in the transaction of what causes it. With a `key`, the same letter is never queued twice. What the
/// person does not want is not queued, what they want once a week waits for [`preferences::gather`].
pub async fn queue(app: &App, tx: &mut Tx, to: &Account, letter: &Letter, key: Option<String>) -> Result<()> {
    let delivery = preferences::delivery(tx, to.id, letter.kind()).await?;
    if delivery == Delivery::Never || to.disabled_at.is_some() {
        return Ok(());
    }
    insert(app, tx, to, letter, key, delivery == Delivery::Weekly).await
}

async fn insert(app: &App, tx: &mut Tx, to: &Account, letter: &Letter, key: Option<String>, weekly: bool) -> Result<()> {
    let mail = Mail {
        id: MailId(app.clock.id()),
        account_id: Some(to.id),
        address: to.email.clone(),
        kind: letter.kind().to_owned(),
        letter: serde_json::to_string(letter).map_err(Error::internal)?,
        unique_key: key.map(|key| format!("{key}/{}", to.id)),
        created_at: app.clock.now(),
        sent_at: None,
        failed_at: None,
        error: None,
        weekly,
    };
    if tx.insert_mail(&mail).await? && !weekly {
        tx.enqueue(&app.clock, &Job::SendMail { mail: mail.id }).await?;
    }
    Ok(())
}

/// The job: hands a letter to the mail server. A letter waits where none is set, and in the demo; [`resume`] takes it up again.
///
/// # Errors
/// `mail_server` when the server does not take it now: the queue tries again. What can never be delivered is noted as failed instead.
pub async fn deliver(app: &App, id: MailId) -> Result<()> {
    let Some(mail) = app.store.mail(id).await?.filter(Mail::waits) else { return Ok(()) };
    let Some(server) = smtp::Server::of(&app.config)?.filter(|_| !app.config.demo) else {
        tracing::debug!(mail = %id, kind = mail.kind, "no mail server is set: the letter waits");
        return Ok(());
    };
    let account = match mail.account_id {
        Some(id) => app.store.account(id).await?,
        None => None,
    };
    let now = app.clock.now();
    if account.as_ref().is_some_and(|a| a.disabled_at.is_some()) {
        return fail(app, &mail, "Le compte est fermé.").await;
    }
    if now - mail.created_at > STALE {
        return fail(app, &mail, "Ce courriel a attendu plus de sept jours\u{a0}: il n'est plus à envoyer.").await;
    }
    let letter: Letter = mail.letter()?;
    if letter.expires_at().is_some_and(|at| at <= now) {
        return fail(app, &mail, "Le lien a expiré avant l'envoi.").await;
    }
    let name = account.map(|a| a.name).unwrap_or_default();
    let written = french::write(&letter, &app.config.base_url(), app.clock.today());
    match server.send(&mail, &name, &written, now).await? {
        smtp::Outcome::Taken => {
            let mut tx = app.store.begin().await?;
            tx.mail_sent(id, now).await?;
            tx.commit().await
        }
        smtp::Outcome::Refused(reason) => fail(app, &mail, &reason).await,
    }
}

/// Notes that a letter will not be delivered, for the administrator; whatever link it holds is forgotten.
async fn fail(app: &App, mail: &Mail, reason: &str) -> Result<()> {
    tracing::warn!(mail = %mail.id, kind = mail.kind, "a letter is given up");
    let mut tx = app.store.begin().await?;
    tx.mail_failed(mail.id, reason, app.clock.now()).await?;
    tx.commit().await
}

/// Notes that the queue has tried long enough.
pub async fn give_up(app: &App, id: MailId) -> Result<()> {
    match app.store.mail(id).await?.filter(Mail::waits) {
        Some(mail) => fail(app, &mail, "Le serveur d'envoi n'a pas pris ce courriel, malgré des essais répétés.").await,
        None => Ok(()),
    }
}

/// Asks again for the letters that wait without a job: those of the time when no server was set.
pub async fn resume(app: &App) -> Result<()> {
    if app.config.demo || app.config.smtp_url.is_none() {
        return Ok(());
    }
    let under_way = app.store.open_jobs("send_mail").await?;
    let waiting = app.store.waiting_mails().await?.into_iter().map(|id| Job::SendMail { mail: id });
    let mut tx = app.store.begin().await?;
    for job in waiting.filter(|job| !under_way.iter().any(|row| Job::read(row).is_ok_and(|open| open == *job))) {
        tx.enqueue(&app.clock, &job).await?;
    }
    tx.commit().await
}
