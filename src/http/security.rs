//! Headers on every answer, and the refusal of forms that come from another site.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::failure::PageError;
use crate::{
    app::App,
    error::{Error, Kind},
};

const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of the report, one self-contained file that carries its own style and runs nothing.
pub const REPORT_CSP: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'; sandbox allow-downloads";

/// The policy of a letter shown in a frame of ours: its own style, nothing else.
pub const LETTER_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";

/// The policy of the page that shows it.
pub const FRAME_CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                             frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers; refuses what a browser says another site sent.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let foreign = request.headers().get("sec-fetch-site").is_some_and(|v| v == "cross-site" || v == "same-site");
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = if writes && foreign && !is_api {
        PageError(Error::new(Kind::Forbidden, "cross_site", "Cette demande vient d'un autre site. Refaites-la depuis Retex."))
            .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(header::CONTENT_SECURITY_POLICY, CSP);
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::REFERRER_POLICY, "same-origin");
    add(header::CACHE_CONTROL, "no-store");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    add(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if app.config.secure_cookies() {
        add(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// What the log says of a request: never its query, nor the secret of a letter's link.
pub fn span(request: &Request) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method(), path = shown(request.uri().path()))
}

fn shown(path: &str) -> &str {
    const LINKS: [&str; 2] = ["/invitation/", "/mot-de-passe/"];
    LINKS.into_iter().find(|link| path.starts_with(link)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_secret_is_in_the_log() {
        assert_eq!(super::shown("/invitation/0123"), "/invitation/");
        assert_eq!(super::shown("/mot-de-passe/0123"), "/mot-de-passe/");
        assert_eq!(super::shown("/depots"), "/depots");
    }
}
