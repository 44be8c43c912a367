//! What handlers ask of a request: who is signed in, a form with its CSRF token, a body that streams.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};

use super::{failure::PageError, limits, problem::Problem, reads, view::Who};
use crate::{
    access,
    access::Actor,
    app::App,
    convention::{perimeter::Role, scope::Verb},
    error::{Error, Kind, Result},
    territory,
};

/// Name of the session's cookie.
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-retex" } else { "retex" }
}

/// The cookie that carries a session.
pub fn session_cookie(app: &App, token: String) -> Cookie<'static> {
    let cookie = Cookie::build((cookie_name(app), token)).path("/").http_only(true).same_site(SameSite::Lax);
    cookie.secure(app.config.secure_cookies()).build()
}

/// The token of the session's cookie.
pub fn session_token(app: &App, headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(cookie_name(app)).map(|c| c.value().to_owned())
}

async fn actor_of_session(app: &App, headers: &HeaderMap) -> Result<Option<Actor>> {
    match session_token(app, headers) {
        Some(token) => access::session(app, &token).await,
        None => Ok(None),
    }
}

/// The signed-in person of a page; anybody else is sent to sign in and comes back.
pub struct Signed(pub Actor);

impl FromRequestParts<App> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match actor_of_session(app, &parts.headers).await {
            Ok(Some(actor)) => {
                reads::signed(&actor);
                limits::by_account(parts, actor.account, false).map_err(|refusal| *refusal)?;
                Ok(Self(actor))
            }
            Ok(None) => {
                let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
                let next = if parts.method == Method::GET && path != "/" { format!("?suite={}", percent(path)) } else { String::new() };
                Err(Redirect::to(&format!("/connexion{next}")).into_response())
            }
            Err(error) => Err(PageError(error).into_response()),
        }
    }
}

/// The caller of the API: a bearer token, or, for reading only, a session.
pub struct Caller(pub Actor);

/// The person or program of the request's token, if it has one.
async fn bearer(parts: &Parts, app: &App) -> Result<Option<Actor>> {
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()?.split_once(' '));
    // RFC 9110: the scheme's case does not matter.
    match bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        Some((_, token)) => access::bearer(app, token.trim()).await.map(Some),
        None => Ok(None),
    }
}

fn unauthenticated() -> Error {
    let message = "Présentez un jeton d'accès\u{a0}: «\u{a0}Authorization: Bearer …\u{a0}».";
    Error::new(Kind::Unauthenticated, "unauthenticated", message)
}

impl Caller {
    async fn of(parts: &Parts, app: &App) -> Result<Actor> {
        if let Some(actor) = bearer(parts, app).await? {
            // What a token is for is also known where no perimeter is asked.
            match (&actor.scope, matches!(parts.method, Method::GET | Method::HEAD)) {
                (Some(scope), true) => scope.allows_verb(Verb::Read)?,
                (Some(scope), false) if scope.verbs.iter().all(|v| *v == Verb::Read) => scope.allows_verb(Verb::Write)?,
                _ => {}
            }
            return Ok(actor);
        }
        if matches!(parts.method, Method::GET | Method::HEAD)
            && let Some(actor) = actor_of_session(app, &parts.headers).await?
        {
            return Ok(actor);
        }
        Err(unauthenticated())
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let actor = Self::of(parts, app).await;
        admitted(parts, actor).map(Self)
    }
}

/// Whoever asks the API, noted for the trail of reads and held to their share of demands.
#[expect(clippy::result_large_err, reason = "an extractor's refusal is an answer")]
fn admitted(parts: &Parts, actor: Result<Actor>) -> Result<Actor, Response> {
    let actor = actor.map_err(|error| Problem(error).into_response())?;
    reads::signed(&actor);
    limits::by_account(parts, actor.account, true).map_err(|refusal| *refusal)?;
    Ok(actor)
}

/// Whoever sends a file piece by piece: a token that may deposit, or a session whose page gives the CSRF token in `X-CSRF-Token`.
pub struct Sender(pub Actor);

impl Sender {
    async fn of(parts: &Parts, app: &App) -> Result<Actor> {
        if let Some(actor) = bearer(parts, app).await? {
            if let Some(scope) = &actor.scope {
                scope.allows_verb(Verb::Deposit)?;
            }
            return Ok(actor);
        }
        let actor = actor_of_session(app, &parts.headers).await?.ok_or_else(unauthenticated)?;
        if parts.method != Method::HEAD {
            let sent = parts.headers.get("x-csrf-token").and_then(|v| v.to_str().ok()).unwrap_or_default();
            check_csrf(&actor, sent)?;
        }
        Ok(actor)
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let actor = Self::of(parts, app).await;
        admitted(parts, actor).map(Self)
    }
}

/// Where the request comes from, for counting tries and for the list of sessions.
pub struct From(pub access::Origin);

impl FromRequestParts<App> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<limits::Address>().map(|limits::Address(a)| a.to_string()).unwrap_or_default();
        let device = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).and_then(device);
        Ok(Self(access::Origin { address, device }))
    }
}

/// «Firefox, Windows»: what a browser says it is, in a few words that its owner recognises.
fn device(agent: &str) -> Option<String> {
    // The first that fits: most browsers also name those that they descend from.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chromium/", "Chromium"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] =
        [("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux")];
    let of = |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (of(&BROWSERS), of(&SYSTEMS)) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
    }
}

/// The fields of a form, in order.
#[derive(Debug, Clone, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// Value of a field; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
}

/// A form sent by the signed-in person, whose CSRF token is the session's.
pub struct Posted(pub Actor, pub Fields);

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Signed(actor) = Signed::from_request_parts(&mut parts, app).await?;
        let form = axum::Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), app).await;
        let fields = Fields(form.map_err(IntoResponse::into_response)?.0);
        check_csrf(&actor, fields.get("csrf")).map_err(|e| PageError(e).into_response())?;
        Ok(Self(actor, fields))
    }
}

/// Refuses a form that this session did not draw.
pub fn check_csrf(actor: &Actor, sent: &str) -> Result<()> {
    // Compared through their hashes, so that the time taken says nothing of the token.
    use sha2::{Digest, Sha256};
    if Sha256::digest(sent) == Sha256::digest(&actor.csrf) && !actor.csrf.is_empty() {
        Ok(())
    } else {
        Err(Error::new(Kind::Forbidden, "csrf", "Ce formulaire a expiré. Revenez à la page précédente, rechargez-la, puis recommencez."))
    }
}

/// The error of a file over the limit.
pub fn too_large(limit: u64) -> Error {
    let limit = super::words::bytes(limit);
    Error::new(
        Kind::TooLarge,
        "too_large",
        format!("Le fichier dépasse {limit}. Découpez-le par période, ou demandez un relèvement de la limite."),
    )
}

/// The person for the header.
pub fn who(actor: &Actor) -> Option<Who> {
    let organisation = actor.site.as_ref().map_or("Métropole du Grand Paris".to_owned(), |site| {
        territory::by_siren(site).map_or_else(|| site.to_string(), |o| o.name.to_owned())
    });
    Some(Who { name: actor.name.clone(), organisation, role: role_code(actor.role).to_owned(), csrf: actor.csrf.clone() })
}

/// The person for the header of a page that is for everybody; none if nobody is signed in.
pub async fn signed_in(app: &App, headers: &HeaderMap) -> Option<Who> {
    who(&actor_of_session(app, headers).await.ok()??)
}

/// Escapes what has a meaning in a query.
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The stable English code of a role.
pub fn role_code(role: Role) -> &'static str {
    match role {
        Role::Contributor => "contributor",
        Role::Signatory => "signatory",
        Role::Analyst => "analyst",
        Role::Officer => "officer",
        Role::DataProtectionOfficer => "data_protection_officer",
        Role::Administrator => "administrator",
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_said_in_two_words() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0";
        assert_eq!(device(edge).as_deref(), Some("Edge, Windows"));
        let iphone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1";
        assert_eq!(device(iphone).as_deref(), Some("Safari, iPhone"));
        assert_eq!(device("curl/8.5"), None);
    }
}
