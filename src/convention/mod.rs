//! The convention: what a site sends, how it is checked, what may be done with it, and what is computed from it.

pub mod agreement;
mod allow;
mod canonical;
mod checks;
pub mod column;
pub mod difference;
pub mod document;
pub mod draft;
pub mod expression;
mod functions;
mod incomplete;
mod load;
mod messages;
pub mod model;
pub mod perimeter;
pub mod personal;
mod plan;
pub mod processing;
pub mod register;
pub mod rules;
pub mod scope;
mod source;
mod typing;
mod validate;
pub mod witness;

use std::path::Path;

use indexmap::IndexMap;
use serde_json::Value as Json;

use self::{document::Document, expression::Expression, rules::Rules};
pub use self::{
    incomplete::faults as draft_faults,
    plan::{DURATION_UNITS, allowed_effects},
    validate::SCHEMA,
};
use crate::{error::Result, ids::Siren, territory};

/// A convention that passed every check: its document, its hash, and what was compiled from it.
pub struct Convention {
    /// The document as data.
    pub document: Document,
    /// The document as JSON, `$ref`s replaced by what they name.
    pub json: Json,
    /// SHA-256 (hex) of the canonical JSON without the provider: what parties sign.
    pub sha256: String,
    /// Compiled row rules, per dataset, in the document's order.
    pub rules: IndexMap<String, Rules>,
    /// Compiled expressions, one per indicator of the plan, in its order.
    pub indicators: Vec<IndicatorExpressions>,
}

/// The compiled expressions of one indicator, each with the dataset that it reads.
pub struct IndicatorExpressions {
    /// Dataset of the value.
    pub dataset: String,
    /// None for `count`.
    pub value: Option<Expression>,
    /// Rows where it is not true are left out.
    pub filter: Option<Expression>,
    /// Denominator of a ratio.
    pub per: Option<PerExpressions>,
}

/// The compiled denominator of a ratio.
pub struct PerExpressions {
    /// Dataset of the denominator; the same as the value's when it is on the same row.
    pub dataset: String,
    /// Whether it is on the same rows as the value (`per: "sql"`), so that rows pair.
    pub same_row: bool,
    /// None for a count.
    pub value: Option<Expression>,
    /// Rows where it is not true are left out.
    pub filter: Option<Expression>,
}

impl Convention {
    /// Reads a convention from a JSON or YAML file; a `$ref` to a relative path, as a dataset's schema or as the questionnaire,
    /// is read from the file's folder and nowhere else.
    ///
    /// # Errors
    /// `convention_unreadable`, `convention_too_large`, `convention_syntax`, or `convention_invalid` with every fault found.
    pub fn load_file(path: &Path) -> Result<Self> {
        load::file(path)
    }

    /// Reads a self-contained convention, as the hub keeps it.
    ///
    /// # Errors
    /// `convention_invalid` with every fault found; a `$ref` to a file is one.
    pub fn from_json(json: Json) -> Result<Self> {
        load::json(json)
    }

    /// Reads a JSON or YAML text; nothing of what it says is checked.
    ///
    /// # Errors
    /// `convention_syntax` with the line and column, `convention_too_large`.
    pub fn parse(text: &str) -> Result<Json> {
        source::text(text)
    }

    /// SHA-256 (hex) of the canonical JSON of the evaluation plan alone.
    pub fn plan_sha256(&self) -> String {
        canonical::hash(self.json.get("evaluation").unwrap_or(&Json::Null))
    }

    /// The site's label in the convention, else its official name, else its SIREN.
    pub fn site_name(&self, site: &Siren) -> String {
        let label = self.document.parties.sites.iter().find(|p| &p.siren == site).and_then(|p| p.label.clone());
        label.or_else(|| territory::by_siren(site).map(|o| o.name.to_owned())).unwrap_or_else(|| site.to_string())
    }
}
