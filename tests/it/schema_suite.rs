//! The official cases of JSON Schema that apply to a row of a table: the verdict of the check is theirs, whether a keyword was compiled to
//! columnar checks or left to the `jsonschema` crate.
//!
//! A case becomes a row in one of two ways. An instance that is an object of scalars is a row as it is, and what it names is declared where
//! the schema does not say what else may stand beside (an undeclared column is no part of a table). A scalar is the value of a required
//! column `v` whose schema is the case's. A column without a type being one of texts, a schema that names none is given the type of the
//! instance, which changes nothing to its verdict. Each row is then a file of one line: JSON Lines, and CSV where a cell's text says the same.

use std::{collections::BTreeMap, fs, path::Path};

use retex::{
    convention::{column::ColumnKind, rules::Rules},
    deposit::check::check_file,
};
use serde_json::{Map, Value as Json, json};

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/json-schema-test-suite");

/// Cases whose verdict is another: file, words of the group or of the case, why. Those that begin with «To mend» are faults of the check.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("format", "is only an annotation by default", "a format that a convention names is checked"),
    (
        "additionalProperties",
        "patternProperties are not additional properties",
        "a column is declared by its name, not by a pattern of names",
    ),
    (
        "additionalProperties",
        "an additional invalid property is invalid",
        "an undeclared column is left out of the table: nothing is asked of it",
    ),
    (
        "unevaluatedProperties",
        "",
        "columns are those that `properties` and the branches of `allOf` name: what other branches evaluate is none",
    ),
    ("ref", "root pointer ref / match", "a column that refers to the row itself has no type: its values are texts"),
    (
        "ref",
        "escaped pointer ref / percent valid",
        "a reference with an escape in percents is not followed to the column's type: its values are texts",
    ),
    ("ref", "refs with quote / object with numbers is valid", "the same"),
    ("ref", "order of evaluation: $id and $anchor and $ref", "nor is one by an anchor"),
    ("format/date-time", "leap second on a wrong", "To mend: the sixtieth second is taken at any minute (validate::read::time)"),
    (
        "type",
        "multiple types can be specified in an array / a boolean is invalid",
        "To mend: a truth value of JSON Lines under a list of types without boolean is taken for its text (validate::rows::several)",
    ),
];

/// Why a case is no row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Skip {
    /// A list, an object inside an object.
    Nested,
    /// An empty text, or a null where the type has none: both are an empty cell.
    EmptyCell,
    /// The compiler refuses the schema, with this code: no table has such rows.
    Refused(String),
}

#[derive(Default)]
struct Counts {
    jsonl: usize,
    csv: usize,
    skipped: BTreeMap<Skip, usize>,
}

fn is_scalar(value: &Json) -> bool {
    !value.is_array() && !value.is_object()
}

/// References to the document's root, once the schema stands under a property.
fn moved(schema: &Json) -> Json {
    match schema {
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some("#")) => (key.clone(), json!("#/properties/v")),
                ("$ref", Some(target)) if target.starts_with("#/") => {
                    (key.clone(), Json::from(target.replacen("#/", "#/properties/v/", 1)))
                }
                _ => (key.clone(), moved(value)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Json::Array(list) => list.iter().map(moved).collect(),
        scalar => scalar.clone(),
    }
}

/// The schema of a column with the type of its value, where it names none. A reference alone keeps its own.
fn typed(schema: &mut Json, value: &Json) {
    let kind = match value {
        Json::Number(_) => "number",
        Json::Bool(_) => "boolean",
        Json::String(_) => "string",
        _ => return,
    };
    if *schema == Json::Bool(true) {
        *schema = json!({});
    }
    if let Some(map) = schema.as_object_mut()
        && !["type", "enum", "const", "$ref"].iter().any(|key| map.contains_key(*key))
    {
        map.insert("type".to_owned(), kind.into());
    }
}

fn mentions(schema: &Json, keywords: &[&str]) -> bool {
    match schema {
        Json::Object(map) => map.iter().any(|(key, value)| keywords.contains(&key.as_str()) || mentions(value, keywords)),
        Json::Array(list) => list.iter().any(|value| mentions(value, keywords)),
        _ => false,
    }
}

/// The schema of a row, and the row.
fn row(schema: &Json, instance: &Json) -> Result<(Json, Map<String, Json>), Skip> {
    let Json::Object(object) = instance else {
        if !is_scalar(instance) {
            return Err(Skip::Nested);
        }
        let mut schema = moved(schema);
        typed(&mut schema, instance);
        let dialect = schema.as_object_mut().and_then(|s| s.shift_remove("$schema"));
        let mut whole = json!({ "properties": { "v": schema }, "required": ["v"] });
        if let Some(dialect) = dialect {
            whole["$schema"] = dialect;
        }
        return Ok((whole, Map::from_iter([("v".to_owned(), instance.clone())])));
    };
    if object.values().any(|v| !is_scalar(v)) {
        return Err(Skip::Nested);
    }
    let mut schema = schema.clone();
    let declared = schema.get_mut("properties").and_then(Json::as_object_mut);
    declared.into_iter().flatten().for_each(|(name, property)| object.get(name).into_iter().for_each(|value| typed(property, value)));
    if !mentions(&schema, &["additionalProperties", "unevaluatedProperties"])
        && let Some(root) = schema.as_object_mut()
    {
        let declared = root.entry("properties").or_insert_with(|| json!({}));
        for (key, value) in object {
            if let Some(declared) = declared.as_object_mut() {
                typed(declared.entry(key.clone()).or_insert_with(|| json!({})), value);
            }
        }
    }
    Ok((schema, object.clone()))
}

fn valid(content: &str, rules: &Rules) -> Result<bool, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, content).expect("written");
    let report = check_file(&path, "f", rules, 10).report;
    match report.source_error {
        Some(error) => Err(error.code),
        None => Ok(report.valid),
    }
}

/// The row as CSV, where reading it back gives the same values: a column of texts does not hold the number 1, nor one of numbers the text «1».
fn csv(rules: &Rules, row: &Map<String, Json>) -> Option<String> {
    let mut cells = Vec::new();
    for (name, value) in row {
        let field = rules.fields().iter().find(|f| &f.column.name == name)?;
        let kind = field.column.kind;
        if field.mixed || !field.several.is_empty() {
            return None;
        }
        let text = match value {
            Json::String(text)
                if kind == ColumnKind::String || matches!(kind, ColumnKind::Date | ColumnKind::Datetime) && !text.contains('/') =>
            {
                text.clone()
            }
            Json::Number(n) if matches!(kind, ColumnKind::Integer | ColumnKind::Number) => n.to_string(),
            Json::Bool(b) if kind == ColumnKind::Boolean => b.to_string(),
            _ => return None,
        };
        if text.chars().any(|c| c.is_control()) {
            return None;
        }
        cells.push((name, text));
    }
    let line = |texts: Vec<&str>| texts.iter().map(|t| format!("\"{}\"", t.replace('"', "\"\""))).collect::<Vec<_>>().join(";") + "\r\n";
    (!cells.is_empty())
        .then(|| line(cells.iter().map(|(n, _)| n.as_str()).collect()) + &line(cells.iter().map(|(_, t)| t.as_str()).collect()))
}

#[test]
fn the_official_cases_have_their_verdict() {
    let mut files: Vec<_> = [SUITE.to_owned(), format!("{SUITE}/format")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let mut table: BTreeMap<String, Counts> = BTreeMap::new();
    let (mut wrong, mut used) = (Vec::new(), vec![false; DEVIATIONS.len()]);
    for path in files {
        let name = path.strip_prefix(Path::new(SUITE)).expect("inside").with_extension("").display().to_string();
        let groups: Vec<Json> = serde_json::from_slice(&fs::read(&path).expect("a file")).unwrap_or_else(|e| panic!("{name}: {e}"));
        for group in &groups {
            for case in group["tests"].as_array().expect("tests") {
                let title =
                    format!("{} / {}", group["description"].as_str().unwrap_or_default(), case["description"].as_str().unwrap_or_default());
                let counts = table.entry(name.clone()).or_default();
                match verdicts(&group["schema"], &case["data"]) {
                    Err(skip) => *counts.skipped.entry(skip).or_default() += 1,
                    Ok((jsonl, csv)) => {
                        let expected = Ok(case["valid"].as_bool().expect("a verdict"));
                        counts.jsonl += 1;
                        counts.csv += usize::from(csv.is_some());
                        if jsonl == expected && csv.as_ref().is_none_or(|v| *v == expected) {
                            continue;
                        }
                        match DEVIATIONS.iter().position(|(file, words, _)| *file == name && title.contains(words)) {
                            Some(at) => used[at] = true,
                            None => wrong.push(format!(
                                "{name}: {title}: {} {} is {expected:?}, JSON Lines {jsonl:?}, CSV {csv:?}",
                                group["schema"], case["data"]
                            )),
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    for ((file, words, why), used) in DEVIATIONS.iter().zip(used) {
        assert!(used, "{file}, {words} ({why}) is no deviation any more: take it out");
    }
    let (jsonl, csv) = table.values().fold((0, 0), |sum, c| (sum.0 + c.jsonl, sum.1 + c.csv));
    let mut said = format!("{jsonl} cases as JSON Lines, {csv} of them as CSV too\n");
    for (name, counts) in &table {
        let skipped: Vec<String> = counts.skipped.iter().map(|(why, n)| format!("{n} {why:?}")).collect();
        said += &format!("{name}: {}, {}; {}\n", counts.jsonl, counts.csv, skipped.join(", "));
    }
    // How many of each apply, so that none stops applying without a word.
    insta::assert_snapshot!(said);
    assert!(jsonl > 850 && csv > 200, "{said}");
}

type Verdict = Result<bool, String>;

fn verdicts(schema: &Json, instance: &Json) -> Result<(Verdict, Option<Verdict>), Skip> {
    let (schema, row) = row(schema, instance)?;
    if row.values().any(|v| v.as_str().is_some_and(|t| t.trim().is_empty())) {
        return Err(Skip::EmptyCell);
    }
    let rules = Rules::from_schema(&schema).map_err(|faults| Skip::Refused(faults[0].code.clone()))?;
    let no_null = |name: &String| rules.columns().iter().any(|c| &c.name == name && !c.nullable && !c.required);
    if row.iter().any(|(name, value)| value.is_null() && no_null(name)) {
        return Err(Skip::EmptyCell);
    }
    let line = Json::Object(row.clone()).to_string() + "\n";
    Ok((valid(&line, &rules), csv(&rules, &row).map(|text| valid(&text, &rules))))
}
