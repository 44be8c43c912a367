//! Errors of pages, in words.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

use super::{
    pages::failure::Failure,
    problem,
    state::signed_in,
    view::{Page, Who},
};
use crate::{app::App, error::Error};

/// An error on its way out of a page.
#[derive(Debug)]
pub struct PageError(pub Error);

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self(Error::internal(error))
    }
}

/// What a page's handler gives.
pub type PageResult<T = Response> = Result<T, PageError>;

/// Renders a page.
pub fn html(template: impl Template) -> PageResult {
    Ok(Html(template.render()?).into_response())
}

/// Title of an error page.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "Connectez-vous",
        403 => "Accès refusé",
        404 => "Page introuvable",
        405 => "Action impossible",
        409 => "La situation a changé",
        413 => "Fichier trop lourd",
        422 | 400 | 415 => "Demande à corriger",
        429 => "Trop de demandes",
        503 => "Service indisponible",
        _ => "Une erreur est survenue",
    }
}

fn render(status: StatusCode, who: Option<Who>, code: &str, message: &str, faults: Vec<crate::error::Fault>) -> Response {
    let page = Failure { page: Page::new(title(status), who, ""), message: message.to_owned(), code: code.to_owned(), faults };
    match page.render() {
        Ok(body) => (status, Html(body)).into_response(),
        Err(_) => (status, message.to_owned()).into_response(),
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        problem::log(&self.0);
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = render(status, None, self.0.code, &self.0.message, self.0.faults.clone());
        response.extensions_mut().insert(Failed { code: self.0.code, message: self.0.message, faults: self.0.faults });
        response
    }
}

/// What went wrong, for [`shape`] to say again under the person's own header.
#[derive(Clone)]
struct Failed {
    code: &'static str,
    message: String,
    faults: Vec<crate::error::Fault>,
}

/// Gives the framework's own refusals the look of all other pages, and every error page the header of the person who is signed in.
pub async fn shape(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let mut response = next.run(request).await;
    let status = response.status();
    if let Some(failed) = response.extensions_mut().remove::<Failed>() {
        return match signed_in(&app, &headers).await {
            None => response,
            who => {
                let mut again = render(status, who, failed.code, &failed.message, failed.faults);
                if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
                    again.headers_mut().insert(header::RETRY_AFTER, wait.clone());
                }
                again
            }
        };
    }
    let is_page = response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (code, message) = problem::framework(status);
    render(status, signed_in(&app, &headers).await, code, message, Vec::new())
}

/// A defect that unwound: said like any other, the cause to the log.
pub fn panicked(cause: Box<dyn std::any::Any + Send + 'static>) -> Response {
    problem::log_panic(&*cause);
    let (code, message) = problem::framework(StatusCode::INTERNAL_SERVER_ERROR);
    render(StatusCode::INTERNAL_SERVER_ERROR, None, code, message, Vec::new())
}
