//! Parquet and Arrow, in the child process. Their columns become text as any other file's, so that one path checks all.

use std::{fs::File, path::Path};

use polars::prelude::{AnyValue, ArrowDataType, ArrowSchema, DataFrame, DataType};
use polars_io::{
    SerReader,
    ipc::{IpcReader, IpcStreamReader},
    parquet::read::ParquetReader,
};

use super::{MAX_CELL, assemble, child::malformed, refuse};
use crate::{convention::rules::MAX_COLUMNS, deposit::report::SourceError};

/// Rows of a Parquet file that are in memory at once.
const ROWS: usize = 32_768;

/// A cell: origin, as one letter, and text.
pub type Cell = (u8, String);

/// Takes a row: its number, and its cells with their columns.
pub type Take<'a> = &'a mut dyn FnMut(u64, &[(u32, Cell)]) -> Result<(), SourceError>;

/// Calls `open` with the columns' names, then `take` with each row, from 1 on, and its cells.
///
/// # Errors
/// `malformed`, `too_wide`, and what `open` and `take` answer.
pub fn stream(
    path: &Path,
    format: &str,
    open: &mut dyn FnMut(Vec<String>) -> Result<(), SourceError>,
    take: Take<'_>,
) -> Result<(), SourceError> {
    let broken = || malformed(format);
    let mut row = 0;
    let mut give = |frame: &DataFrame| {
        for i in 0..frame.height() {
            row += 1;
            let cells: Result<Vec<(u32, Cell)>, SourceError> = (0u32..)
                .zip(frame.columns())
                .map(|(c, column)| Ok((c, cell(column.get(i).unwrap_or(AnyValue::Null), column.dtype())?)))
                .collect();
            take(row, &cells?)?;
        }
        Ok(())
    };
    let names = |frame: &DataFrame| -> Vec<String> { frame.columns().iter().map(|c| assemble::name(c.name())).collect() };
    let file = || File::open(path).map_err(|_| broken());
    if format == "arrow" {
        let mut magic = [0u8; 6];
        std::io::Read::read_exact(&mut file()?, &mut magic).map_err(|_| broken())?;
        let frame = if &magic == b"ARROW1" {
            let mut reader = IpcReader::new(file()?);
            refuse_unread(&*reader.schema().map_err(|_| broken())?)?;
            reader.finish()
        } else {
            let mut reader = IpcStreamReader::new(file()?);
            refuse_unread(&reader.arrow_schema().map_err(|_| broken())?)?;
            reader.finish()
        };
        let frame = frame.map_err(|_| broken())?;
        open(names(&frame))?;
        return give(&frame);
    }
    let mut rows = ParquetReader::new(file()?);
    refuse_unread(&*rows.schema().map_err(|_| broken())?)?;
    let total = rows.num_rows().map_err(|_| broken())?;
    let mut at = 0;
    loop {
        let read = ParquetReader::new(file()?).with_slice(Some((at, ROWS))).set_rechunk(true).finish();
        let frame = read.map_err(|_| broken())?;
        if at == 0 {
            open(names(&frame))?;
        }
        give(&frame)?;
        at += ROWS;
        if at >= total {
            return Ok(());
        }
        if frame.height() == 0 {
            return Err(broken());
        }
    }
}

/// Refuses the columns that are no column of a table.
fn refuse_unread(schema: &ArrowSchema) -> Result<(), SourceError> {
    if schema.len() > MAX_COLUMNS {
        return Err(assemble::too_wide());
    }
    let flat = |dtype: &ArrowDataType| {
        use ArrowDataType as T;
        let inner = if let T::Dictionary(_, values, _) = dtype { values } else { dtype };
        // A list is read as its text, which the schema then refuses or not.
        let nested = matches!(inner, T::Struct(_) | T::Map(..) | T::Union(_) | T::FixedSizeList(..));
        !nested && !matches!(inner, T::Interval(_) | T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) | T::Extension(_))
    };
    match schema.iter_values().find(|field| !flat(&field.dtype)) {
        None => Ok(()),
        Some(field) => Err(refuse(
            "unread_type",
            format!(
                "La colonne «\u{a0}{}\u{a0}» contient des structures ou des octets\u{a0}: n'y laissez que des textes, des nombres, des dates ou des oui/non.",
                field.name
            ),
        )),
    }
}

fn cell(value: AnyValue<'_>, dtype: &DataType) -> Result<Cell, SourceError> {
    let (origin, text) = match value {
        AnyValue::Null => (b't', String::new()),
        AnyValue::String(s) => (b't', s.to_owned()),
        AnyValue::StringOwned(s) => (b't', s.to_string()),
        AnyValue::Boolean(b) => (b'b', if b { "true" } else { "false" }.to_owned()),
        AnyValue::Float64(f) => (b'n', f.to_string()),
        AnyValue::Float32(f) => (b'n', f.to_string()),
        AnyValue::Date(days) => (b'd', chrono::NaiveDate::from_epoch_days(days).map_or_else(|| days.to_string(), |d| d.to_string())),
        AnyValue::Datetime(ticks, unit, zone) => (b'd', instant(ticks, unit, zone.is_some())),
        AnyValue::DatetimeOwned(ticks, unit, zone) => (b'd', instant(ticks, unit, zone.is_some())),
        number if dtype.is_integer() || dtype.is_decimal() => (b'n', number.to_string()),
        other if other.get_str().is_some() => (b't', other.get_str().unwrap_or_default().to_owned()),
        other => (if matches!(dtype, DataType::Time) { b't' } else { b'o' }, other.to_string()),
    };
    if text.len() > MAX_CELL {
        return Err(refuse("too_large", "Une cellule de ce fichier dépasse 1 Mo : n'y gardez que le tableau demandé."));
    }
    Ok((origin, text))
}

/// An instant in ISO; one with a time zone is held in universal time, and becomes the hour of Paris.
fn instant(ticks: i64, unit: polars::prelude::TimeUnit, zoned: bool) -> String {
    use polars::prelude::TimeUnit;
    let utc = match unit {
        TimeUnit::Nanoseconds => Some(chrono::DateTime::from_timestamp_nanos(ticks)),
        TimeUnit::Microseconds => chrono::DateTime::from_timestamp_micros(ticks),
        TimeUnit::Milliseconds => chrono::DateTime::from_timestamp_millis(ticks),
    };
    let local =
        |t: chrono::DateTime<chrono::Utc>| if zoned { t.with_timezone(&chrono_tz::Europe::Paris).naive_local() } else { t.naive_utc() };
    utc.map_or_else(|| ticks.to_string(), |t| local(t).format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}
