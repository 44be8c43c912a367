//! Reports: one view → HTML and PDF.

mod build;

pub use build::{Built, Format, build};

use crate::{
    convention::Convention,
    error::Result,
    evaluation::{result::Evaluation, rex::Answers},
};

/// Everything that a report shows, ready to be laid out.
pub struct View {}

/// Builds the view of the evaluation report. `rejected` names files that were left out, with the reason.
pub fn view(_convention: &Convention, _evaluation: &Evaluation, _rex: &[Answers], _rejected: &[String]) -> View {
    todo!()
}

impl View {
    /// One self-contained HTML file.
    pub fn html(&self) -> Result<String> {
        todo!()
    }

    /// PDF/UA-1. The same view gives the same bytes.
    pub fn pdf(&self) -> Result<Vec<u8>> {
        todo!()
    }
}
