//! Properties: columnar checks give the verdict of the `jsonschema` crate, and no bytes make the reader panic.

use std::{collections::BTreeSet, fs};

use proptest::prelude::*;
use retex::{
    convention::rules::{Format, Rules},
    deposit::{
        check::check_file,
        decode::{self, Expected},
        report::CheckReport,
    },
};
use serde_json::{Map, Value as Json, json};

/// A property's schema of scalars. `multipleOf` keeps to whole numbers: in decimals the two differ on purpose.
fn property() -> impl Strategy<Value = Json> {
    let bounds = (proptest::option::of(-5i64..5), proptest::option::of(-5i64..9), proptest::option::of(1i64..4), any::<bool>());
    let integer = bounds
        .clone()
        .prop_map(|(low, high, step, exclusive)| numeric("integer", low.map(Json::from), high.map(Json::from), step, exclusive));
    let number = bounds.prop_map(|(low, high, step, exclusive)| {
        let half = |n: Option<i64>| n.and_then(|n| serde_json::Number::from_f64(n as f64 + 0.5)).map(Json::from);
        numeric("number", half(low), half(high), step.filter(|s| *s == 1), exclusive)
    });
    let pattern = prop_oneof![Just("^A[0-9]{2}$"), Just("[0-9]"), Just("^(a|é)+$"), Just("\\d"), Just("^\\w*$"), Just("\\s")];
    let string =
        (proptest::option::of(pattern), proptest::option::of(0u64..4), proptest::option::of(0u64..6)).prop_map(|(pattern, low, high)| {
            let mut schema = json!({ "type": "string" });
            if let Some(pattern) = pattern {
                schema["pattern"] = pattern.into();
            }
            if let Some(low) = low {
                schema["minLength"] = low.into();
            }
            if let Some(high) = high {
                schema["maxLength"] = high.into();
            }
            schema
        });
    let format = prop_oneof![
        Just("date"),
        Just("email"),
        Just("uuid"),
        Just("uri"),
        Just("ipv4"),
        Just("time"),
        Just("insee-commune"),
        Just("siren")
    ]
    .prop_map(|f| json!({ "type": "string", "format": f }));
    let choice = prop_oneof![
        Just(json!({ "enum": ["a", "é", "A12"] })),
        Just(json!({ "enum": [1, 2, 3.0] })),
        Just(json!({ "type": "integer", "enum": [1, 2, "a"] })),
        Just(json!({ "const": true })),
        Just(json!({ "const": "a" })),
        Just(json!({ "enum": ["a", null] })),
        Just(json!({ "type": ["string", "null"], "enum": ["a", "b"] })),
        Just(json!({ "type": "boolean" })),
        Just(json!({ "type": ["integer", "boolean"], "minimum": 2 })),
        Just(json!({ "anyOf": [{ "type": "integer", "maximum": 3 }, { "type": "string", "pattern": "^a" }] })),
        Just(json!({ "not": { "const": "a" }, "type": "string" })),
    ];
    (prop_oneof![integer, number, string, format, choice], any::<bool>()).prop_map(|(mut schema, nullable)| {
        if nullable && let Some(Json::String(one)) = schema.get("type").cloned() {
            schema["type"] = json!([one, "null"]);
        }
        schema
    })
}

fn numeric(kind: &str, low: Option<Json>, high: Option<Json>, step: Option<i64>, exclusive: bool) -> Json {
    let mut schema = json!({ "type": kind });
    if let Some(low) = low {
        schema[if exclusive { "exclusiveMinimum" } else { "minimum" }] = low;
    }
    if let Some(high) = high {
        schema[if exclusive { "exclusiveMaximum" } else { "maximum" }] = high;
    }
    if let Some(step) = step {
        schema["multipleOf"] = step.into();
    }
    schema
}

/// A value or none. Empty text is left out: an empty cell is null or absent, which JSON tells apart and a table does not.
fn value() -> impl Strategy<Value = Option<Json>> {
    let text = prop_oneof![
        Just("a".to_owned()),
        Just("A12".to_owned()),
        Just("é".to_owned()),
        Just("2026-02-28".to_owned()),
        Just("2026-02-30".to_owned()),
        Just("75056".to_owned()),
        Just("200054781".to_owned()),
        Just("a@b.fr".to_owned()),
        Just("https://exemple.fr".to_owned()),
        Just("192.0.2.1".to_owned()),
        Just("14:05:00Z".to_owned()),
        Just("6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned()),
        "[a-c0-9é٣]{1,6}",
        "[ -~]{1,8}",
    ];
    prop_oneof![
        4 => text.prop_filter("blank", |t: &String| !t.trim().is_empty() && !t.contains('/') || t.contains("//")).prop_map(|t| Some(Json::from(t))),
        3 => (-9i64..9).prop_map(|i| Some(i.into())),
        2 => (-9i32..9).prop_map(|i| Some((f64::from(i) / 2.0).into())),
        1 => any::<bool>().prop_map(|b| Some(b.into())),
        1 => Just(None),
        1 => Just(Some(Json::Null)),
    ]
}

/// What is asked of one column under a condition.
fn asked() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!({ "const": "a" })),
        Just(json!({ "const": 3 })),
        Just(json!({ "const": true })),
        Just(json!({ "const": null })),
        Just(json!({ "enum": ["a", "A12", 1, null] })),
        Just(json!({ "type": "string" })),
        Just(json!({ "type": ["number", "null"] })),
        Just(json!({ "type": "null" })),
        Just(json!({ "minimum": 0 })),
        Just(json!({ "exclusiveMaximum": 2.5 })),
        Just(json!({ "minLength": 2 })),
        Just(json!({ "pattern": "^[a-c]" })),
        Just(json!({ "format": "date" })),
        Just(json!({ "format": "insee-commune" })),
        Just(json!({ "not": { "type": "string" } })),
        Just(json!({ "$ref": "#/$defs/asked" })),
        Just(json!(false)),
        Just(json!(true)),
    ]
}

const NAMES: [&str; 3] = ["un", "deux", "trois"];

/// A condition on a row.
fn condition() -> impl Strategy<Value = Json> {
    let name = || prop::sample::select(NAMES.to_vec());
    prop_oneof![
        3 => (name(), asked()).prop_map(|(name, asked)| json!({ "properties": { name: asked } })),
        2 => (name(), asked()).prop_map(|(name, asked)| json!({ "properties": { name: asked }, "required": [name] })),
        1 => name().prop_map(|name| json!({ "required": [name] })),
        1 => (name(), asked(), name(), asked()).prop_map(|(a, x, b, y)| json!({ "properties": { a: x, b: y } })),
        1 => Just(json!({ "$ref": "#/$defs/row" })),
    ]
}

/// Keywords of a row that relate its columns, of every kind that is left to the crate.
fn relations() -> impl Strategy<Value = Json> {
    let name = || prop::sample::select(NAMES.to_vec());
    let optional = || proptest::option::of(condition());
    let some = || proptest::collection::vec(condition(), 1..4);
    prop_oneof![
        4 => (condition(), optional(), optional()).prop_map(|(when, then, other)| {
            let mut keywords = json!({ "if": when });
            then.into_iter().for_each(|c| keywords["then"] = c);
            other.into_iter().for_each(|c| keywords["else"] = c);
            keywords
        }),
        2 => some().prop_map(|c| json!({ "anyOf": c })),
        2 => some().prop_map(|c| json!({ "oneOf": c })),
        2 => some().prop_map(|c| json!({ "allOf": c })),
        2 => condition().prop_map(|c| json!({ "not": c })),
        2 => (name(), name()).prop_map(|(a, b)| json!({ "dependentRequired": { a: [b] } })),
        1 => (name(), condition()).prop_map(|(a, c)| json!({ "dependentSchemas": { a: c } })),
        1 => (1u64..4).prop_map(|n| json!({ "minProperties": n })),
        1 => (0u64..3).prop_map(|n| json!({ "maxProperties": n })),
        1 => Just(json!({ "propertyNames": { "maxLength": 4 } })),
        1 => asked().prop_map(|c| json!({ "patternProperties": { "^(un|trois)$": c } })),
    ]
}

/// A property as it is, or through a reference, alone or with a keyword beside it.
fn referred() -> impl Strategy<Value = (Json, Option<Json>)> {
    (property(), 0u8..4, asked()).prop_map(|(property, how, beside)| match how {
        0 => (json!({ "$ref": "#/$defs/own" }), Some(property)),
        1 if beside.is_object() && beside.get("$ref").is_none() => {
            let mut both = beside;
            both["$ref"] = json!("#/$defs/own");
            (both, Some(property))
        }
        _ => (property, None),
    })
}

fn nullable(schema: &Json) -> bool {
    let validator =
        jsonschema::validator_for(&json!({ "type": schema.get("type").cloned().unwrap_or_else(|| json!("null")) })).expect("a schema");
    let listed = schema.get("enum").and_then(Json::as_array).is_some_and(|l| l.contains(&Json::Null));
    if schema.get("type").is_some() { validator.is_valid(&Json::Null) } else { listed }
}

fn report(schema: &Json, text: String) -> Result<CheckReport, TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.jsonl");
    fs::write(&path, &text).expect("written");
    let rules = Rules::from_schema(schema).map_err(|f| TestCaseError::fail(format!("{f:?}")))?;
    let report = check_file(&path, "f.jsonl", &rules, usize::MAX).report;
    prop_assert!(report.source_error.is_none(), "{:?}", report.source_error);
    Ok(report)
}

/// That the rows with a fault are those that the crate refuses.
fn agree(schema: &Json, rows: &[Json]) -> Result<(), TestCaseError> {
    let oracle = Format::options().build(schema).map_err(|e| TestCaseError::fail(format!("{schema} {e}")))?;
    let expected: BTreeSet<u64> = (2u64..).zip(rows).filter(|(_, row)| !oracle.is_valid(row)).map(|(i, _)| i).collect();
    // Every key must be somewhere for the column to exist; a first good-for-nothing row names them all and is not compared.
    let first: Json = NAMES.iter().map(|n| ((*n).to_owned(), json!("\u{1}"))).collect::<Map<_, _>>().into();
    let text: String = std::iter::once(&first).chain(rows).map(|r| format!("{r}\n")).collect();
    let report = report(schema, text.clone())?;
    let found: BTreeSet<u64> = report.errors.iter().filter_map(|e| e.row).filter(|r| *r > 1).collect();
    prop_assert_eq!(found, expected, "{}\n{}\n{:#?}", schema, text, report.errors);
    Ok(())
}

/// As many as `PROPTEST_CASES` says, else enough for a second or two.
fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn columnar_checks_agree_with_the_crate(
        schemas in proptest::collection::vec((property(), any::<bool>()), 1..4),
        cells in proptest::collection::vec(proptest::collection::vec(value(), 3), 1..8),
    ) {
        let names = NAMES;
        let properties: Map<String, Json> = names.iter().zip(&schemas).map(|(n, (s, _))| ((*n).to_owned(), s.clone())).collect();
        let required: Vec<&str> = names.iter().zip(&schemas).filter(|(_, (_, r))| *r).map(|(n, _)| *n).collect();
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        let rows: Vec<Json> = cells.iter().map(|row| {
            let object: Map<String, Json> = names.iter().zip(&schemas).zip(row)
                .filter_map(|((n, (s, _)), v)| v.clone().filter(|v| !v.is_null() || nullable(s)).map(|v| ((*n).to_owned(), v)))
                .collect();
            Json::from(object)
        }).collect();
        agree(&schema, &rows)?;
    }

    #[test]
    fn what_relates_columns_agrees_with_the_crate(
        properties in proptest::collection::vec((referred(), any::<bool>()), 3),
        (asked, row, keywords) in (asked().prop_filter("a loop", |a| a.get("$ref").is_none()), condition().prop_filter("a loop", |c| c.get("$ref").is_none()), proptest::collection::vec(relations(), 1..3)),
        closed in any::<bool>(),
        cells in proptest::collection::vec(proptest::collection::vec(value(), 3), 1..8),
    ) {
        // One definition of a property's own for all: the last one's.
        let own = properties.iter().rev().find_map(|((_, own), _)| own.clone()).unwrap_or_else(|| json!({ "type": "string" }));
        let mut schema = json!({ "type": "object", "$defs": { "asked": asked, "row": row, "own": own }, "properties": {}, "required": [] });
        for (name, ((property, _), required)) in NAMES.iter().zip(&properties) {
            schema["properties"][*name] = property.clone();
            if *required {
                schema["required"].as_array_mut().expect("a list").push((*name).into());
            }
        }
        if closed {
            schema["additionalProperties"] = false.into();
        }
        for more in &keywords {
            for (keyword, value) in more.as_object().expect("keywords") {
                schema[keyword.as_str()] = value.clone();
            }
        }
        let rules = Rules::from_schema(&schema).map_err(|f| TestCaseError::fail(format!("{schema} {f:?}")))?;
        // A null is a value where the column has it, and an empty cell elsewhere: these rows hold none of the latter.
        let holds_null = |name: &str| rules.columns().iter().any(|c| c.name == name && c.nullable);
        let rows: Vec<Json> = cells.iter().map(|row| {
            let object: Map<String, Json> = NAMES.iter().zip(row)
                .filter_map(|(n, v)| v.clone().filter(|v| !v.is_null() || holds_null(n)).map(|v| ((*n).to_owned(), v)))
                .collect();
            Json::from(object)
        }).collect();
        agree(&schema, &rows)?;
    }

    #[test]
    fn a_closed_schema_refuses_what_the_crate_refuses(
        cells in proptest::collection::vec((value(), proptest::option::of("[a-d]{1,2}"), value()), 1..5),
        open in any::<bool>(),
    ) {
        let schema = json!({ "properties": { "a": { "type": ["string", "null"] }, "b": { "type": ["integer", "null"] } }, "additionalProperties": open });
        let rows: Vec<Json> = cells.iter().map(|(value, other, second)| {
            let mut object = Map::from_iter([("a".to_owned(), value.clone().unwrap_or(Json::Null))]);
            if let Some(name) = other.as_ref().filter(|n| n.as_str() != "a") {
                object.insert(name.clone(), second.clone().unwrap_or(Json::Null));
            }
            object.into()
        }).collect();
        let oracle = Format::options().build(&schema).expect("a schema");
        let report = report(&schema, rows.iter().map(|r| format!("{r}\n")).collect())?;
        prop_assert_eq!(report.valid, rows.iter().all(|r| oracle.is_valid(r)), "{} {:?} {:#?}", schema, rows, report.errors);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        seed in prop_oneof![
            Just(b"id;date;n\r\n1;12/03/2026;\"3,5\"\r\n\r\n2;;x\r\n".to_vec()),
            Just(b"{\"id\": 1, \"date\": \"2026-03-12\"}\n{\"id\": null}\n".to_vec()),
            Just("\u{feff}id,date,n\n\"é \"\"a\"\"\",2026-02-30,1e999\n".as_bytes().to_vec()),
            Just([0xFFu8, 0xFE].into_iter().chain("id\tn\n1\t2\n".encode_utf16().flat_map(u16::to_le_bytes)).collect()),
        ],
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 0..12),
    ) {
        let mut bytes = seed;
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let rules = Rules::from_schema(&json!({ "required": ["id"], "properties": {
            "id": { "type": "string", "maxLength": 3 }, "date": { "type": "string", "format": "date" }, "n": { "type": ["number", "null"] },
        }})).expect("a schema");
        let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), &bytes).expect("written");
        if let Ok(table) = decode::read(file.path(), Expected { columns: &names, reading: None }) {
            prop_assert!(table.columns.iter().all(|c| c.len() == table.height()), "columns are as long as rows");
            let validated = retex::deposit::validate::validate(&table, &rules, 10);
            prop_assert!(validated.errors.len() <= 10);
        }
    }
}
