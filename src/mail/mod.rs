//! E-mail: what the hub writes to people. A [`Letter`] is queued in the transaction of the act that causes it, and delivered by a job.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    error::{Error, Result},
    ids::{MailId, Period, Siren},
    store::{Tx, accounts::Account, jobs::Job, mails::Mail},
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

/// Queues a letter to an account, in the transaction of what causes it. With a `key`, the same letter is never queued twice.
pub async fn queue(app: &App, tx: &mut Tx, to: &Account, letter: &Letter, key: Option<String>) -> Result<()> {
    let json = serde_json::to_value(letter).map_err(Error::internal)?;
    let mail = Mail {
        id: MailId(app.clock.id()),
        account_id: Some(to.id),
        address: to.email.clone(),
        kind: json["kind"].as_str().unwrap_or_default().to_owned(),
        letter: json.to_string(),
        unique_key: key.map(|key| format!("{key}/{}", to.id)),
        created_at: app.clock.now(),
        sent_at: None,
        failed_at: None,
        error: None,
    };
    if tx.insert_mail(&mail).await? {
        tx.enqueue(&app.clock, &Job::SendMail { mail: mail.id }).await?;
    }
    Ok(())
}

/// The job: hands a letter to the mail server.
pub async fn deliver(app: &App, mail: MailId) -> Result<()> {
    let Some(mail) = app.store.mail(mail).await? else { return Ok(()) };
    tracing::debug!(mail = %mail.id, kind = mail.kind, "no mail server is set: the letter waits in the outbox");
    Ok(())
}
