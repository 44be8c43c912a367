//! The part of the document that the first signature freezes: the evaluation plan, its design and its indicators.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

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
