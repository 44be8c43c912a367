//! The convention's document as data: one struct per part of `schemas/convention.schema.json`. Nothing is checked here;
//! [`super::load`] refuses what is wrong before these structs are built.

mod plan;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

pub use self::plan::{
    Arms, Assignment, Better, Design, EffectScale, Indicator, Per, PerFrom, Phases, Plan, Planning, Role, Statistic, Target, Value,
    ValueFrom,
};
use crate::ids::Siren;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Version of the format; 1.
    pub retex: u32,
    /// Stable name, in lower case with hyphens.
    pub id: String,
    /// What a person reads first.
    pub title: String,
    /// The track (parcours) that the experiment belongs to.
    pub track: String,
    /// What is tried, in a sentence or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Phase 2: 1 to 12 months.
    pub period: Span,
    /// The Métropole and the sites.
    pub parties: Parties,
    /// Named outside the signed hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The tables that sites send, by name, in the document's order.
    pub datasets: IndexMap<String, Dataset>,
    /// What is not named is not allowed.
    pub uses: Uses,
    /// How long data are kept after the end.
    pub retention: Retention,
    /// Thresholds of publication.
    #[serde(default)]
    pub disclosure: Disclosure,
    /// What is computed.
    pub evaluation: Plan,
    /// The retour d'expérience asked of each site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rex: Option<Rex>,
    /// The règlement's principles to assess.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principles: Vec<String>,
    /// Roles and risk class under the AI Act, kept as data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_act: Option<Json>,
    /// The facts of the register of processing (RGPD, article 30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing: Option<Json>,
}

/// First and last day, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First day.
    pub start: NaiveDate,
    /// Last day.
    pub end: NaiveDate,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// The Métropole.
    pub metropole: Party,
    /// Communes or EPT.
    pub sites: Vec<Party>,
}

/// One party, by SIREN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Identifies the organisation in the territory list.
    pub siren: Siren,
    /// Shown in place of the organisation's official name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Free text: service, name, e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Who provides the AI solution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Name of the firm, or «À désigner».
    pub name: String,
    /// Name of the solution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// SPDX identifier or words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosting: Option<String>,
}

/// One table asked of the sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What a person reads.
    pub title: String,
    /// What the rows are, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of a flat row, or a Table Schema descriptor; `$ref` to a file is already replaced by its content.
    pub schema: Json,
    /// Columns that identify a row among all files of a site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Other sets of columns whose values do not repeat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_keys: Vec<Vec<String>>,
    /// Columns whose values stand elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// Predicates on a row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Column → kind of personal data (`pseudonym`, `direct`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal_data: BTreeMap<String, String>,
    /// How often a file is due.
    #[serde(default)]
    pub periodicity: Periodicity,
    /// ISO 8601 duration in days after the end of each period, `P10D`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How cells are read, where it is agreed rather than detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
    /// Which days a file tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// Which days a file tells of: none is left without a row, and none is outside the period that it is sent for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The column that dates a row.
    pub date: String,
    /// How often a row is expected at least.
    pub every: Every,
}

/// How often a row is expected at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Each day.
    Day,
    /// Each week, from Monday.
    Week,
}

/// How often a file is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Periodicity {
    /// One deposit for the whole experiment.
    #[default]
    Once,
    /// One a week.
    Week,
    /// One a month.
    Month,
    /// One a quarter.
    Quarter,
}

/// Values of `fields` must stand in `reference`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Columns of this dataset.
    pub fields: Vec<String>,
    /// `territory`, or another dataset's name.
    pub reference: String,
    /// Columns of the other dataset; the same names when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_fields: Vec<String>,
}

/// A cross-column predicate; NULL passes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable name.
    pub id: String,
    /// polars SQL on one row, boolean.
    pub check: String,
    /// What a person reads when it fails.
    pub message: String,
}

/// How cells are read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// `,` or `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// Among `iso`, `dd/mm/yyyy`, `dd/mm/yy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<String>,
    /// `utf-8`, `windows-1252`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// `;`, `,`, tab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Name of the sheet of a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Row of the header as a spreadsheet counts, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u64>,
    /// What surrounds a text of a CSV file: `"`, `'` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// What separates thousands, beside blanks: `.`, `,` or `'`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<String>,
    /// What `95 %` is: `share` (0,95) or `number` (95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// Words of an empty cell, beside a blank one: `NA`, `n.d.` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The words of true, where the usual ones are not meant. With `no`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yes: Vec<String>,
    /// The words of false. With `yes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no: Vec<String>,
}

/// The uses that the parties agreed to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uses {
    /// By the Métropole's analysts and officers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationUse>,
    /// Between sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparisonUse>,
    /// With named recipients.
    #[serde(default)]
    pub sharing: Vec<SharingUse>,
    /// Datasets that are published.
    #[serde(default)]
    pub open_data: Vec<OpenDataUse>,
}

/// Datasets that may be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationUse {
    /// Names of datasets.
    pub datasets: Vec<String>,
}

/// Datasets whose results sites may compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonUse {
    /// Names of datasets.
    pub datasets: Vec<String>,
    /// Whether sites are named.
    pub sites: SiteNaming,
}

/// Whether sites see each other's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteNaming {
    /// By name.
    Named,
    /// Under stable pseudonyms.
    Anonymous,
}

/// A recipient and what it may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharingUse {
    /// Name of the recipient.
    pub recipient: String,
    /// Names of datasets.
    pub datasets: Vec<String>,
    /// Columns; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// A dataset to publish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenDataUse {
    /// Name of the dataset.
    pub dataset: String,
    /// Columns; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// Durée d'utilité administrative after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Months after the end of the experiment.
    pub months: u32,
}

/// Thresholds below which a cell is withheld from those who may not see the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Distinct units that a cell needs.
    pub minimum_cell: u32,
}

impl Default for Disclosure {
    fn default() -> Self {
        Self { minimum_cell: 11 }
    }
}

/// The retour d'expérience asked of each site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rex {
    /// ISO 8601 duration in days after the end, `P30D`.
    pub due: String,
    /// `default`, or a questionnaire (already inlined).
    pub questionnaire: Json,
}

/// An ISO 8601 duration of whole days, `P10D`, or weeks, `P2W`.
pub fn days(duration: &str) -> Option<Days> {
    let rest = duration.strip_prefix('P')?;
    let (number, factor) = rest.strip_suffix('D').map(|n| (n, 1)).or_else(|| rest.strip_suffix('W').map(|n| (n, 7)))?;
    Some(Days::new(number.parse::<u64>().ok()?.checked_mul(factor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_days_or_weeks() {
        assert_eq!(days("P10D"), Some(Days::new(10)));
        assert_eq!(days("P2W"), Some(Days::new(14)));
        assert_eq!(days("P1M"), None);
        assert_eq!(days("PXD"), None);
    }
}
