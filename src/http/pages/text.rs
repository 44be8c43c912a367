//! Règlement, accessibility, personal data.

use askama::Template;

use crate::http::view::{Page};

/// The page.
#[derive(Template)]
#[template(path = "text.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TextPage {
    pub page: Page,
    pub body: String,
}
