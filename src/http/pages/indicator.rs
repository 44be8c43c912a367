//! One indicator: forest plot, tables, method, provenance.

use askama::Template;

use crate::http::view::{Fact, Notice, Page, State, Tab};

/// The page.
#[derive(Template)]
#[template(path = "indicator.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct IndicatorPage {
    pub page: Page,
    pub experiment: String,
    pub role: String,
    pub json_href: String,
    pub tabs: Vec<Tab>,
    pub verdict: Notice,
    pub chart: Option<String>,
    pub caption: String,
    pub table_caption: String,
    pub treated: String,
    pub control: String,
    pub interval_label: String,
    pub rows: Vec<SiteRow>,
    pub pooled: Vec<(String, String, String)>,
    pub heterogeneity: Vec<Fact>,
    pub warnings: Vec<String>,
    pub statistic: String,
    pub groups: Vec<GroupRow>,
    pub method: Vec<Fact>,
    pub formulas: Vec<Fact>,
    pub provenance: Vec<Fact>,
    pub files_title: String,
    pub files: Vec<(String, String, String, String, String)>,
}

/// One site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SiteRow {
    pub site: String,
    pub n1: String,
    pub n0: String,
    pub m1: String,
    pub m0: String,
    pub effect: String,
    pub interval: String,
    pub weight: String,
    pub reason: Option<String>,
}

/// One group of a site.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct GroupRow {
    pub site: String,
    pub arm: String,
    pub period: String,
    pub n: String,
    pub missing: String,
    pub value: String,
    pub interval: String,
    pub sd: String,
}
