//! The form that sends a file.

use askama::Template;

use crate::http::view::{Page, State};

/// The page.
#[derive(Template)]
#[template(path = "deposit_new.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct NewDepositPage {
    pub page: Page,
    pub experiment: String,
    pub error: Option<String>,
    pub csrf: String,
    pub choices: Vec<(String, Vec<Choice>)>,
    pub sites: Vec<(String, String, bool)>,
    pub max: String,
    pub expected: String,
    pub columns: Vec<super::convention::ColumnView>,
    pub template_href: String,
}

/// A dataset and period that may be sent.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}
