//! Typed tables as the lake holds them: Parquet, zstd, in file order, with statistics and key-value metadata.

use std::{
    fs::{File, Permissions},
    io::BufWriter,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use polars::prelude::DataFrame;
use polars_io::{
    SerReader,
    parquet::{
        read::ParquetReader,
        write::{KeyValueMetadata, ParquetCompression, ParquetWriter, StatisticsOptions},
    },
};

use crate::error::{Error, Result};

/// Writes `table` to `path` with `metadata` in the file's footer, whole or not at all. Same table and metadata, same bytes.
///
/// # Errors
/// `table_not_written` where the folder does not exist or may not be written to.
pub fn write(path: &Path, table: &mut DataFrame, metadata: &[(&str, String)]) -> Result<()> {
    let not_written = |error: std::io::Error| {
        let message = format!(
            "Le tableau «\u{a0}{}\u{a0}» ne s'écrit pas\u{a0}: vérifiez que son dossier existe et que vous pouvez y écrire.",
            path.display()
        );
        Error::invalid("table_not_written", message).with_source(error)
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Beside it first, then in its place: an interruption leaves no half file. As any new file, the process's umask applies.
    let file =
        tempfile::Builder::new().prefix(".retex-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map_err(not_written)?;
    let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    // One row-group layout whatever the table's chunks were, so that bytes depend on the values alone.
    table.align_chunks();
    table.rechunk_mut();
    ParquetWriter::new(BufWriter::new(file.as_file()))
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(pairs)))
        .finish(table)
        .map_err(Error::internal)?;
    file.persist(path).map_err(|e| not_written(e.error))?;
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
