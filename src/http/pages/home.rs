//! «À faire»: what is due, when, and one click to do it.

use askama::Template;

use crate::http::view::{DepositRow, ExperimentRow, Markup, Page};

/// The page.
#[derive(Template)]
#[template(path = "home.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Home {
    pub page: Page,
    pub lead: String,
    pub act: Option<String>,
    pub figures: Vec<(String, String)>,
    pub tasks: Vec<Task>,
    pub tasks_more: usize,
    pub nothing: String,
    pub experiments: Vec<ExperimentRow>,
    pub contributor: bool,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
}

/// One thing to do.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Task {
    pub what: String,
    pub context: String,
    pub badge: Markup,
    pub date: String,
    pub href: String,
    pub act: String,
}
