//! Signing in and out.

use askama::Template;
use axum::{
    extract::{Query, State as Extract},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;

use crate::{
    access,
    app::App,
    error::{Error, Kind},
    http::{
        failure::{PageResult, html},
        state::{Fields, From, Posted, cookie_name, percent, session_cookie, session_token},
        view::{Page, State},
    },
};

/// The form.
#[derive(Template)]
#[template(path = "sign_in.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SignIn {
    pub page: Page,
    /// Where the provider is gone to, if there is one.
    pub provider: Option<String>,
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
pub async fn form(Extract(app): Extract<App>, Query(next): Query<Next>) -> PageResult {
    let done = match next.fait.as_str() {
        "mot-de-passe" => Some("Votre mot de passe est enregistré. Connectez-vous."),
        "deconnexion" => Some("Vous êtes déconnecté."),
        _ => None,
    };
    html(SignIn { done, ..blank(&app, &next.suite, None) })
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
        Ok(access::SignIn::Opened(signed)) => Ok(enter(&app, jar, *signed, next)),
        Ok(access::SignIn::SecondStep { pass }) => {
            html(SecondStep { page: Page::new("Second facteur", None, ""), error: None, next: next.to_owned(), pass })
        }
        Err(error) => {
            let Some(status) = told(&error) else { return Err(error.into()) };
            let form = html(SignIn { email: email.to_owned(), ..blank(&app, next, Some(error.message)) })?;
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
                html(blank(&app, next, Some(error.message)))?
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

/// The last page before the provider's own.
#[derive(Template)]
#[template(path = "sign_out.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SignOut {
    pub page: Page,
    pub url: String,
}

/// `POST /deconnexion`.
pub async fn sign_out(Extract(app): Extract<App>, headers: HeaderMap, jar: CookieJar, _form: Posted) -> PageResult<Response> {
    let elsewhere = match session_token(&app, &headers) {
        Some(token) => access::openid::sign_out(&app, &token).await?,
        None => None,
    };
    let gone = Cookie::build((cookie_name(&app), "")).path("/").secure(app.config.secure_cookies());
    let jar = jar.remove(gone);
    match elsewhere {
        None => Ok((jar, Redirect::to("/connexion?fait=deconnexion")).into_response()),
        // A page between, for the policy keeps forms from leading to another site.
        Some(url) => {
            let refresh = [(header::REFRESH, format!("0; url={url}"))];
            Ok((jar, refresh, html(SignOut { page: Page::new("Déconnexion", None, ""), url })?).into_response())
        }
    }
}

/// Cookie that binds the provider's answer to the browser that asked.
fn provider_cookie(app: &App, value: String) -> Cookie<'static> {
    let name = if app.config.secure_cookies() { "__Host-retex-oidc" } else { "retex-oidc" };
    // Lax: it comes back with the provider's redirect.
    let cookie = Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax);
    cookie.secure(app.config.secure_cookies()).build()
}

/// `GET /connexion/proconnect`.
pub async fn provider(Extract(app): Extract<App>, From(origin): From, Query(next): Query<Next>, jar: CookieJar) -> PageResult {
    let begun = access::openid::begin(&app, &origin, local(&next.suite)).await?;
    Ok((jar.add(provider_cookie(&app, begun.cookie)), Redirect::to(&begun.url)).into_response())
}

/// What the provider sends back.
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
}

/// `GET /connexion/proconnect/retour`.
pub async fn provider_answer(Extract(app): Extract<App>, From(origin): From, Query(answer): Query<Answer>, jar: CookieJar) -> PageResult {
    let mut spent = provider_cookie(&app, String::new());
    let secret = jar.get(spent.name()).map(|c| c.value().to_owned()).unwrap_or_default();
    spent.make_removal();
    let jar = jar.add(spent);
    match access::openid::finish(&app, &answer.state, &secret, answer.code.as_deref(), origin).await {
        Ok((access::SignIn::Opened(signed), next)) => Ok(enter(&app, jar, *signed, &next)),
        Ok((access::SignIn::SecondStep { pass }, next)) => {
            Ok((jar, html(SecondStep { page: Page::new("Second facteur", None, ""), error: None, next, pass })?).into_response())
        }
        Err(error) if matches!(error.kind, Kind::Unauthenticated | Kind::Forbidden) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, jar, html(blank(&app, "", Some(error.message)))?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The form with nothing in it yet.
fn blank(app: &App, next: &str, error: Option<String>) -> SignIn {
    SignIn {
        page: Page::new("Se connecter", None, ""),
        provider: app.openid.as_ref().map(|_| provider_address(next)),

        error,
        done: None,
        next: next.to_owned(),
        email: String::new(),
    }
}

fn provider_address(next: &str) -> String {
    if next.is_empty() { "/connexion/proconnect".to_owned() } else { format!("/connexion/proconnect?suite={}", percent(next)) }
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
