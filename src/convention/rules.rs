//! Row schemas compiled into checks.

use serde_json::Value as Json;

use super::{column::Column, document::Dataset};
use crate::error::Fault;

/// The compiled checks of one dataset or schema.
pub struct Rules {
    columns: Vec<Column>,
}

impl Rules {
    /// Compiles a bare schema (JSON Schema of a flat row, or Table Schema descriptor). Pointers are relative to the schema.
    pub fn from_schema(_schema: &Json) -> Result<Self, Vec<Fault>> {
        todo!()
    }

    /// Compiles a dataset of a convention: its schema, keys, rules and reading. Pointers are relative to the dataset.
    pub fn from_dataset(_name: &str, _dataset: &Dataset) -> Result<Self, Vec<Fault>> {
        todo!()
    }

    /// The declared columns, in the schema's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}
