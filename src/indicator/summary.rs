//! What a cache keeps of one deposit for one indicator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::statistics::{PairSample, Sample, Sum};

/// Arm of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Uses the solution.
    Treated,
    /// Does not.
    Control,
}

/// Phase of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before.
    Baseline,
    /// During.
    Trial,
}

/// A group of rows of one site; what the design does not tell apart is None.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// Of its rows.
    pub arm: Option<Arm>,
    /// Of its rows.
    pub phase: Option<Phase>,
}

impl GroupKey {
    /// The rows of an arm.
    pub const fn arm(arm: Arm) -> Self {
        Self { arm: Some(arm), phase: None }
    }

    /// The rows of a phase.
    pub const fn phase(phase: Phase) -> Self {
        Self { arm: None, phase: Some(phase) }
    }

    /// `treated`, `control`, `baseline`, `trial`, `treated_baseline` …; None where there are no groups.
    pub fn name(self) -> Option<&'static str> {
        Some(match (self.arm, self.phase) {
            (None, None) => return None,
            (Some(Arm::Treated), None) => "treated",
            (Some(Arm::Control), None) => "control",
            (None, Some(Phase::Baseline)) => "baseline",
            (None, Some(Phase::Trial)) => "trial",
            (Some(Arm::Treated), Some(Phase::Baseline)) => "treated_baseline",
            (Some(Arm::Treated), Some(Phase::Trial)) => "treated_trial",
            (Some(Arm::Control), Some(Phase::Baseline)) => "control_baseline",
            (Some(Arm::Control), Some(Phase::Trial)) => "control_trial",
        })
    }
}

/// Sums of one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSums {
    /// Rows without a value (or without a denominator on the same row).
    pub missing: u64,
    /// Rows without a cluster, where the plan declares one: each counts as a cluster of its own.
    pub unclustered: u64,
    /// Values (the numerator of a ratio; 1 per row of a count).
    pub sample: Sample,
    /// Numerators and denominators of a ratio.
    pub pairs: PairSample,
}

impl GroupSums {
    /// Adds one row.
    pub fn push(&mut self, row: &Row, is_ratio: bool) {
        let Some(value) = row.value else {
            self.missing += 1;
            return;
        };
        match (is_ratio, row.per) {
            (true, None) => {
                self.missing += 1;
                return;
            }
            (true, Some(per)) => self.pairs.push(value, per, row.cluster.as_deref()),
            (false, _) => {}
        }
        self.unclustered += u64::from(row.cluster.as_deref().is_some_and(is_unclustered));
        self.sample.push(value, row.cluster.as_deref());
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.unclustered += other.unclustered;
        self.sample.merge(&other.sample);
        self.pairs.merge(&other.pairs);
    }
}

/// What is read from one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// None is missing.
    pub value: Option<f64>,
    /// Denominator on the same row.
    pub per: Option<f64>,
    /// Its unit; a name of its own for a row that has none.
    pub cluster: Option<String>,
}

// A mark that no pseudonym begins with.
const UNCLUSTERED: char = '\u{1}';

/// Name of the cluster that a row without one forms alone.
pub fn unclustered(sha256: &str, row: usize) -> String {
    format!("{UNCLUSTERED}{}/{row}", sha256.get(..16).unwrap_or(sha256))
}

/// Whether a cluster's name was given by [`unclustered`].
pub fn is_unclustered(name: &str) -> bool {
    name.starts_with(UNCLUSTERED)
}

/// Where a row stands among those of its key; a greater one is later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// No order is declared, or the cell is empty: before all others.
    Missing,
    /// A number or a date, as an integer that sorts as it does.
    Number(i64),
    /// Text.
    Text(String),
}

/// The last row of a key in a deposit: it may be overtaken by a later one in another file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyedRow {
    /// Its place among the rows of its key.
    pub order: Order,
    /// Its group.
    pub group: GroupKey,
    /// Its value.
    pub value: Option<Sum>,
    /// Its denominator.
    pub per: Option<Sum>,
    /// Its cluster.
    pub cluster: Option<String>,
}

/// Sums of one indicator over one deposit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// By group, sorted.
    pub groups: Vec<(GroupKey, GroupSums)>,
    /// With `last_by`: the last row of each key, not in `groups` yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keyed: BTreeMap<String, KeyedRow>,
    /// Whether `pairs` are summed.
    pub is_ratio: bool,
    /// Rows that count elsewhere but belong to neither arm.
    pub outside_arms: u64,
    /// Rows that count elsewhere but whose day is in no phase, or empty.
    pub outside_phases: u64,
}

impl Summary {
    /// The sums of a group, empty at first.
    pub fn group(&mut self, key: GroupKey) -> &mut GroupSums {
        let at = match self.groups.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => at,
            Err(at) => {
                self.groups.insert(at, (key, GroupSums::default()));
                at
            }
        };
        &mut self.groups[at].1
    }

    /// Adds the keyed rows to their groups.
    pub fn settle(&mut self) {
        for (_, row) in std::mem::take(&mut self.keyed) {
            let is_ratio = self.is_ratio;
            let read = Row { value: row.value.map(Sum::value), per: row.per.map(Sum::value), cluster: row.cluster };
            self.group(row.group).push(&read, is_ratio);
        }
    }
}
