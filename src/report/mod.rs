//! Reports: one view → HTML and PDF.
//!
//! [`view`] turns a convention, its evaluation and the REX into words and figures that are ready to be laid out; [`View::html`]
//! and [`View::pdf`] lay out the same view. Nothing is computed here: the numbers are those of the evaluation.

pub mod agreed;
mod bordereau;
mod build;
pub mod charts;
pub mod comparison;
pub mod describe;
pub mod french;
pub mod given;
mod html;
pub mod paper;
mod pdf;
pub mod scale;
pub mod sentence;
pub mod signing;
mod view;

use serde::Serialize;

pub use self::{
    bordereau::bordereau,
    build::{Built, Format, build},
    view::view,
};
use crate::{error::Result, evaluation::result::IndicatorResult, report::charts::Table};

/// Everything that a report shows, ready to be laid out.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Title of the experiment.
    pub title: String,
    /// Name of its track.
    pub track: String,
    /// What is tried.
    pub summary: Option<String>,
    /// «du 5 janvier au 30 juin 2026».
    pub period: String,
    /// Whether verdicts are provisional.
    pub is_final: bool,
    /// What the reader should know of the state of the report, in a sentence.
    pub state: String,
    /// What was tried, with whom: term and text.
    pub facts: Vec<Fact>,
    /// The sites.
    pub sites: Vec<Party>,
    /// What was received.
    pub received: Received,
    /// One per indicator of the plan.
    pub indicators: Vec<IndicatorView>,
    /// The REX, by section; none when no answer was received.
    pub rex: Vec<RexSection>,
    /// Who answered, in a sentence.
    pub rex_summary: String,
    /// The method, in words: term and text.
    pub method: Vec<Fact>,
    /// What the report was made from.
    pub provenance: Provenance,
    /// The results behind the charts.
    #[serde(skip)]
    results: Vec<IndicatorResult>,
}

/// A term and what is said of it.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// What it is about.
    pub term: String,
    /// What is said.
    pub text: String,
}

/// A party of the convention.
#[derive(Debug, Clone, Serialize)]
pub struct Party {
    /// Its label or official name.
    pub name: String,
    /// «Commune, Seine-Saint-Denis» and the like: what kind of organisation it is.
    pub kind: String,
    /// Its SIREN, in groups of three.
    pub siren: String,
}

/// What was received.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// How much, in a sentence.
    pub summary: String,
    /// Titles of the datasets: the columns after the site's name.
    pub datasets: Vec<String>,
    /// One per site of the convention.
    pub rows: Vec<ReceivedRow>,
    /// Files that were left out, with the reason.
    pub rejected: Vec<String>,
}

/// What a site sent.
#[derive(Debug, Clone, Serialize)]
pub struct ReceivedRow {
    /// The site.
    pub site: String,
    /// One per dataset.
    pub cells: Vec<ReceivedCell>,
}

/// What a site sent for a dataset.
#[derive(Debug, Clone, Serialize)]
pub struct ReceivedCell {
    /// `whole`, `partial` or `none`.
    pub state: &'static str,
    /// «✓», «◔» or «✗», so that colour is not alone to say it.
    pub mark: &'static str,
    /// «6 fichiers, 1 284 lignes» or «Rien reçu».
    pub text: String,
    /// «Manque : avril 2026», or the periods where none is missing.
    pub detail: String,
}

/// One indicator.
#[derive(Debug, Clone, Serialize)]
pub struct IndicatorView {
    /// Identifier of its part of the page.
    pub anchor: String,
    /// Its title.
    pub label: String,
    /// More words on what it means.
    pub description: Option<String>,
    /// Whether it carries a conclusion.
    pub is_primary: bool,
    /// Code of the verdict.
    pub verdict: &'static str,
    /// The verdict in words.
    pub verdict_label: &'static str,
    /// The mark that shows it without colour.
    pub verdict_mark: &'static str,
    /// The conclusion, in sentences.
    pub conclusion: String,
    /// Pooled estimate with its unit.
    pub estimate: Option<String>,
    /// Its interval.
    pub interval: Option<String>,
    /// «intervalle à 95 %».
    pub interval_name: String,
    /// The target, in words.
    pub target: Option<String>,
    /// Whether the conclusion already says the target.
    pub concludes: bool,
    /// What a new site may expect, how much sites differ: sentences.
    pub notes: Vec<String>,
    /// Things that a reader should know.
    pub warnings: Vec<String>,
    /// What the chart shows, for those who do not see it.
    pub chart_description: String,
    /// The chart's text alternative.
    pub table: Table,
}

/// A section of the questionnaire.
#[derive(Debug, Clone, Serialize)]
pub struct RexSection {
    /// Its title.
    pub title: String,
    /// Its questions.
    pub questions: Vec<RexQuestion>,
}

/// A question, with the answers side by side.
#[derive(Debug, Clone, Serialize)]
pub struct RexQuestion {
    /// The question.
    pub label: String,
    /// Whether answers are short (a number, a choice), and fit in a line.
    pub short: bool,
    /// One per site that answered it, in the convention's order.
    pub answers: Vec<RexAnswer>,
    /// Sites that sent a REX and left this question out.
    pub silent: Option<String>,
}

/// A site's answer.
#[derive(Debug, Clone, Serialize)]
pub struct RexAnswer {
    /// Who.
    pub site: String,
    /// As written, one per paragraph.
    pub paragraphs: Vec<Paragraph>,
}

/// A paragraph of an answer.
#[derive(Debug, Clone, Serialize)]
pub struct Paragraph {
    /// As written.
    pub text: String,
    /// Whether it is written from right to left.
    pub rtl: bool,
}

/// What the report was made from.
#[derive(Debug, Clone, Serialize)]
pub struct Provenance {
    /// Convention, version, hash, program: term and text.
    pub facts: Vec<Fact>,
    /// The deposits that counted.
    pub deposits: Vec<DepositLine>,
    /// What computes the same again.
    pub command: String,
}

/// One deposit that counted.
#[derive(Debug, Clone, Serialize)]
pub struct DepositLine {
    /// Who sent it.
    pub site: String,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    pub period: String,
    /// Rows that counted.
    pub rows: String,
    /// Of the file as sent.
    pub sha256: String,
}

impl View {
    /// One self-contained HTML file.
    pub fn html(&self) -> Result<String> {
        html::render(self)
    }

    /// PDF/UA-1. The same view gives the same bytes.
    ///
    /// Characters that no embedded font holds (emoji, some scripts) are printed as «▢», and the report says so.
    pub fn pdf(&self) -> Result<Vec<u8>> {
        pdf::render(self)
    }
}
