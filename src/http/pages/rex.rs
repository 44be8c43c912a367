//! The retour d'expérience of a site.

use askama::Template;

use crate::evaluation::rex::QuestionKind;
use crate::http::view::{Markup, Notice, Page};

/// The page.
#[derive(Template)]
#[template(path = "rex.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct RexPage {
    pub page: Page,
    pub site: String,
    pub experiment: String,
    pub badge: Markup,
    pub notice: Option<Notice>,
    pub editable: bool,
    pub action: String,
    pub csrf: String,
    pub sections: Vec<SectionView>,
    pub due: String,
}

/// One section.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SectionView {
    pub id: String,
    pub title: String,
    pub progress: String,
    pub questions: Vec<QuestionView>,
}

/// One question and its answer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct QuestionView {
    pub id: String,
    pub kind: QuestionKind,
    pub label: String,
    pub required: bool,
    pub help: Option<String>,
    pub value: String,
    pub shown: String,
    pub options: Vec<(String, String, bool)>,
}
