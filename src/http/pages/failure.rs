//! What a person sees when something went wrong.

use askama::Template;

use crate::error::Fault;
use crate::http::view::Page;

/// The page.
#[derive(Template)]
#[template(path = "error.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Failure {
    pub page: Page,
    pub message: String,
    pub code: String,
    pub faults: Vec<Fault>,
}
