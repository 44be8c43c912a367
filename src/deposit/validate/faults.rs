//! Faults as they are found, column after column, and how they come back in the order of rows.

use std::collections::HashMap;

use super::read::Failure;

/// What is wrong with a cell, a row or the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// Not of the column's type.
    Type(Failure),
    /// Empty where a value is needed.
    Required,
    /// Position among the field's checks.
    Check(usize),
    /// Empty where an enumeration holds no null.
    NullRefused,
    /// Position among the rules' keys, and the physical row that has the same.
    Duplicate(usize, u64),
    /// Position among the rules' keys, which want a value here.
    KeyMissing(usize),
    /// Position among the rules' references.
    Reference(usize),
    /// Position among the rules' predicates.
    Predicate(usize),
    /// Number of cells of the row.
    Ragged(usize),
    /// From the row validator.
    Rest(Box<Rest>),
}

/// A fault that the row validator found.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    /// Stable code.
    pub code: &'static str,
    /// JSON Pointer of the keyword.
    pub pointer: String,
    /// French sentence.
    pub message: String,
}

/// Where and what.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Position of the row in the table.
    pub row: usize,
    /// Position of the field in the rules.
    pub field: Option<usize>,
    /// What.
    pub problem: Problem,
}

/// Groups of faults: same place in the rules, same column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Group {
    Type(Failure),
    Required,
    Check(usize),
    NullRefused,
    Duplicate(usize),
    KeyMissing(usize),
    Reference(usize),
    Predicate(usize),
    Ragged,
    Rest(String),
}

/// Faults by place, with how often each was found and the first of them.
#[derive(Default)]
pub struct Groups(HashMap<(Option<usize>, Group), (u64, Found)>);

impl Groups {
    /// Takes those of a later block.
    pub fn merge(&mut self, other: Self) {
        for (place, (more, found)) in other.0 {
            self.0.entry(place).or_insert((0, found)).0 += more;
        }
    }

    /// One of each with its count, most frequent first.
    pub fn sorted(&self) -> Vec<(u64, Found)> {
        // The same file gives the same order, whatever the order of the map.
        let mut groups: Vec<_> = self.0.iter().map(|((_, group), found)| (format!("{group:?}"), found.clone())).collect();
        groups.sort_by(|(a_name, a), (b_name, b)| {
            b.0.cmp(&a.0).then(a.1.field.cmp(&b.1.field)).then(a.1.row.cmp(&b.1.row)).then_with(|| a_name.cmp(b_name))
        });
        groups.into_iter().map(|(_, found)| found).collect()
    }

    /// How many faults repeat this key.
    pub fn duplicates(&mut self, key: usize, count: u64) {
        self.0.iter_mut().filter(|((_, group), _)| *group == Group::Duplicate(key)).for_each(|(_, (n, _))| *n = count);
    }
}

/// Collects the faults of a block: all are counted, the first `limit` of each group are kept. As each group comes in the order of rows,
/// the first `limit` of all are among them.
pub struct Faults {
    limit: usize,
    /// All, by place.
    pub groups: Groups,
    kept: Vec<Found>,
    /// Rows that have one.
    pub rows: Vec<bool>,
    /// All of them.
    pub total: u64,
}

impl Faults {
    /// For a table of `height` rows.
    pub fn new(limit: usize, height: usize) -> Self {
        Self { limit, groups: Groups::default(), kept: Vec::new(), rows: vec![false; height], total: 0 }
    }

    /// Takes one.
    pub fn add(&mut self, row: usize, field: Option<usize>, problem: Problem) {
        let group = match &problem {
            Problem::Type(failure) => Group::Type(*failure),
            Problem::Required => Group::Required,
            Problem::Check(i) => Group::Check(*i),
            Problem::NullRefused => Group::NullRefused,
            Problem::Duplicate(i, _) => Group::Duplicate(*i),
            Problem::KeyMissing(i) => Group::KeyMissing(*i),
            Problem::Reference(i) => Group::Reference(*i),
            Problem::Predicate(i) => Group::Predicate(*i),
            Problem::Ragged(_) => Group::Ragged,
            Problem::Rest(rest) => Group::Rest(rest.pointer.clone()),
        };
        self.total += 1;
        if let Some(bad) = self.rows.get_mut(row) {
            *bad = true;
        }
        let found = Found { row, field, problem };
        let (count, _) = self.groups.0.entry((field, group)).or_insert_with(|| (0, found.clone()));
        *count += 1;
        if *count <= self.limit as u64 {
            self.kept.push(found);
        }
    }

    /// The first ones, by row then column.
    pub fn first(&mut self) -> Vec<Found> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_by_key(|f| (f.row, f.field));
        kept.truncate(self.limit);
        kept
    }
}
