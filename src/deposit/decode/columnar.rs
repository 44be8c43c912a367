//! Parquet. Its columns become text as any other file's, so that one path checks all.

use std::path::Path;

use polars::prelude::{AnyValue, DataFrame, DataType};

use super::{Cells, Origin, Source, Table, assemble, refuse};
use crate::{
    convention::rules::MAX_COLUMNS,
    deposit::{parquet, report::SourceError},
};

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Table, SourceError> {
    // The reader has assertions that a crafted file can reach: they end this reading, not the process.
    let frame = std::panic::catch_unwind(|| parquet::read(path, None)).ok().and_then(Result::ok);
    let frame = frame.ok_or_else(|| refuse("malformed", "Ce fichier Parquet est abîmé ou incomplet : refaites l'export ou l'envoi."))?;
    if frame.width() > MAX_COLUMNS {
        return Err(assemble::too_wide());
    }
    let height = frame.height();
    let mut table = Table { source: Source { format: "parquet", ..Source::default() }, ..Table::default() };
    table.rows = (1..=height as u64).collect();
    for column in frame_columns(&frame) {
        table.names.push(column.0);
        table.columns.push(column.1);
    }
    Ok(table)
}

fn frame_columns(frame: &DataFrame) -> impl Iterator<Item = (String, Cells)> {
    frame.columns().iter().map(|column| {
        let mut cells = Cells::default();
        for i in 0..column.len() {
            match column.get(i).unwrap_or(AnyValue::Null) {
                AnyValue::Null => cells.push("", Origin::Text),
                AnyValue::String(s) => cells.push(s, Origin::Text),
                AnyValue::StringOwned(s) => cells.push(&s, Origin::Text),
                AnyValue::Boolean(b) => cells.push(if b { "true" } else { "false" }, Origin::Boolean),
                AnyValue::Float64(f) => cells.push(&f.to_string(), Origin::Number),
                AnyValue::Float32(f) => cells.push(&f.to_string(), Origin::Number),
                AnyValue::Date(days) => {
                    let day = chrono::NaiveDate::from_epoch_days(days);
                    cells.push(&day.map_or_else(|| days.to_string(), |d| d.to_string()), Origin::Date);
                }
                AnyValue::Datetime(ticks, unit, _) => cells.push(&instant(ticks, unit), Origin::Date),
                AnyValue::DatetimeOwned(ticks, unit, _) => cells.push(&instant(ticks, unit), Origin::Date),
                number if column.dtype().is_integer() => cells.push(&number.to_string(), Origin::Number),
                other => {
                    cells.push(&other.to_string(), if matches!(column.dtype(), DataType::Time) { Origin::Text } else { Origin::Nested })
                }
            }
        }
        (assemble::name(column.name()), cells)
    })
}

fn instant(ticks: i64, unit: polars::prelude::TimeUnit) -> String {
    use polars::prelude::TimeUnit;
    let utc = match unit {
        TimeUnit::Nanoseconds => Some(chrono::DateTime::from_timestamp_nanos(ticks)),
        TimeUnit::Microseconds => chrono::DateTime::from_timestamp_micros(ticks),
        TimeUnit::Milliseconds => chrono::DateTime::from_timestamp_millis(ticks),
    };
    utc.map_or_else(|| ticks.to_string(), |t| t.naive_utc().format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}
