//! Typed tables as the lake holds them: Parquet, zstd, in file order, with statistics and key-value metadata.

use std::{
    collections::BTreeMap,
    fs::{File, Permissions},
    io::BufWriter,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use polars::prelude::{DataFrame, PolarsError, Schema};
use polars_io::{
    SerReader,
    parquet::{
        read::ParquetReader,
        write::{BatchedWriter, ParquetCompression, ParquetWriter, StatisticsOptions},
    },
};
use polars_parquet::write::{KeyValue, RowGroupIterColumns, schema_to_metadata_key};
use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Rows of a row group: the bytes of a table depend on its values alone, not on how its file was cut while it was read. Small enough for the
/// last groups of a file to be shared among its threads.
pub const GROUP: usize = 1 << 16;

/// A table being written, whole or not at all; row groups are encoded by any thread and stand in the file in their order.
pub struct Writer {
    path: PathBuf,
    file: NamedTempFile,
    batched: BatchedWriter<BufWriter<File>>,
    order: Mutex<Order>,
}

/// Row groups that are encoded before those that they follow.
#[derive(Default)]
struct Order {
    next: usize,
    waiting: BTreeMap<usize, Vec<RowGroupIterColumns<'static, PolarsError>>>,
}

impl Writer {
    /// A table of this schema, to be at `path` once it is finished.
    ///
    /// # Errors
    /// `table_not_written` where the folder does not exist or may not be written to.
    pub fn create(path: &Path, schema: &Schema) -> Result<Self> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Beside it first, then in its place: an interruption leaves no half file. As any new file, the process's umask applies.
        let file = tempfile::Builder::new()
            .prefix(".retex-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|e| not_written(path, e))?;
        let inner = file.as_file().try_clone().map_err(|e| not_written(path, e))?;
        let batched = ParquetWriter::new(BufWriter::with_capacity(1 << 18, inner))
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::default())
            .batched(schema)
            .map_err(Error::internal)?;
        Ok(Self { path: path.to_owned(), file, batched, order: Mutex::default() })
    }

    /// Encodes the row group at position `index` and writes it once those before it are.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn group(&self, index: usize, mut rows: DataFrame) -> Result<()> {
        rows.rechunk_mut();
        let encoded: Vec<_> = self.batched.encode_and_compress(&rows).collect::<std::result::Result<_, _>>().map_err(Error::internal)?;
        drop(rows);
        let mut order = self.order();
        order.waiting.insert(index, encoded);
        while let Some(group) = {
            let next = order.next;
            order.waiting.remove(&next)
        } {
            self.batched.write_row_groups(group).map_err(|e| not_written(&self.path, std::io::Error::other(e)))?;
            order.next += 1;
        }
        Ok(())
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the footer with `metadata`, and puts the file in its place. Same table and metadata, same bytes.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self, metadata: &[(&str, String)]) -> Result<()> {
        {
            let mut writer = self.batched.get_writer().lock().unwrap_or_else(PoisonError::into_inner);
            let mut pairs = vec![schema_to_metadata_key(writer.schema())];
            pairs.extend(metadata.iter().map(|(key, value)| KeyValue { key: (*key).to_owned(), value: Some(value.clone()) }));
            writer.end(Some(pairs)).map_err(|e| not_written(&self.path, std::io::Error::other(e)))?;
        }
        drop(self.batched);
        self.file.persist(&self.path).map_err(|e| not_written(&self.path, e.error))?;
        Ok(())
    }
}

fn not_written(path: &Path, error: std::io::Error) -> Error {
    let message = format!(
        "Le tableau «\u{a0}{}\u{a0}» ne s'écrit pas\u{a0}: vérifiez que son dossier existe, que vous pouvez y écrire et qu'il y reste de la place.",
        path.display()
    );
    Error::invalid("table_not_written", message).with_source(error)
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
