//! Signing in and out.

use askama::Template;

use crate::http::view::{Page, State};

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
