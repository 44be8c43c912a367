//! Sites × indicators.

use askama::Template;

use crate::http::view::{Page, Tab};

/// The page.
#[derive(Template)]
#[template(path = "compare.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Compare {
    pub page: Page,
    pub lead: String,
    pub tabs: Vec<Tab>,
    pub base: String,
    pub caption: String,
    pub sorted_by: String,
    pub columns: Vec<CompareColumn>,
    pub rows: Vec<CompareRow>,
    pub pooled: Vec<CompareCell>,
    pub charts: Vec<(String, String, String)>,
}

/// One indicator.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareColumn {
    pub id: String,
    pub label: String,
    pub unit: String,
}

/// One site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareRow {
    pub site: String,
    pub cells: Vec<CompareCell>,
}

/// An estimate and its interval.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CompareCell {
    pub value: String,
    pub interval: String,
    pub key: Option<f64>,
}
