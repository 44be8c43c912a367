//! Typed tables as the lake holds them: Parquet, zstd, in file order, with statistics and key-value metadata.

use std::{fs::File, io::BufWriter, path::Path};

use polars::prelude::DataFrame;
use polars_io::{
    SerReader,
    parquet::{
        read::ParquetReader,
        write::{KeyValueMetadata, ParquetCompression, ParquetWriter, StatisticsOptions},
    },
};

use crate::error::{Error, Result};

/// Writes `table` to `path` with `metadata` in the file's footer. Same table and metadata, same bytes.
pub fn write(path: &Path, table: &mut DataFrame, metadata: &[(&str, String)]) -> Result<()> {
    let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    // One row-group layout whatever the table's chunks were, so that bytes depend on the values alone.
    table.align_chunks();
    table.rechunk_mut();
    ParquetWriter::new(BufWriter::new(File::create(path)?))
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
        .finish(table)
        .map_err(Error::internal)?;
    Ok(())
}

/// Reads a table, only `columns` where given.
pub fn read(path: &Path, columns: Option<&[String]>) -> Result<DataFrame> {
    let unreadable = |error| Error::invalid("parquet", "Ce fichier Parquet n'est pas lisible : refaites-en l'export.").with_source(error);
    ParquetReader::new(File::open(path)?)
        .with_columns(columns.map(<[String]>::to_vec))
        .set_rechunk(true)
        .finish()
        .map_err(|e| unreadable(e.to_string()))
}

/// The key-value metadata of a file, but for the Arrow schema that polars writes beside it.
pub fn metadata(path: &Path) -> Result<Vec<(String, String)>> {
    let mut reader = ParquetReader::new(File::open(path)?);
    let footer = reader.get_metadata().map_err(Error::internal)?;
    let pairs = footer.key_value_metadata().iter().flatten().filter(|pair| pair.key != "ARROW:schema");
    Ok(pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?))).collect())
}
