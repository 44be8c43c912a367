//! The convention, readable.

use askama::Template;

use crate::http::view::{Fact, Page, Tab};

/// The page.
#[derive(Template)]
#[template(path = "convention.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ConventionPage {
    pub page: Page,
    pub title: String,
    pub version: i64,
    pub base: String,
    pub tabs: Vec<Tab>,
    pub summary: Option<String>,
    pub datasets: Vec<DatasetView>,
    pub uses: Vec<(String, String, String)>,
    pub plan: Vec<Fact>,
    pub indicators: Vec<IndicatorView>,
    pub facts: Vec<Fact>,
    pub parties: Vec<String>,
    pub sha256: String,
}

/// One dataset.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct DatasetView {
    pub name: String,
    pub title: String,
    pub description: Option<String>,
    pub rhythm: String,
    pub columns: Vec<ColumnView>,
    pub rules: Vec<String>,
}

/// One column.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ColumnView {
    pub name: String,
    pub title: Option<String>,
    pub kind: String,
    pub expected: String,
    pub required: String,
    pub personal: String,
}

/// One indicator of the plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct IndicatorView {
    pub title: String,
    pub role: String,
    pub measure: String,
    pub better: String,
    pub target: String,
}
