//! Asks before an act that cannot be undone.

use askama::Template;

use crate::http::view::{Page, State};

/// The page.
#[derive(Template)]
#[template(path = "confirm.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Confirm {
    pub page: Page,
    pub consequences: Vec<String>,
    pub action: String,
    pub csrf: String,
    pub reason: Option<String>,
    pub style: &'static str,
    pub act: String,
    pub back: String,
}
