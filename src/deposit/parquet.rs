//! Typed tables as the lake holds them: Parquet, zstd, in file order, with statistics and key-value metadata.

use std::path::Path;

use polars::prelude::DataFrame;

use crate::error::Result;

/// Writes `table` to `path` with `metadata` in the file's footer. Same table and metadata, same bytes.
pub fn write(_path: &Path, _table: &mut DataFrame, _metadata: &[(&str, String)]) -> Result<()> {
    todo!()
}

/// Reads a table, only `columns` where given.
pub fn read(_path: &Path, _columns: Option<&[String]>) -> Result<DataFrame> {
    todo!()
}
