//! The summaries of one site's deposits → its sums over the whole time and per period.

use std::collections::{BTreeMap, BTreeSet};

use super::summary::{GroupKey, GroupSums, Order, Summary, is_unclustered};
use crate::ids::Period;

/// Sums by group, sorted.
pub type Cells = Vec<(GroupKey, GroupSums)>;

/// The sums of one indicator at one site.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteSums {
    /// Over the whole time.
    pub whole: Cells,
    /// By period, of the deposits that have one.
    pub periods: BTreeMap<Period, Cells>,
    /// Rows in neither arm.
    pub outside_arms: u64,
    /// Rows in no phase.
    pub outside_phases: u64,
    /// Keys of `last_by` that stand in several files.
    pub shared_keys: u64,
    /// Periods that only the numerator or only the denominator has.
    pub unaligned: BTreeSet<Option<Period>>,
}

/// A deposit's summary with what orders it.
pub struct Part {
    /// Of the deposit.
    pub period: Option<Period>,
    /// Of its file.
    pub sha256: String,
    /// Of its rows.
    pub summary: Summary,
}

impl SiteSums {
    /// Merges the value's summaries; with a denominator on rows of its own, pairs them by period.
    pub fn gather(values: Vec<Part>, pers: Option<Vec<Part>>) -> Self {
        let mut sums = Self::default();
        let values = sums.settle(values);
        match pers {
            None => {
                sums.whole = cells(values.iter());
                for period in values.iter().filter_map(|part| part.period).collect::<BTreeSet<_>>() {
                    sums.periods.insert(period, cells(values.iter().filter(|part| part.period == Some(period))));
                }
            }
            Some(pers) => {
                let pers = sums.settle(pers);
                sums.align(&values, &pers);
            }
        }
        sums
    }

    /// Sorts by hash, keeps only the last row of each key over all files, and drops clusters where no row has one.
    fn settle(&mut self, mut parts: Vec<Part>) -> Vec<Part> {
        parts.sort_by(|a, b| (&a.sha256, a.period).cmp(&(&b.sha256, b.period)));
        let mut last: BTreeMap<&str, (usize, (&Order, Option<Period>))> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for (i, part) in parts.iter().enumerate() {
            for (key, row) in &part.summary.keyed {
                let place = (&row.order, part.period);
                match last.get(key.as_str()) {
                    Some((_, other)) => {
                        shared.insert(key.as_str());
                        if *other <= place {
                            last.insert(key, (i, place));
                        }
                    }
                    None => {
                        last.insert(key, (i, place));
                    }
                }
            }
        }
        self.shared_keys += shared.len() as u64;
        let overtaken: Vec<(usize, String)> = (parts.iter().enumerate())
            .flat_map(|(i, part)| part.summary.keyed.keys().map(move |key| (i, key)))
            .filter(|(i, key)| shared.contains(key.as_str()) && last.get(key.as_str()).is_some_and(|(owner, _)| owner != i))
            .map(|(i, key)| (i, key.clone()))
            .collect();
        for (i, key) in overtaken {
            parts[i].summary.keyed.remove(&key);
        }
        for part in &mut parts {
            part.summary.settle();
            self.outside_arms += part.summary.outside_arms;
            self.outside_phases += part.summary.outside_phases;
        }
        let groups = || parts.iter().flat_map(|part| &part.summary.groups);
        if !groups().flat_map(|(_, sums)| sums.sample.clusters.keys()).any(|name| !is_unclustered(name)) {
            for (_, sums) in parts.iter_mut().flat_map(|part| &mut part.summary.groups) {
                sums.sample.clusters.clear();
                sums.pairs.clusters.clear();
            }
        }
        parts
    }

    fn align(&mut self, values: &[Part], pers: &[Part]) {
        let by_period = |parts: &[Part]| -> BTreeMap<Option<Period>, Cells> {
            let periods: BTreeSet<Option<Period>> = parts.iter().map(|part| part.period).collect();
            periods.into_iter().map(|period| (period, cells(parts.iter().filter(|part| part.period == period)))).collect()
        };
        let (values, pers) = (by_period(values), by_period(pers));
        self.unaligned =
            values.keys().filter(|p| !pers.contains_key(p)).chain(pers.keys().filter(|p| !values.contains_key(p))).copied().collect();
        let mut whole = Summary::default();
        for (period, numerators) in &values {
            let Some(denominators) = pers.get(period) else { continue };
            let mut here = Summary::default();
            for key in numerators.iter().chain(denominators).map(|(key, _)| *key).collect::<BTreeSet<_>>() {
                let find = |cells: &Cells| cells.iter().find(|(k, _)| *k == key).map(|(_, sums)| sums.clone()).unwrap_or_default();
                let (numerator, denominator) = (find(numerators), find(denominators));
                let sums = here.group(key);
                sums.missing += numerator.missing + denominator.missing;
                // A group whose values are all missing has no numerator; one without rows has a numerator of 0.
                let known = |sums: &GroupSums| sums.sample.total.n > 0 || sums.missing == 0;
                if known(&numerator) && known(&denominator) {
                    sums.sample.merge(&numerator.sample);
                    sums.unclustered += numerator.unclustered;
                    sums.pairs.push(numerator.sample.total.sum.value(), denominator.sample.total.sum.value(), None);
                }
            }
            for (key, sums) in &here.groups {
                whole.group(*key).merge(sums);
            }
            if let Some(period) = period {
                self.periods.insert(*period, here.groups);
            }
        }
        self.whole = whole.groups;
    }
}

fn cells<'a>(parts: impl Iterator<Item = &'a Part>) -> Cells {
    let mut merged = Summary::default();
    for (key, sums) in parts.flat_map(|part| &part.summary.groups) {
        merged.group(*key).merge(sums);
    }
    merged.groups
}
