//! One experiment: verdicts, coverage, deposits, REX.

use askama::Template;

use crate::http::view::{DepositRow, Fact, Matrix, Page, RexRow, State, Tab, VerdictRow};

/// The page.
#[derive(Template)]
#[template(path = "experiment.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Experiment {
    pub page: Page,
    pub summary: Option<String>,
    pub act: Option<(String, String)>,
    pub tabs: Vec<Tab>,
    pub show_results: bool,
    pub results_title: String,
    pub results_note: Option<String>,
    pub verdicts: Vec<VerdictRow>,
    pub facts: Vec<Fact>,
    pub reports: Vec<(String, String)>,
    pub matrices: Vec<Matrix>,
    pub deposits: Vec<DepositRow>,
    pub show_site: bool,
    pub deposits_href: String,
    pub rex: Vec<RexRow>,
}
