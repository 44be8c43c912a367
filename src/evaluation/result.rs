//! What an evaluation says: the JSON of `retex evaluate`, of the API and of a stored snapshot. Pages and reports render
//! this struct and compute nothing of their own.
//!
//! Intervals are `[low, high]`; effects on a logarithmic scale stay on it; what cannot be computed is null, with its reason.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Period, Siren};

/// Low and high bound; a bound that does not exist (an open interval) is null.
pub type Interval = [Option<f64>; 2];

/// Why a number is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Stable English code (`no_control`, `one_unit`, `too_few_sites` …).
    pub code: String,
    /// French sentence.
    pub message: String,
}

impl Reason {
    /// A reason.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// One evaluation of one convention over a set of deposits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// The convention that it was made under.
    pub convention: ConventionRef,
    /// `true` on the locked final snapshot only; before it every verdict is `provisional`.
    pub is_final: bool,
    /// One per indicator of the plan, in its order.
    pub indicators: Vec<IndicatorResult>,
    /// What it was made from.
    pub provenance: Provenance,
}

/// Names a version of a convention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConventionRef {
    /// Its `id`.
    pub id: String,
    /// Number of the version; 1 for a file on the command line.
    pub version: u32,
    /// SHA-256 of its canonical JSON without the provider.
    pub sha256: String,
    /// The plan that was signed first, and froze what conclusions may be drawn from; none before a signature, and for files on the command
    /// line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_plan: Option<SignedPlan>,
}

/// The evaluation plan as it was signed first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedPlan {
    /// In which version.
    pub version: u32,
    /// SHA-256 of that version: what its parties signed.
    pub convention_sha256: String,
    /// SHA-256 of the canonical JSON of its plan alone.
    pub sha256: String,
}

/// One indicator over all sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IndicatorResult {
    /// `id` of the plan.
    pub id: String,
    /// `title` of the plan.
    pub label: String,
    /// Unit of levels (and of differences), if any.
    pub unit: Option<String>,
    /// `mean`, `proportion`, `ratio`, `count`, `sum`.
    pub statistic: String,
    /// `primary` or `secondary`.
    pub role: String,
    /// `lower` or `higher`.
    pub better: String,
    /// Scale of effects (`mean_difference` …); null where the design has none.
    pub scale: Option<String>,
    /// One per site that sent rows, in the convention's order.
    pub sites: Vec<SiteResult>,
    /// Over the sites' effects (or, with a `level` target, the treated's levels).
    pub pooled: Pooled,
    /// What was agreed.
    pub target: Option<TargetResult>,
    /// What the interval says of the target.
    pub verdict: Verdict,
    /// Why it is exploratory: it was not in the plan that was signed, or not so. No conclusion is drawn from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploratory: Option<Reason>,
    /// Things that a reader should know (`fragile`, `few_clusters` …).
    pub warnings: Vec<Reason>,
}

/// A site as a reader sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteRef {
    /// Identifies the organisation.
    #[schema(value_type = String)]
    pub siren: Siren,
    /// Its label in the convention, else its official name.
    pub name: String,
}

/// One indicator at one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteResult {
    /// Which.
    pub site: SiteRef,
    /// Per arm (or phase) over the whole time first (`period` null), then per period where deposits have one.
    pub groups: Vec<Group>,
    /// Effect of the site; null fields with a reason where there is none.
    pub effect: EffectResult,
    /// Where the values are those that were released before, because too few units have changed since: the day of that release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
}

/// One group of rows of one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// `treated`, `control`, `baseline`, `trial`, or null where the design has no groups.
    pub arm: Option<String>,
    /// `2026-03`, or null for the whole time.
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// Rows with a value; null where it is withheld.
    pub n: Option<u64>,
    /// Rows without one; null where it is withheld.
    pub missing: Option<u64>,
    /// Distinct clusters, where declared.
    pub clusters: Option<u64>,
    /// Rows where a proportion's value is true.
    pub events: Option<u64>,
    /// Sum of the values (numerator of a ratio).
    pub sum: Option<f64>,
    /// Denominator of a ratio.
    pub per: Option<f64>,
    /// The statistic: mean, proportion, ratio, count or sum.
    pub mean: Option<f64>,
    /// Standard deviation with n − 1; null for a proportion.
    pub sd: Option<f64>,
    /// Interval of `mean`.
    #[schema(value_type = Option<Vec<f64>>)]
    pub ci: Option<Interval>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Greatest value.
    pub max: Option<f64>,
    /// Why `mean` or `ci` is null.
    pub reason: Option<Reason>,
}

/// Effect of one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EffectResult {
    /// `mean_difference` …
    pub scale: Option<String>,
    /// On that scale.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its interval.
    #[schema(value_type = Option<Vec<f64>>)]
    pub ci: Option<Interval>,
    /// Degrees of freedom of Student's law; null for the normal law.
    pub df: Option<f64>,
    /// Two-sided p of no effect; null before the final snapshot.
    pub p: Option<f64>,
    /// Rows with a value in both groups.
    pub n: Option<u64>,
    /// Weight in the random-effects mean, in percent.
    pub weight: Option<f64>,
    /// Why there is none.
    pub reason: Option<Reason>,
}

/// Over the sites.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pooled {
    /// What is pooled: `effect` or `level`.
    pub of: Option<String>,
    /// Sites pooled.
    pub k: u64,
    /// Cochran's Q.
    pub q: Option<f64>,
    /// k − 1.
    pub q_df: Option<f64>,
    /// p of homogeneity.
    pub q_p: Option<f64>,
    /// Inverse-variance mean.
    pub fixed: Option<FixedResult>,
    /// Random-effects mean.
    pub random: Option<RandomResult>,
    /// Where each site is of one arm: the difference between sites, in place of a random-effects mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<BetweenResult>,
    /// Why there is none.
    pub reason: Option<Reason>,
    /// Where the value is the one that was released before: the day of that release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
}

/// Welch's comparison of the levels of treated and control sites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BetweenResult {
    /// On the indicator's scale.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its interval.
    #[schema(value_type = Vec<f64>)]
    pub ci: Interval,
    /// Degrees of freedom of Student's law; null for the normal law.
    pub df: Option<f64>,
    /// Treated sites.
    pub treated: u64,
    /// Control sites.
    pub control: u64,
}

/// Inverse-variance mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FixedResult {
    /// Σwy/Σw.
    pub estimate: f64,
    /// √(1/Σw).
    pub se: f64,
    /// Normal interval.
    #[schema(value_type = Vec<f64>)]
    pub ci: Interval,
}

/// Random-effects mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RandomResult {
    /// `reml`, `dl` or `pm`.
    pub method: String,
    /// Σw*y/Σw*.
    pub estimate: f64,
    /// √(1/Σw*); null, like all that says the weight of a site, where that is withheld.
    pub se: Option<f64>,
    /// Normal interval.
    #[schema(value_type = Option<Vec<f64>>)]
    pub ci: Option<Interval>,
    /// Between-site variance.
    pub tau2: Option<f64>,
    /// Its Q-profile interval; null where it is empty.
    #[schema(value_type = Option<Vec<f64>>)]
    pub tau2_ci: Option<Interval>,
    /// In percent.
    pub i2: Option<f64>,
    /// 1 + τ²/s².
    pub h2: Option<f64>,
    /// Hartung–Knapp–Sidik–Jonkman.
    pub hksj: Option<SeCi>,
    /// The same with max(1, q): what decisions use.
    pub adhoc: SeCi,
    /// Interval of a new site's effect.
    #[schema(value_type = Vec<f64>)]
    pub prediction: Interval,
}

/// A standard error and its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeCi {
    /// Standard error.
    pub se: f64,
    /// Interval on t(k − 1).
    #[schema(value_type = Vec<f64>)]
    pub ci: Interval,
}

/// What was agreed, and on which scale it is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetResult {
    /// `effect`, `level`, `relative` or `within`.
    pub kind: String,
    /// As agreed (low and high for `within`).
    pub value: Vec<f64>,
    /// On the scale of the pooled estimate.
    pub on_scale: Vec<f64>,
}

/// What the interval says of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Before the final snapshot: nothing is concluded.
    Provisional,
    /// Holm(p⁺) ≤ α/2.
    Reached,
    /// Holm(p⁻) ≤ α/2.
    Missed,
    /// Neither.
    Inconclusive,
    /// k < 3 or no standard error.
    NotEvaluable,
    /// Secondary, exploratory or without target: no conclusion is drawn.
    None,
    /// Drawn from a pooled value that this reader may not see.
    Withheld,
}

/// What an evaluation was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// Every file that counted, sorted by site, dataset, period and hash.
    pub deposits: Vec<DepositRef>,
    /// `retex 0.1.0`.
    pub program: String,
}

/// One file that counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DepositRef {
    /// Who sent it.
    #[schema(value_type = String)]
    pub site: Siren,
    /// Into which dataset.
    pub dataset: String,
    /// For which period.
    #[schema(value_type = Option<String>)]
    pub period: Option<Period>,
    /// Of the file as sent; of it and its reading, where its depositor imposed one.
    pub sha256: String,
    /// Rows that counted.
    pub rows: u64,
}
