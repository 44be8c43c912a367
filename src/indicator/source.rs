//! What an indicator reads of each row, and how rows form groups.

use std::collections::BTreeSet;

use crate::convention::{
    Convention,
    column::Column,
    document::{Arms, Design, Per, Phases, Statistic, Value},
    expression::Expression,
};

/// How a design uses phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseUse {
    /// All rows, whatever their day.
    All,
    /// Only the rows of the trial.
    TrialOnly,
    /// Both phases, told apart.
    Both,
}

/// How rows form groups: what the design asks and the datasets' columns allow.
#[derive(Debug, Clone, Copy)]
pub struct Grouping<'a> {
    /// Arms, where they are told apart.
    pub arms: Option<&'a Arms>,
    /// Phases, where they are used.
    pub phases: Option<&'a Phases>,
    /// How.
    pub phase_use: PhaseUse,
    /// Column of the cluster.
    pub cluster: Option<&'a str>,
}

/// What is read of each row of one dataset.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its name.
    pub dataset: &'a str,
    /// Its declared columns.
    pub columns: &'a [Column],
    /// None counts rows.
    pub value: Option<&'a Expression>,
    /// Whether a row counts 1 rather than its value.
    pub counts: bool,
    /// Denominator on the same row.
    pub per: Option<&'a Expression>,
    /// Rows where it is not true are left out.
    pub filter: Option<&'a Expression>,
    /// Microseconds in the unit that a duration counts in.
    pub unit: f64,
    /// Only the last row of each value of this column counts.
    pub last_by: Option<&'a str>,
    /// Column that orders them.
    pub order: Option<&'a str>,
    /// How rows form groups.
    pub grouping: Grouping<'a>,
}

/// What an indicator reads: the value, and the denominator where it is on rows of its own.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Of the value.
    pub value: Source<'a>,
    /// Of a denominator that is not on the same row.
    pub per: Option<Source<'a>>,
}

impl<'a> Sources<'a> {
    /// Of the plan's indicator at `index`; None where there is no such indicator.
    pub fn of(convention: &'a Convention, index: usize) -> Option<Self> {
        let indicator = convention.document.evaluation.indicators.get(index)?;
        let compiled = convention.indicators.get(index)?;
        let columns = |dataset: &str| convention.rules.get(dataset).map_or(&[][..], |rules| rules.columns());
        let apart = compiled.per.as_ref().filter(|per| !per.same_row);
        let read: BTreeSet<&str> = [Some(compiled.dataset.as_str()), apart.map(|per| per.dataset.as_str())].into_iter().flatten().collect();
        // A ratio over two datasets can only be split by what both have.
        let has = |name: &str| read.iter().all(|dataset| columns(dataset).iter().any(|column| column.name == name));
        let grouping = grouping(convention, has);
        let (last_by, order) = match &indicator.value {
            Some(Value::From(from)) => (from.last_by.as_deref(), from.order.as_deref()),
            _ => (None, None),
        };
        let unit = microseconds(indicator.unit.as_deref());
        let value = Source {
            dataset: &compiled.dataset,
            columns: columns(&compiled.dataset),
            value: compiled.value.as_ref(),
            counts: indicator.statistic == Statistic::Count,
            per: compiled.per.as_ref().filter(|per| per.same_row).and_then(|per| per.value.as_ref()),
            filter: compiled.filter.as_ref(),
            unit,
            last_by,
            order,
            grouping,
        };
        let per = apart.map(|per| Source {
            dataset: &per.dataset,
            columns: columns(&per.dataset),
            value: per.value.as_ref(),
            counts: matches!(&indicator.per, Some(Per::From(from)) if from.statistic == Statistic::Count),
            per: None,
            filter: per.filter.as_ref(),
            unit,
            last_by: None,
            order: None,
            grouping: Grouping { cluster: None, ..grouping },
        });
        Some(Self { value, per })
    }
}

fn grouping<'a>(convention: &'a Convention, has: impl Fn(&str) -> bool) -> Grouping<'a> {
    let plan = &convention.document.evaluation;
    let by_arm = matches!(plan.design, Design::Controlled | Design::DifferenceInDifferences);
    let phases = plan.phases.as_ref().filter(|phases| has(&phases.column));
    Grouping {
        arms: plan.arms.as_ref().filter(|arms| by_arm && has(&arms.column)),
        phases,
        phase_use: match (phases, plan.design) {
            (None, _) => PhaseUse::All,
            (_, Design::None | Design::Controlled) => PhaseUse::TrialOnly,
            (_, Design::BeforeAfter | Design::DifferenceInDifferences) => PhaseUse::Both,
        },
        cluster: plan.cluster.as_deref().filter(|name| has(name)),
    }
}

/// Microseconds in a unit of time; days where none is declared (loading a convention asks for one).
fn microseconds(unit: Option<&str>) -> f64 {
    match unit {
        Some("secondes") => 1e6,
        Some("minutes") => 6e7,
        Some("heures") => 3.6e9,
        _ => 8.64e10,
    }
}
