//! What `benches/compare` sets beside Retex: the libraries alone, at their best, with nothing around them.
//!
//! Each run prints one line of JSON with what it counted, so that the comparison can tell that all did the same work.

use std::{error::Error, fs, path::Path, process::ExitCode, sync::Arc};

use calamine::{Reader, Xlsx, open_workbook};
use polars::prelude::{
    DataType, FileWriteFormat, LazyCsvReader, LazyFileListReader, ParquetWriteOptions, PlRefPath, Schema, SinkDestination, SinkTarget,
    UnifiedSinkArgs,
};
use serde_json::{Map, Number, Value, json};

/// The hub's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["polars", file, schema, parquet] => scan_and_sink(file, schema, parquet),
        ["jsonschema", file, schema] => row_by_row(file, schema),
        ["calamine", file] => cells(file),
        _ => Err("polars FICHIER SCHÉMA PARQUET | jsonschema FICHIER SCHÉMA | calamine FICHIER".into()),
    };
    match outcome {
        Ok(counts) => {
            println!("{counts}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Bare polars: its streaming engine from CSV to Parquet, types given so that none is guessed, no check.
fn scan_and_sink(file: &str, schema: &str, parquet: &str) -> Result<Value> {
    let types = Schema::from_iter(columns(schema)?.into_iter().map(|(name, kind)| {
        let kind = match kind {
            Kind::Text => DataType::String,
            Kind::Number => DataType::Float64,
            Kind::Integer => DataType::Int64,
            Kind::Boolean => DataType::Boolean,
        };
        (name.into(), kind)
    }));
    LazyCsvReader::new(PlRefPath::new(file))
        .with_dtype_overwrite(Some(Arc::new(types)))
        .finish()?
        .sink(
            SinkDestination::File { target: SinkTarget::Path(PlRefPath::new(parquet)) },
            FileWriteFormat::Parquet(Arc::new(ParquetWriteOptions::default())),
            UnifiedSinkArgs::default(),
        )?
        .collect()?;
    Ok(json!({ "written": Path::new(parquet).exists() }))
}

/// The `jsonschema` crate on each row in turn. The same object takes each row, so that nothing but the text is copied.
fn row_by_row(file: &str, schema: &str) -> Result<Value> {
    let columns = columns(schema)?;
    let schema: Value = serde_json::from_slice(&fs::read(schema)?)?;
    let validator = jsonschema::options().should_validate_formats(true).build(&schema)?;
    let mut reader = csv::Reader::from_path(file)?;
    let headers = reader.headers()?.clone();
    let kinds: Vec<Kind> = headers.iter().map(|h| columns.iter().find(|(name, _)| name == h).map_or(Kind::Text, |(_, k)| *k)).collect();
    let mut row = Value::Object(Map::from_iter(headers.iter().map(|h| (h.to_owned(), Value::Null))));
    let (mut record, mut rows, mut bad_rows, mut bad_cells) = (csv::StringRecord::new(), 0u64, 0u64, 0u64);
    while reader.read_record(&mut record)? {
        let cells = row.as_object_mut().into_iter().flat_map(Map::values_mut);
        for ((cell, text), kind) in cells.zip(&record).zip(&kinds) {
            set(cell, text, *kind);
        }
        rows += 1;
        if !validator.is_valid(&row) {
            let places: std::collections::BTreeSet<String> = validator.iter_errors(&row).map(|e| e.instance_path().to_string()).collect();
            bad_rows += 1;
            bad_cells += places.len() as u64;
        }
    }
    Ok(json!({ "rows": rows, "bad_rows": bad_rows, "bad_cells": bad_cells }))
}

/// calamine's own walk through the cells of the first sheet.
fn cells(file: &str) -> Result<Value> {
    let mut workbook: Xlsx<_> = open_workbook(file)?;
    let sheet = workbook.sheet_names().first().cloned().ok_or("no sheet")?;
    let mut reader = workbook.worksheet_cells_reader(&sheet)?;
    let mut cells = 0u64;
    while let Some(cell) = reader.next_cell()? {
        std::hint::black_box(&cell);
        cells += 1;
    }
    Ok(json!({ "cells": cells }))
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Integer,
    Boolean,
}

/// Columns of a row schema, with the type that their text is turned into.
fn columns(schema: &str) -> Result<Vec<(String, Kind)>> {
    let schema: Value = serde_json::from_slice(&fs::read(schema)?)?;
    let properties = schema["properties"].as_object().ok_or("no properties")?;
    let kind = |property: &Value| {
        let is = |name: &str| property["type"] == name || property["type"].as_array().is_some_and(|all| all.iter().any(|t| t == name));
        match () {
            () if is("number") => Kind::Number,
            () if is("integer") => Kind::Integer,
            () if is("boolean") => Kind::Boolean,
            () => Kind::Text,
        }
    };
    Ok(properties.iter().map(|(name, property)| (name.clone(), kind(property))).collect())
}

/// A cell's JSON value: empty is null, what does not convert stays text.
fn set(cell: &mut Value, text: &str, kind: Kind) {
    let converted = match kind {
        _ if text.is_empty() => Some(Value::Null),
        Kind::Text => None,
        Kind::Number => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Boolean => text.parse().ok().map(Value::Bool),
    };
    match (converted, cell) {
        (Some(value), cell) => *cell = value,
        (None, Value::String(kept)) => {
            kept.clear();
            kept.push_str(text);
        }
        (None, cell) => *cell = Value::String(text.to_owned()),
    }
}
