//! Keys across files: a primary or unique key names one row among all files of a site for a dataset.

use std::collections::HashSet;

use polars::prelude::{DataFrame, DataType};

use crate::convention::document::Dataset;

/// The keys of the files of one site for one dataset, read so far.
pub struct Keys {
    keys: Vec<(Vec<String>, HashSet<String>)>,
}

// Between the cells of a key of several columns; no cell holds it.
const BETWEEN: &str = "\u{1f}";

impl Keys {
    /// No file read yet.
    pub fn new(dataset: &Dataset) -> Self {
        let primary = (!dataset.primary_key.is_empty()).then_some(&dataset.primary_key);
        Self { keys: primary.into_iter().chain(&dataset.unique_keys).map(|columns| (columns.clone(), HashSet::new())).collect() }
    }

    /// Adds the keys of another file, unless some are already there: then gives those, as people read them, and adds nothing.
    /// A key with an empty cell repeats nothing.
    pub fn add(&mut self, table: &DataFrame) -> Vec<String> {
        let repeated = self.repeated_in(table);
        if repeated.is_empty() {
            for (columns, seen) in &mut self.keys {
                seen.extend(keys_of(table, columns));
            }
        }
        repeated
    }

    /// The keys of another file that are already there, as people read them.
    pub fn repeated_in(&self, table: &DataFrame) -> Vec<String> {
        let of = |(columns, seen): &(Vec<String>, HashSet<String>)| -> Vec<String> {
            keys_of(table, columns).into_iter().filter(|key| seen.contains(key)).map(|key| shown(&key)).collect()
        };
        self.keys.iter().flat_map(of).collect()
    }
}

/// The keys of a file over these columns, of the rows that have one.
pub fn keys_of(table: &DataFrame, columns: &[String]) -> Vec<String> {
    key_rows(table, columns).into_iter().flatten().collect()
}

/// The keys of a file over these columns, one per row; none for a row with an empty cell, nothing where a column is missing.
pub fn key_rows(table: &DataFrame, columns: &[String]) -> Vec<Option<String>> {
    let text = |name: &String| table.column(name).and_then(|column| column.cast(&DataType::String)).ok();
    let Some(cells) = columns.iter().map(text).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let Some(cells) = cells.iter().map(|column| column.str().ok()).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let key = |row: usize| cells.iter().map(|column| column.get(row)).collect::<Option<Vec<_>>>().map(|key| key.join(BETWEEN));
    (0..table.height()).map(key).collect()
}

/// A key as people read it.
pub fn shown(key: &str) -> String {
    key.replace(BETWEEN, ", ")
}
