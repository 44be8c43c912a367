//! The message as mail servers carry it, and the server that takes it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{self, authentication::Credentials},
};

use super::french::Written;
use crate::{
    config::Config,
    error::{Error, Kind, Result},
    store::mails::Mail,
};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// Answers that are about this address or this letter, and stay so. Other refusals are about the server or its settings: they pass.
const FINAL: [u16; 8] = [501, 510, 550, 551, 552, 553, 554, 556];

/// The server that the settings name.
pub struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What Message-IDs end with.
    host: String,
}

/// What the server said of a letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has it.
    Taken,
    /// It never will; why.
    Refused(String),
}

impl Server {
    /// The server of these settings, if they name one.
    ///
    /// # Errors
    /// `smtp_settings` for an address, a sender or a combination that cannot work; the settings themselves are not repeated.
    pub fn of(config: &Config) -> Result<Option<Self>> {
        let Some(url) = &config.smtp_url else { return Ok(None) };
        let bad = |message: &str| Error::invalid("smtp_settings", message);
        let wrong_url =
            "L'adresse du serveur d'envoi doit être de la forme «\u{a0}smtps://HÔTE:PORT\u{a0}» ou «\u{a0}smtp://HÔTE:PORT\u{a0}».";
        let url = url.reveal();
        let (plain, url) = match url.split_once("://") {
            Some((_, rest)) if rest.contains('@') => {
                return Err(bad(
                    "Donnez le compte du serveur d'envoi par les réglages «\u{a0}smtp-user\u{a0}» et «\u{a0}smtp-password\u{a0}».",
                ));
            }
            // An address without more asks for encryption: what is sent in clear has to be wanted.
            Some(("smtp", rest)) => match rest.strip_suffix("?tls=none") {
                Some(host) => (true, format!("smtp://{host}")),
                None if rest.contains('?') => return Err(bad(wrong_url)),
                None => (false, format!("smtp://{rest}?tls=required")),
            },
            Some(("smtps", rest)) => (false, format!("smtps://{rest}")),
            _ => return Err(bad(wrong_url)),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url).map_err(|e| bad(wrong_url).with_source(e))?;
        match (&config.smtp_user, &config.smtp_password) {
            (Some(_), Some(_)) if plain => {
                return Err(bad("Un mot de passe ne s'envoie pas en clair\u{a0}: retirez «\u{a0}?tls=none\u{a0}», ou le compte."));
            }
            (Some(user), Some(password)) => {
                builder = builder.credentials(Credentials::new(user.reveal().to_owned(), password.reveal().to_owned()));
            }
            (None, None) => {}
            _ => return Err(bad("Le compte du serveur d'envoi demande un nom et un mot de passe\u{a0}: donnez les deux.")),
        }
        let from = config.mail_from.as_deref().unwrap_or_default();
        let from: Mailbox = from.parse().map_err(|e: lettre::address::AddressError| {
            bad("L'expéditeur des courriels doit être une adresse\u{a0}: «\u{a0}Retex <retex@metropole.example>\u{a0}».").with_source(e)
        })?;
        if config.public_url.is_none() {
            return Err(bad("Réglez l'adresse publique du service (public-url)\u{a0}: les liens des courriels en ont besoin."));
        }
        let host = from.email.domain().to_owned();
        Ok(Some(Self { transport: builder.timeout(Some(PATIENCE)).build(), from, host }))
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// `mail_server` where another try may do.
    pub async fn send(&self, mail: &Mail, name: &str, written: &Written, now: DateTime<Utc>) -> Result<Outcome> {
        let message = match self.message(mail, name, written, now) {
            Ok(message) => message,
            Err(error) => return Ok(Outcome::Refused(format!("Cette adresse n'est pas valable ({error})."))),
        };
        match self.transport.send(message).await {
            Ok(_) => Ok(Outcome::Taken),
            Err(error) => match error.status().map(u16::from).filter(|code| FINAL.contains(code)) {
                Some(_) => Ok(Outcome::Refused(format!("Le serveur refuse ce courriel\u{a0}: {}", said(&error)))),
                None => {
                    let message = "Le serveur d'envoi ne prend pas ce courriel pour l'instant.";
                    Err(Error::new(Kind::Unavailable, "mail_server", message).with_source(error))
                }
            },
        }
    }

    fn message(&self, mail: &Mail, name: &str, written: &Written, now: DateTime<Utc>) -> Result<Message, Box<dyn std::error::Error>> {
        let address: Address = mail.address.parse()?;
        let text = written.text(name)?;
        let html = written.html(name)?;
        // The display name and the subject are encoded by lettre: whatever they hold, they stay one header.
        let name = Some(one_line(name)).filter(|n| !n.is_empty());
        Ok(Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .date(now.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.host)))
            .subject(one_line(&written.subject))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(text, html))?)
    }
}

/// Says that no person wrote this (RFC 3834), so that absence messages do not answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace() && c != '\u{a0}').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The server's own words, short and on one line.
fn said(error: &smtp::Error) -> String {
    use std::error::Error as _;
    let words = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let code = error.status().map(|c| format!("{c} ")).unwrap_or_default();
    format!("{code}{}", one_line(&words).chars().take(300).collect::<String>())
}
