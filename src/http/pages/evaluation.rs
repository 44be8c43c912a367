//! The evaluation, for the officer.

use askama::Template;

use crate::http::view::{Fact, Notice, Page, RexRow, Tab, VerdictRow};

/// The page.
#[derive(Template)]
#[template(path = "evaluation.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct EvaluationPage {
    pub page: Page,
    pub lead: String,
    pub base: String,
    pub tabs: Vec<Tab>,
    pub may_lock: bool,
    pub has_report: bool,
    pub notice: Option<Notice>,
    pub verdicts: Vec<VerdictRow>,
    pub rex: Vec<RexRow>,
    pub missing: Vec<String>,
    pub plan: Vec<Fact>,
}
