//! Errors of the API: `application/problem+json` (RFC 9457), with the stable code and the located faults.

use std::any::Any;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// An error on its way out of the API.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// What the caller reads.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `about:blank`: the status says the type, `code` says which.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// French sentence that says what to do.
    pub detail: String,
    /// Stable English code.
    pub code: String,
    /// Located faults, if the document is what is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultBody>,
}

/// One located fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultBody {
    /// JSON Pointer.
    pub pointer: String,
    /// Stable English code.
    pub code: String,
    /// French sentence.
    pub message: String,
}

/// Writes one problem.
pub fn answer(status: StatusCode, code: &str, detail: &str, faults: Vec<FaultBody>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body =
        ProblemBody { kind: "about:blank", title, status: status.as_u16(), detail: detail.to_owned(), code: code.to_owned(), faults };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        log(&self.0);
        let faults = self.0.faults.into_iter().map(|f| FaultBody { pointer: f.pointer, code: f.code, message: f.message }).collect();
        let status = StatusCode::from_u16(Error::new(self.0.kind, "", "").status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, self.0.code, &self.0.message, faults)
    }
}

/// The cause of a defect goes to the log.
pub fn log(error: &Error) {
    if matches!(error.kind, Kind::Internal | Kind::Unavailable) {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        tracing::error!(code = error.code, cause, "request failed");
    }
}

/// What a panic said goes to the log.
pub fn log_panic(cause: &(dyn Any + Send)) {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(cause = text.unwrap_or_default(), "handler panicked");
}

/// A defect that unwound: said like any other.
pub fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    log_panic(&*cause);
    let (code, detail) = framework(StatusCode::INTERNAL_SERVER_ERROR);
    answer(StatusCode::INTERNAL_SERVER_ERROR, code, detail, Vec::new())
}

/// Gives the framework's own refusals (unknown address, wrong method, unreadable query …) the shape of all others.
pub async fn shape(response: Response) -> Response {
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"application/problem+json"));
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (code, detail) = framework(status);
    let mut shaped = answer(status, code, detail, Vec::new());
    if let Some(allow) = response.headers().get(header::ALLOW) {
        shaped.headers_mut().insert(header::ALLOW, allow.clone());
    }
    shaped
}

/// Code and sentence of a refusal by the framework.
pub fn framework(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::BAD_REQUEST => ("bad_request", "La demande est mal formée\u{a0}: vérifiez l'adresse et les paramètres."),
        StatusCode::FORBIDDEN => ("forbidden", "Vous n'avez pas accès à cette page."),
        StatusCode::NOT_FOUND => ("not_found", "Cette adresse n'existe pas."),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "Cette adresse ne répond pas à cette méthode."),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "Ce qui a été envoyé dépasse la taille permise."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "Le type de contenu envoyé n'est pas celui attendu."),
        StatusCode::UNPROCESSABLE_ENTITY => ("unprocessable", "La demande est bien formée, mais une valeur ne convient pas."),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "La demande a pris trop de temps."),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Le service ne répond pas pour le moment. Réessayez dans quelques minutes."),
        s if s.is_client_error() => ("bad_request", "La demande ne peut pas être traitée."),
        _ => ("internal", "Une erreur interne est survenue. Réessayez\u{a0}; si elle persiste, prévenez l'administrateur."),
    }
}
