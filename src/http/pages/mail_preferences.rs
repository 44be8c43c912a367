//! Which letters the signed-in person wants.

use askama::Template;
use axum::{
    extract::{Query, State as Extract},
    response::{IntoResponse, Redirect},
};
use serde::Deserialize;

use crate::{
    app::App,
    http::{
        failure::{PageResult, html},
        state::{Posted, Signed, who},
        view::{Notice, Page, State},
    },
    mail::preferences::{self, CHOICES},
    store::mails::Delivery,
};

/// The page.
#[derive(Template)]
#[template(path = "mail_preferences.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct MailPreferences {
    pub page: Page,
    pub csrf: String,
    pub email: String,
    pub notice: Option<Notice>,
    pub rows: Vec<ChoiceRow>,
}

/// One kind of letter.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ChoiceRow {
    pub kind: &'static str,
    pub label: &'static str,
    /// Value, words, whether it is chosen.
    pub options: Vec<(&'static str, &'static str, bool)>,
}

/// Whether the page answers a form.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    #[serde(default)]
    fait: Option<String>,
}

/// `GET /compte/courriels`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed, Query(done): Query<Done>) -> PageResult {
    let row = |(choice, chosen): (preferences::Choice, Delivery)| {
        let all = [(Delivery::Immediate, "Aussitôt"), (Delivery::Weekly, "Une fois par semaine"), (Delivery::Never, "Jamais")];
        let options = all.into_iter().filter(|(d, _)| choice.weekly || *d != Delivery::Weekly);
        ChoiceRow { kind: choice.kind, label: choice.label, options: options.map(|(d, label)| (d.name(), label, d == chosen)).collect() }
    };
    html(MailPreferences {
        page: Page::new("Mes courriels", who(&actor), "").under("Mon compte", "/compte"),
        csrf: actor.csrf.clone(),
        email: actor.email.clone(),
        notice: done.fait.map(|_| Notice::new(State::Ok, "Vos choix sont enregistrés", Vec::new())),
        rows: preferences::chosen(&app, actor.account).await?.into_iter().map(row).collect(),
    })
}

/// `POST /compte/courriels`.
pub async fn choose(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    let mut wanted = Vec::new();
    for choice in CHOICES {
        let value = fields.get(choice.kind);
        if !value.is_empty() {
            wanted.push((choice.kind.to_owned(), value.parse::<Delivery>()?));
        }
    }
    preferences::choose(&app, actor.account, &wanted).await?;
    Ok(Redirect::to("/compte/courriels?fait=1").into_response())
}
