//! Signing in and out.

use askama::Template;
use axum::{
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use serde::Deserialize;

use crate::{
    access,
    app::App,
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        state::{Fields, From, Posted, cookie_name, session_cookie, session_token},
        view::{Page, State},
    },
};

/// The form.
#[derive(Template)]
#[template(path = "sign_in.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SignIn {
    pub page: Page,
    pub error: Option<String>,
    pub done: Option<&'static str>,
    pub next: String,
    pub email: String,
}

/// The second step.
#[derive(Template)]
#[template(path = "sign_in_code.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SecondStep {
    pub page: Page,
    pub error: Option<String>,
    pub next: String,
    pub pass: String,
}

/// Where to go afterwards, and what was just done.
#[derive(Debug, Default, Deserialize)]
pub struct Next {
    #[serde(default)]
    suite: String,
    #[serde(default)]
    fait: String,
}

/// `GET /connexion`.
pub async fn form(Query(next): Query<Next>) -> PageResult {
    let done = match next.fait.as_str() {
        "mot-de-passe" => Some("Votre mot de passe est enregistré. Connectez-vous."),
        "deconnexion" => Some("Vous êtes déconnecté."),
        _ => None,
    };
    html(SignIn { page: Page::new("Se connecter", None, ""), error: None, done, next: next.suite, email: String::new() })
}

/// Whether an error is told beside the form.
fn told(error: &Error) -> Option<StatusCode> {
    let beside = matches!(error.kind, Kind::Unauthenticated | Kind::TooMany | Kind::Invalid);
    beside.then(|| StatusCode::from_u16(error.status()).unwrap_or_default())
}

/// `POST /connexion`.
pub async fn sign_in(
    Extract(app): Extract<App>,
    From(origin): From,
    jar: CookieJar,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> PageResult {
    let fields = Fields(fields);
    let (email, next) = (fields.get("email").trim(), fields.get("next"));
    match access::sign_in(&app, email, fields.get("password"), origin).await {
        Ok(access::SignIn::Opened(signed)) => Ok(enter(&app, jar, signed, next)),
        Ok(access::SignIn::SecondStep { pass }) => {
            html(SecondStep { page: Page::new("Second facteur", None, ""), error: None, next: next.to_owned(), pass })
        }
        Err(error) => {
            let Some(status) = told(&error) else { return Err(error.into()) };
            let page = Page::new("Se connecter", None, "");
            let form = html(SignIn { page, error: Some(error.message), done: None, next: next.to_owned(), email: email.to_owned() })?;
            Ok((status, form).into_response())
        }
    }
}

/// `POST /connexion/code`.
pub async fn second_step(
    Extract(app): Extract<App>,
    From(origin): From,
    jar: CookieJar,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> PageResult {
    let fields = Fields(fields);
    let (pass, next) = (fields.get("pass"), fields.get("next"));
    match access::session::second_step(&app, pass, fields.get("code"), origin).await {
        Ok(signed) => Ok(enter(&app, jar, signed, next)),
        Err(error) => {
            let Some(status) = told(&error) else { return Err(error.into()) };
            let form = if error.code == "sign_in_expired" {
                let page = Page::new("Se connecter", None, "");
                html(SignIn { page, error: Some(error.message), done: None, next: next.to_owned(), email: String::new() })?
            } else {
                let page = Page::new("Second facteur", None, "");
                html(SecondStep { page, error: Some(error.message), next: next.to_owned(), pass: pass.to_owned() })?
            };
            Ok((status, form).into_response())
        }
    }
}

/// Goes on with the session's cookie.
pub fn enter(app: &App, jar: CookieJar, signed: access::SignedIn, next: &str) -> Response {
    (jar.add(session_cookie(app, signed.token)), Redirect::to(local(next))).into_response()
}

/// An address of this site only: a path, never another host.
fn local(next: &str) -> &str {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']);
    if plain { next } else { "/" }
}

/// `POST /deconnexion`.
pub async fn sign_out(Extract(app): Extract<App>, headers: HeaderMap, jar: CookieJar, _form: Posted) -> PageResult<Response> {
    if let Some(token) = session_token(&app, &headers) {
        access::sign_out(&app, &token).await?;
    }
    let gone = Cookie::build((cookie_name(&app), "")).path("/").secure(app.config.secure_cookies());
    Ok((jar.remove(gone), Redirect::to("/connexion")).into_response())
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn sign_in_never_leads_elsewhere() {
        assert_eq!(local("/depots?etat=rejected"), "/depots?etat=rejected");
        for elsewhere in ["https://example.org", "//example.org", "/\\example.org", "", "javascript:alert(1)"] {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }
}
