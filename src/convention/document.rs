//! The convention's document as data: one struct per part of `schemas/convention.schema.json`. Nothing is checked here;
//! [`super::load`] refuses what is wrong before these structs are built.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

/// The evaluation plan, frozen by the signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// How effects are identified.
    pub design: Design,
    /// Which rows are treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arms: Option<Arms>,
    /// Which rows are before, and which during.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Phases>,
    /// How arms were formed; `chosen` when absent.
    #[serde(default)]
    pub assignment: Assignment,
    /// Column of the unit that has many rows (an agent, a building).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Level of intervals; 0.95 when absent.
    #[serde(default = "default_confidence")]
    pub confidence: f64,
    /// Risks agreed when the plan was drawn.
    #[serde(default)]
    pub planning: Planning,
    /// What is measured.
    pub indicators: Vec<Indicator>,
}

fn default_confidence() -> f64 {
    0.95
}

/// How effects are identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// Levels only.
    None,
    /// The same sites before and during.
    BeforeAfter,
    /// Treated and control rows in each site.
    Controlled,
    /// Both.
    DifferenceInDifferences,
}

/// Which rows are treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arms {
    /// Column that says the arm.
    pub column: String,
    /// Its value for the treated.
    pub treated: String,
    /// Its value for the control.
    pub control: String,
}

/// Which rows are before, and which during.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phases {
    /// Column of the date.
    pub column: String,
    /// First and last day of the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<[NaiveDate; 2]>,
    /// First and last day of the trial.
    pub trial: [NaiveDate; 2],
}

/// How arms were formed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// By lot.
    Random,
    /// Otherwise.
    #[default]
    Chosen,
}

/// Risks agreed when the plan was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planning {
    /// Two-sided risk over the primary indicators.
    pub alpha: f64,
    /// Wanted power.
    #[serde(default = "default_power")]
    pub power: f64,
}

fn default_power() -> f64 {
    0.8
}

impl Default for Planning {
    fn default() -> Self {
        Self { alpha: 0.05, power: 0.8 }
    }
}

/// One declared measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Stable name.
    pub id: String,
    /// What a person reads.
    pub title: String,
    /// More words on what it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Dataset of `value`, when `value` does not name its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// What is computed per group.
    pub statistic: Statistic,
    /// polars SQL on a row, or an object that names its dataset; absent for `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Denominator of a ratio or rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// polars SQL on a row, boolean; rows where it is not true are left out.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Unit of the value; for a duration one of `secondes`, `minutes`, `heures`, `jours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which direction is better.
    pub better: Better,
    /// Scale of the effect; the statistic's first allowed one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectScale>,
    /// Primary indicators carry conclusions.
    #[serde(default)]
    pub role: Role,
    /// What the effect or level should reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Level of `quantile`, in ]0, 1[.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<f64>,
}

/// What is computed per group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Number of rows.
    Count,
    /// Sum of the values.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Share of rows where the value is true.
    Proportion,
    /// Sum of the values over the sum (or count) of `per`.
    Ratio,
}

/// The value of a row, or of another dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// On the indicator's dataset.
    Sql(String),
    /// On a dataset that it names.
    From(ValueFrom),
}

/// A value read from a dataset of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueFrom {
    /// Name of the dataset.
    pub dataset: String,
    /// polars SQL on a row.
    pub sql: String,
    /// Rows are cumulative per value of this column: only the last counts; a row without one stands alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_by: Option<String>,
    /// Column that orders the rows of `last_by`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// Denominator of a ratio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Per {
    /// polars SQL on the same row as `value`, summed.
    Sql(String),
    /// A count or a sum over a dataset.
    From(PerFrom),
}

/// A count or a sum over a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerFrom {
    /// Name of the dataset.
    pub dataset: String,
    /// `count` or `sum`.
    pub statistic: Statistic,
    /// polars SQL on a row, for `sum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// polars SQL on a row, boolean.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Smaller values.
    Lower,
    /// Greater values.
    Higher,
}

/// Whether an indicator carries a conclusion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Carries a conclusion.
    Primary,
    /// Informs.
    #[default]
    Secondary,
}

/// Scale of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectScale {
    /// m₁ − m₀.
    MeanDifference,
    /// (m₁ − m₀) over the pooled standard deviation, corrected for small samples.
    HedgesG,
    /// ln(m₁/m₀).
    LogRatioOfMeans,
    /// p₁ − p₀.
    RiskDifference,
    /// ln(p₁/p₀).
    LogRiskRatio,
    /// ln(odds₁/odds₀).
    LogOddsRatio,
    /// ln(R₁/R₀).
    LogRatioOfRatios,
}

impl EffectScale {
    /// Whether the estimate is a logarithm, shown as a ratio on pages.
    pub fn is_log(self) -> bool {
        matches!(self, Self::LogRatioOfMeans | Self::LogRiskRatio | Self::LogOddsRatio | Self::LogRatioOfRatios)
    }
}

/// What the effect or level should reach: exactly one key.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Bound on the effect, on the indicator's scale.
    Effect(f64),
    /// Bound on the pooled level of the treated.
    Level(f64),
    /// Relative change, −0.2 for a fifth less.
    Relative(f64),
    /// The whole interval must lie inside.
    Within([f64; 2]),
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
