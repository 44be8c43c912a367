//! The list of experiments.

use askama::Template;

use crate::http::view::{ExperimentRow, Page};

/// The page.
#[derive(Template)]
#[template(path = "experiments.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Experiments {
    pub page: Page,
    pub count: String,
    pub experiments: Vec<ExperimentRow>,
}
