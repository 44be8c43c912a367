//! Where the links of letters lead: the first password, another one.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};

use crate::{
    access::invitation::{self, Link},
    app::App,
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        state::{Fields, From},
        view::{Page, State},
    },
};

/// Where a password is chosen.
#[derive(Template)]
#[template(path = "password.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Choose {
    pub page: Page,
    pub intro: String,
    pub action: String,
    pub email: String,
    pub error: Option<String>,
}

/// Where a link is asked for.
#[derive(Template)]
#[template(path = "forgot.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Forgot {
    pub page: Page,
    pub sent: bool,
}

/// `GET /invitation/{secret}`.
pub async fn invitation(Extract(app): Extract<App>, Path(secret): Path<String>) -> PageResult {
    draw(&app, Link::Invitation, &secret, None).await
}

/// `GET /mot-de-passe/{secret}`.
pub async fn reset(Extract(app): Extract<App>, Path(secret): Path<String>) -> PageResult {
    draw(&app, Link::Reset, &secret, None).await
}

async fn draw(app: &App, link: Link, secret: &str, error: Option<String>) -> PageResult {
    let account = invitation::whose(app, link, secret).await?;
    let (title, intro, path) = match link {
        Link::Invitation => ("Bienvenue", format!("{}, choisissez le mot de passe de votre compte.", account.name), "invitation"),
        Link::Reset => {
            ("Nouveau mot de passe", "Choisissez un nouveau mot de passe. Vos sessions ouvertes se ferment.".to_owned(), "mot-de-passe")
        }
    };
    html(Choose { page: Page::new(title, None, ""), intro, action: format!("/{path}/{secret}"), email: account.email, error })
}

/// `POST /invitation/{secret}`.
pub async fn accept(Extract(app): Extract<App>, Path(secret): Path<String>, form: axum::Form<Vec<(String, String)>>) -> PageResult {
    choose(&app, Link::Invitation, &secret, Fields(form.0)).await
}

/// `POST /mot-de-passe/{secret}`.
pub async fn renew(Extract(app): Extract<App>, Path(secret): Path<String>, form: axum::Form<Vec<(String, String)>>) -> PageResult {
    choose(&app, Link::Reset, &secret, Fields(form.0)).await
}

/// No session draws this form, so it has no CSRF token: its secret is the link itself, which no other site knows.
async fn choose(app: &App, link: Link, secret: &str, fields: Fields) -> PageResult {
    let chosen = fields.get("password");
    let outcome = if chosen == fields.get("again") {
        invitation::choose(app, link, secret, chosen).await
    } else {
        Err(Error::invalid("password_differs", "Les deux mots de passe diffèrent. Tapez deux fois le même."))
    };
    match outcome {
        Ok(()) => Ok(Redirect::to("/connexion?fait=mot-de-passe").into_response()),
        Err(error) if error.kind == Kind::Invalid => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, draw(app, link, secret, Some(error.message)).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /mot-de-passe`.
pub async fn forgot() -> PageResult {
    html(Forgot { page: Page::new("Mot de passe oublié", None, ""), sent: false })
}

/// `POST /mot-de-passe`. The answer is the same, and as quick, whether there is such an account or not: the letter is seen to afterwards.
pub async fn ask(Extract(app): Extract<App>, From(origin): From, form: axum::Form<Vec<(String, String)>>) -> PageResult {
    let email = Fields(form.0).get("email").to_owned();
    tokio::spawn(async move {
        if let Err(error) = invitation::forgot(&app, &email, &origin.address).await {
            tracing::warn!(code = error.code, cause = ?std::error::Error::source(&error), "no letter for a new password");
        }
    });
    html(Forgot { page: Page::new("Mot de passe oublié", None, ""), sent: true })
}
