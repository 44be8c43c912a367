//! The letters, for the administrator: where each one stands; in the demo, where none is sent, what each one says.

use askama::Template;
use axum::{
    extract::{Path, Query, State as Extract},
    http::{HeaderValue, header},
    response::{Html, IntoResponse},
};
use serde::Deserialize;

use super::accounts::{administrator, tabs};
use crate::{
    access::Actor,
    app::App,
    error::Result,
    http::{
        failure::{PageResult, html as render},
        load,
        security::{FRAME_CSP, LETTER_CSP},
        state::{Signed, who},
        view::{Fact, Markup, Notice, Page, State, Tab},
        words,
    },
    ids::MailId,
    mail::{
        Letter,
        french::{self, Written},
        preferences::CHOICES,
    },
    store::{Page as Slice, accounts::Account, mails::Mail},
};

/// The list.
#[derive(Template)]
#[template(path = "mails.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Mails {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub notice: Option<Notice>,
    pub count: String,
    pub mails: Vec<MailRow>,
    pub pages: i64,
    pub current: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
}

/// One letter of the list.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct MailRow {
    pub asked: String,
    pub to: String,
    pub address: String,
    pub subject: String,
    pub href: Option<String>,
    pub badge: Markup,
    pub detail: String,
}

/// One letter.
#[derive(Template)]
#[template(path = "mail.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct MailPage {
    pub page: Page,
    pub facts: Vec<Fact>,
    pub text: String,
    pub frame: String,
    pub link: Option<(String, String)>,
}

/// Letters on one page.
const PER_PAGE: i64 = 50;

/// Which page.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    page: i64,
}

/// `GET /administration/courriels`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(chosen): Query<Chosen>) -> PageResult {
    administrator(&actor)?;
    let current = chosen.page.max(1);
    let slice = Slice { offset: (current - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let counts = app.store.mail_counts().await?;
    let total = counts.waiting + counts.sent + counts.failed;
    let pages = (total + PER_PAGE - 1) / PER_PAGE;
    let accounts = app.store.accounts().await?;
    let href = |page: i64| format!("/administration/courriels?page={page}");
    render(Mails {
        page: Page::new("Courriels", who(&actor), "admin"),
        tabs: tabs(&actor, "courriels"),
        notice: notice(&app, counts.waiting),
        count: format!(
            "{}\u{a0}: {} en attente, {}, {}",
            words::plural(total, "courriel", "courriels"),
            words::count(counts.waiting),
            words::plural(counts.sent, "envoyé", "envoyés"),
            words::plural(counts.failed, "abandonné", "abandonnés")
        ),
        mails: app.store.mails(slice).await?.into_iter().map(|mail| row(&app, mail, &accounts)).collect(),
        pages,
        current,
        previous: (current > 1).then(|| href(current - 1)),
        next: (current < pages).then(|| href(current + 1)),
    })
}

fn notice(app: &App, waiting: i64) -> Option<Notice> {
    if app.config.demo {
        let line = "Chaque courriel se lit ici tel qu'il partirait. Il ne quitte pas cette machine.".to_owned();
        return Some(Notice::new(State::Open, "Démonstration\u{a0}: aucun courriel n'est envoyé", vec![line]));
    }
    let unset = app.config.smtp_url.is_none();
    let line = format!(
        "{} en attente. Réglez RETEX_SMTP_URL et RETEX_MAIL_FROM, puis relancez Retex\u{a0}: ce qui attend depuis moins de sept jours partira.",
        words::plural(waiting, "courriel", "courriels")
    );
    unset.then(|| Notice::new(State::Todo, "Aucun serveur d'envoi n'est réglé", vec![line]))
}

/// What a kind of letter is about, where its words are not shown.
fn kind_name(kind: &str) -> &str {
    match kind {
        "invitation" => "Invitation",
        "password_reset" => "Nouveau mot de passe",
        "second_factor_reset" => "Second facteur retiré",
        "signature_requested" => "Une signature est demandée",
        "digest" => "Courriel de la semaine",
        kind => CHOICES.iter().find(|c| c.kind == kind).map_or(kind, |c| c.label),
    }
}

fn written(app: &App, mail: &Mail) -> Option<Written> {
    mail.letter::<Letter>().ok().map(|letter| french::write(&letter, &app.config.base_url(), app.clock.today()))
}

fn row(app: &App, mail: Mail, accounts: &[Account]) -> MailRow {
    // Outside the demo a letter is its addressee's: even its subject may say what an administrator does not see.
    let shown = if app.config.demo { written(app, &mail) } else { None };
    let (badge, detail) = match (mail.sent_at, mail.failed_at) {
        (Some(at), _) if mail.weekly => (State::Ok.badge("Regroupé"), format!("dans le courriel de la semaine, {}", words::moment(at))),
        (Some(at), _) => (State::Ok.badge("Envoyé"), words::moment(at)),
        (_, Some(at)) => (State::No.badge("Abandonné"), format!("{}. {}", words::moment(at), mail.error.unwrap_or_default())),
        _ if mail.weekly => (State::Open.badge("En attente"), "du courriel de la semaine".to_owned()),
        _ if app.config.demo => (State::Open.badge("Non envoyé"), String::new()),
        _ => (State::Todo.badge("En attente"), String::new()),
    };
    MailRow {
        asked: words::moment(mail.created_at),
        to: accounts.iter().find(|a| Some(a.id) == mail.account_id).map(|a| a.name.clone()).unwrap_or_default(),
        address: mail.address,
        href: shown.as_ref().map(|_| format!("/administration/courriels/{}", mail.id)),
        subject: shown.map_or_else(|| kind_name(&mail.kind).to_owned(), |w| w.subject),
        badge,
        detail,
    }
}

/// A letter of the demo; anywhere else there is no such page.
async fn one(app: &App, actor: &Actor, id: &str) -> Result<(Mail, Written, String)> {
    administrator(actor)?;
    let id: MailId = id.parse().map_err(|_| load::absent())?;
    let mail = if app.config.demo { app.store.mail(id).await? } else { None };
    let mail = mail.ok_or_else(load::absent)?;
    let written = written(app, &mail).ok_or_else(load::absent)?;
    let name = match mail.account_id {
        Some(id) => app.store.account(id).await?.map(|a| a.name),
        None => None,
    };
    Ok((mail, written, name.unwrap_or_default()))
}

/// `GET /administration/courriels/{id}`.
pub async fn letter(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let (mail, written, name) = one(&app, &actor, &id).await?;
    let facts = vec![
        ("À".to_owned(), format!("{name} <{}>", mail.address)),
        ("Sujet".to_owned(), written.subject.clone()),
        ("Demandé le".to_owned(), words::moment(mail.created_at)),
    ];
    // Within the hub: the demo may listen on another port than when it was made.
    let base = app.config.base_url();
    let link = written.link.clone().map(|(label, href)| (label, href.strip_prefix(&base).map_or_else(|| href.clone(), str::to_owned)));
    let mut response = render(MailPage {
        page: Page::new("Courriel", who(&actor), "admin").under("Courriels", "/administration/courriels"),
        facts,
        text: written.text(&name)?,
        frame: format!("/administration/courriels/{}/lettre.html", mail.id),
        link,
    })?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAME_CSP));
    Ok(response)
}

/// `GET /administration/courriels/{id}/lettre.html`: the letter's own HTML, for the frame.
pub async fn html(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let (_, written, name) = one(&app, &actor, &id).await?;
    Ok(([(header::CONTENT_SECURITY_POLICY, LETTER_CSP)], Html(written.html(&name)?)).into_response())
}
