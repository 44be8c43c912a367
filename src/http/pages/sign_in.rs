//! Signing in and out.

use askama::Template;
use axum::{
    Extension,
    extract::{ConnectInfo, Query, State as Extract},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;
use std::net::SocketAddr;

use crate::{
    access,
    app::App,
    error::Kind,
    http::{
        failure::{PageResult, html},
        state::{Fields, Posted, cookie_name, session_token},
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
    pub next: String,
    pub email: String,
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Next {
    #[serde(default)]
    suite: String,
}

/// `GET /connexion`.
pub async fn form(Query(next): Query<Next>) -> PageResult {
    html(SignIn { page: Page::new("Se connecter", None, ""), error: None, next: next.suite, email: String::new() })
}

/// `POST /connexion`.
pub async fn sign_in(
    Extract(app): Extract<App>,
    address: Option<Extension<ConnectInfo<SocketAddr>>>,
    jar: CookieJar,
    axum::Form(fields): axum::Form<Vec<(String, String)>>,
) -> PageResult {
    let fields = Fields(fields);
    let address = address.map(|Extension(ConnectInfo(a))| a.ip().to_string()).unwrap_or_default();
    let email = fields.get("email").trim();
    match access::sign_in(&app, email, fields.get("password"), &address).await {
        Ok(signed) => {
            let cookie = Cookie::build((cookie_name(&app), signed.token))
                .path("/")
                .http_only(true)
                .same_site(SameSite::Lax)
                .secure(app.config.secure_cookies());
            Ok((jar.add(cookie), Redirect::to(local(fields.get("next")))).into_response())
        }
        Err(error) if matches!(error.kind, Kind::Unauthenticated | Kind::TooMany | Kind::Invalid) => {
            let status = axum::http::StatusCode::from_u16(error.status()).unwrap_or_default();
            let page = Page::new("Se connecter", None, "");
            let form = html(SignIn { page, error: Some(error.message), next: fields.get("next").to_owned(), email: email.to_owned() })?;
            Ok((status, form).into_response())
        }
        Err(error) => Err(error.into()),
    }
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
