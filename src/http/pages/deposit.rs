//! One deposit: progress, then receipt or faults.

use askama::Template;

use crate::http::view::{Fact, Notice, Page};

/// The page.
#[derive(Template)]
#[template(path = "deposit.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DepositPage {
    pub page: Page,
    pub file: String,
    pub dataset: String,
    pub period: String,
    pub site: String,
    pub act: Option<(String, String)>,
    pub report_href: Option<String>,
    pub withdraw_href: Option<String>,
    pub running: bool,
    pub events_href: String,
    pub steps: Vec<(String, String)>,
    pub notice: Option<Notice>,
    pub groups_title: String,
    pub groups: Vec<FaultGroup>,
    pub read: Vec<Fact>,
    pub columns: Vec<ColumnSummary>,
    pub warnings: Vec<String>,
    pub receipt: Vec<Fact>,
    pub sha256: Option<String>,
    pub seen: Vec<String>,
}

/// All faults of one rule.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct FaultGroup {
    pub warning: bool,
    pub title: String,
    pub count: String,
    pub has_expected: bool,
    pub has_suggestion: bool,
    pub cells: Vec<FaultCell>,
    pub more: Option<String>,
}

/// One faulty cell.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct FaultCell {
    pub place: String,
    pub value: String,
    pub message: String,
    pub expected: String,
    pub suggestion: String,
}

/// What a column holds.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ColumnSummary {
    pub name: String,
    pub kind: String,
    pub nulls: String,
    pub min: String,
    pub max: String,
}
