//! Row schemas compiled into checks: what each column's cells are read as and asked for, what may stand in the header, which
//! keys do not repeat, and which predicates hold on a row.
//!
//! Two languages are read, and become the same [`Rules`]:
//! - JSON Schema 2020-12 of a flat row ([`json_schema`]). What concerns one column and one scalar is compiled to columnar checks;
//!   everything else (`if`, `anyOf`, `dependentRequired` …) stays with the `jsonschema` crate, row by row.
//! - a Table Schema descriptor, version 1 or 2 ([`table_schema`]), recognised by its `fields` array.
//!
//! A cell is empty when it holds nothing but spaces (JSON Schema) or one of `missingValues` (Table Schema). An empty cell is null
//! where the type allows it, else the property is absent, and `required` fails.

mod budget;
mod field;
mod formats;
mod json_schema;
mod pattern;
mod reading;
mod table_schema;

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

pub use self::{
    field::{Bound, Check, Dates, Field, Notation, Read, SHORT_YEARS, Test, Words},
    formats::Format,
    pattern::Pattern,
};
use super::{
    column::Column,
    document::{Dataset, Reading},
    expression::{self, Expression, ExpressionKind},
};
use crate::error::Fault;

/// Most bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;
/// Most columns of a schema and of a file.
pub const MAX_COLUMNS: usize = 2000;
/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 64;

/// The compiled checks of one dataset or schema.
pub struct Rules {
    columns: Vec<Column>,
    fields: Vec<Field>,
    kind: SchemaKind,
    id: Option<String>,
    sha256: String,
    header: HeaderRules,
    missing_values: Option<Vec<String>>,
    row: Option<jsonschema::Validator>,
    keys: Vec<Key>,
    references: Vec<Reference>,
    predicates: Vec<Predicate>,
    reading: Reading,
    personal: BTreeSet<String>,
    warnings: Vec<Fault>,
}

/// The language of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    /// JSON Schema of a row.
    JsonSchema,
    /// Table Schema descriptor.
    TableSchema,
}

impl SchemaKind {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonSchema => "json-schema",
            Self::TableSchema => "table-schema",
        }
    }
}

/// What may stand in the header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderRules {
    /// What a column that is not declared is.
    pub extra: Extra,
    /// Whether every declared column must be there, required or not.
    pub all: bool,
    /// Whether at least one declared column must be there.
    pub some: bool,
    /// Whether columns must stand in the declared order.
    pub order: bool,
    /// Whether an absent column that no row requires is worth a word.
    pub tell_absent: bool,
}

/// What a column that is not declared is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extra {
    /// Left out of the table, and said.
    #[default]
    Ignored,
    /// Outside the perimeter: the file is refused and no value of it is shown.
    Refused,
}

/// Columns whose values do not repeat together.
pub struct Key {
    /// Positions among [`Rules::columns`].
    pub columns: Vec<usize>,
    /// Whether all of them must be filled (a primary key).
    pub primary: bool,
    /// JSON Pointer of the declaration.
    pub pointer: String,
}

/// Columns whose values stand elsewhere.
pub struct Reference {
    /// Positions among [`Rules::columns`].
    pub columns: Vec<usize>,
    /// Whether it is the territory list; else another dataset, which one file alone cannot tell.
    pub territory: bool,
    /// Name of what is referred to.
    pub name: String,
    /// JSON Pointer of the declaration.
    pub pointer: String,
}

/// A predicate on a row; unknown passes.
pub struct Predicate {
    /// Stable name.
    pub id: String,
    /// What a person reads when it fails.
    pub message: String,
    /// Compiled.
    pub expression: Expression,
}

/// What a schema alone gives.
struct Compiled {
    fields: Vec<Field>,
    header: HeaderRules,
    missing_values: Option<Vec<String>>,
    row: Option<jsonschema::Validator>,
    primary_key: Vec<String>,
    references: Vec<Reference>,
    unique: Vec<(usize, String)>,
    warnings: Vec<Fault>,
}

impl Rules {
    /// Compiles a bare schema (JSON Schema of a flat row, or Table Schema descriptor). Pointers are relative to the schema.
    pub fn from_schema(schema: &Json) -> Result<Self, Vec<Fault>> {
        Self::compile(schema)
    }

    /// Compiles a dataset of a convention: its schema, keys, rules and reading. Pointers are relative to the dataset.
    ///
    /// The perimeter is closed whatever the language: a column that the schema neither declares nor lets in by
    /// `fieldsMatch` `subset` or `partial` (Table Schema) or by an `additionalProperties` that is not `false` (JSON Schema) refuses the file.
    pub fn from_dataset(name: &str, dataset: &Dataset) -> Result<Self, Vec<Fault>> {
        let mut rules = Self::compile(&dataset.schema)
            .map_err(|faults| faults.into_iter().map(|f| Fault { pointer: format!("/schema{}", f.pointer), ..f }).collect::<Vec<_>>())?;
        rules.id = Some(name.to_owned());
        if rules.kind == SchemaKind::TableSchema && dataset.schema.get("fieldsMatch").is_none() {
            rules.header.extra = Extra::Refused;
        }
        let mut faults = Vec::new();
        rules.add_keys(dataset, &mut faults);
        if let Some(reading) = &dataset.reading {
            rules.add_reading(reading, &mut faults);
        }
        for (i, rule) in dataset.rules.iter().enumerate() {
            let pointer = format!("/rules/{i}/check");
            match expression::compile(&rule.check, &rules.columns, &pointer) {
                Ok(expression) if expression.kind == ExpressionKind::Boolean => {
                    rules.predicates.push(Predicate { id: rule.id.clone(), message: rule.message.clone(), expression });
                }
                Ok(_) => faults.push(Fault::new(pointer, "not_boolean", "Écrivez une condition, vraie ou fausse pour chaque ligne.")),
                Err(fault) => faults.push(fault),
            }
            if dataset.rules[..i].iter().any(|other| other.id == rule.id) {
                faults.push(Fault::new(
                    format!("/rules/{i}/id"),
                    "duplicate_id",
                    format!("« {} » nomme déjà une autre règle : donnez un nom à chacune.", rule.id),
                ));
            }
        }
        rules.personal = dataset.personal_data.keys().cloned().collect();
        for column in dataset.personal_data.keys() {
            if !rules.columns.iter().any(|c| &c.name == column) {
                faults.push(rules.unknown_column(&format!("/personal_data/{}", escape(column)), column));
            }
        }
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    /// Whether the convention declares that a column holds personal data.
    pub fn is_personal(&self, column: &str) -> bool {
        self.personal.contains(column)
    }

    /// The declared columns, in the schema's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The same columns with everything that their cells are checked for, in the same order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The schema's language.
    pub fn kind(&self) -> SchemaKind {
        self.kind
    }

    /// The dataset's name, else the schema's `$id` or name.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// SHA-256 (hex) of the schema's canonical JSON (keys sorted, no spaces).
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What may stand in the header.
    pub fn header(&self) -> &HeaderRules {
        &self.header
    }

    /// Whether a cell as written is empty.
    #[inline]
    pub fn is_missing(&self, cell: &str) -> bool {
        if self.missing_values.is_some() || !self.reading.missing.is_empty() {
            return self.is_a_word_of_nothing(cell);
        }
        // Most cells begin with a letter or a digit, which settles it.
        !cell.as_bytes().first().is_some_and(u8::is_ascii_graphic) && cell.trim().is_empty()
    }

    fn is_a_word_of_nothing(&self, cell: &str) -> bool {
        let of_schema = match &self.missing_values {
            None => cell.trim().is_empty(),
            Some(values) => values.iter().any(|v| v == cell),
        };
        of_schema || self.reading.missing.iter().any(|v| v == cell.trim())
    }

    /// What stays with the `jsonschema` crate, row by row, if anything.
    pub fn row_validator(&self) -> Option<&jsonschema::Validator> {
        self.row.as_ref()
    }

    /// Keys, the primary one first.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Foreign keys.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The convention's rules on a row.
    pub fn predicates(&self) -> &[Predicate] {
        &self.predicates
    }

    /// How cells are read where it is agreed.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// What was tolerated in the schema.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    fn compile(schema: &Json) -> Result<Self, Vec<Fault>> {
        let Some(object) = schema.as_object() else {
            return Err(vec![Fault::new("", "not_an_object", "Le modèle de données doit être un objet JSON.")]);
        };
        budget::patterns(schema).map_err(|fault| vec![fault])?;
        let (kind, compiled) = if object.get("fields").is_some_and(Json::is_array) {
            (SchemaKind::TableSchema, table_schema::compile(schema)?)
        } else {
            (SchemaKind::JsonSchema, json_schema::compile(schema)?)
        };
        let text = |key: &str| object.get(key).and_then(Json::as_str).map(str::to_owned);
        let mut rules = Self {
            columns: compiled.fields.iter().map(|f| f.column.clone()).collect(),
            fields: compiled.fields,
            kind,
            id: text("$id").or_else(|| text("name")).or_else(|| text("title")),
            sha256: hex::encode(Sha256::digest(canonical(schema))),
            header: compiled.header,
            missing_values: compiled.missing_values,
            row: compiled.row,
            keys: Vec::new(),
            references: compiled.references,
            predicates: Vec::new(),
            reading: Reading::default(),
            personal: BTreeSet::new(),
            warnings: compiled.warnings,
        };
        let mut faults = Vec::new();
        rules.add_key(&compiled.primary_key, true, "/primaryKey", &mut faults);
        rules.keys.extend(compiled.unique.into_iter().map(|(column, pointer)| Key { columns: vec![column], primary: false, pointer }));
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    fn add_keys(&mut self, dataset: &Dataset, faults: &mut Vec<Fault>) {
        if !dataset.primary_key.is_empty() {
            self.keys.retain(|key| !key.primary);
            self.add_key(&dataset.primary_key, true, "/primary_key", faults);
        }
        for (i, key) in dataset.unique_keys.iter().enumerate() {
            self.add_key(key, false, &format!("/unique_keys/{i}"), faults);
        }
        for (i, key) in dataset.foreign_keys.iter().enumerate() {
            let pointer = format!("/foreign_keys/{i}");
            if let Some(columns) = self.positions(&key.fields, &format!("{pointer}/fields"), faults) {
                let territory = key.reference == "territory";
                self.references.push(Reference { columns, territory, name: key.reference.clone(), pointer });
            }
        }
    }

    fn add_key(&mut self, names: &[String], primary: bool, pointer: &str, faults: &mut Vec<Fault>) {
        if names.is_empty() {
            return;
        }
        if let Some(columns) = self.positions(names, pointer, faults) {
            let key = Key { columns, primary, pointer: pointer.to_owned() };
            if primary { self.keys.insert(0, key) } else { self.keys.push(key) }
        }
    }

    fn positions(&self, names: &[String], pointer: &str, faults: &mut Vec<Fault>) -> Option<Vec<usize>> {
        let before = faults.len();
        let found = names.iter().enumerate().filter_map(|(i, name)| {
            let position = self.columns.iter().position(|c| &c.name == name);
            if position.is_none() {
                faults.push(self.unknown_column(&format!("{pointer}/{i}"), name));
            }
            position
        });
        let found = found.collect();
        (faults.len() == before).then_some(found)
    }

    fn unknown_column(&self, pointer: &str, name: &str) -> Fault {
        let near = nearest(name, self.columns.iter().map(|c| c.name.as_str()));
        let hint = near.map_or_else(String::new, |n| format!(" Vouliez-vous dire « {n} » ?"));
        Fault::new(pointer, "unknown_column", format!("La colonne « {name} » n'est pas déclarée.{hint}"))
    }
}

/// The nearest of `names`, if it is near enough to be a slip of the pen.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |s: &str| s.trim().to_lowercase().replace(['-', ' ', '.'], "_");
    let wanted = fold(name);
    let scored = names.map(|n| (strsim::normalized_damerau_levenshtein(&wanted, &fold(n)), n));
    scored.filter(|(score, _)| *score >= 0.6).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, n)| n)
}

/// `key` as a part of a JSON Pointer.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The same JSON with keys sorted and no spaces.
fn canonical(json: &Json) -> String {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(k, _)| k.as_str());
            let entries: Vec<_> = entries.into_iter().map(|(k, v)| format!("{}:{}", Json::from(k.as_str()), canonical(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

/// Refuses two columns of one name; says where the second stands.
fn duplicate_names(fields: &[Field], faults: &mut Vec<Fault>) {
    let mut seen = HashMap::new();
    for field in fields {
        if seen.insert(field.column.name.as_str(), ()).is_some() {
            faults.push(Fault::new(
                &field.pointer,
                "duplicate_column",
                format!("La colonne « {} » est déclarée deux fois.", field.column.name),
            ));
        }
    }
}

/// Days since 1970-01-01 of an ISO day.
fn day(text: &str) -> Option<i64> {
    let day: chrono::NaiveDate = text.parse().ok()?;
    Some(day.signed_duration_since(chrono::NaiveDate::default()).num_days())
}

/// Microseconds since 1970-01-01T00:00:00 of an ISO day and hour, local; an offset is converted to Paris time.
fn instant(text: &str) -> Option<i64> {
    if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(instant.with_timezone(&chrono_tz::Europe::Paris).naive_local().and_utc().timestamp_micros());
    }
    let local: chrono::NaiveDateTime = text.replacen(' ', "T", 1).parse().ok()?;
    Some(local.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::convention::column::ColumnKind;

    fn faults(schema: &Json) -> Vec<(String, String)> {
        Rules::from_schema(schema).map(|_| Vec::new()).unwrap_or_else(|f| f.into_iter().map(|f| (f.pointer, f.code)).collect())
    }

    #[test]
    fn columns_have_the_type_that_their_property_lets_through() {
        let rules = Rules::from_schema(&json!({
            "type": "object",
            "$defs": { "day": { "type": "string", "format": "date" } },
            "required": ["a"],
            "properties": {
                "a": { "type": "integer" },
                "b": { "type": ["number", "null"] },
                "c": { "enum": ["x", "y"] },
                "d": { "$ref": "#/$defs/day" },
                "e": { "anyOf": [{ "type": "null" }, { "type": "boolean" }] },
                "f": { "type": "string", "format": "date-time" },
                "g": {},
                "h": { "type": ["integer", "string"] },
            },
        }))
        .expect("a good schema");
        let kinds: Vec<_> = rules.columns().iter().map(|c| (c.kind, c.nullable)).collect();
        assert_eq!(
            kinds,
            [
                (ColumnKind::Integer, false),
                (ColumnKind::Number, true),
                (ColumnKind::String, false),
                (ColumnKind::Date, false),
                (ColumnKind::Boolean, true),
                (ColumnKind::Datetime, false),
                (ColumnKind::String, true),
                (ColumnKind::String, false),
            ]
        );
        assert!(rules.columns()[0].required && !rules.columns()[1].required);
        assert!(rules.row_validator().is_some(), "anyOf and several types stay with the crate");
    }

    #[test]
    fn a_bad_schema_says_where() {
        let p = |property: Json| json!({ "properties": { "a/b": property } });
        let cases = [
            (p(json!({ "type": "string", "format": "siret2" })), "/properties/a~1b/format", "unknown_format"),
            (p(json!({ "type": "string", "pattern": "(" })), "/properties/a~1b/pattern", "pattern"),
            (p(json!({ "type": "object" })), "/properties/a~1b", "nested"),
            (p(json!({ "minimum": 3 })), "/properties/a~1b", "type_missing"),
            (p(json!({ "$ref": "http://example.org/x" })), "/properties/a~1b/$ref", "ref_outside"),
            (p(json!({ "type": "integre" })), "/properties/a~1b/type", "keyword"),
            (p(json!({ "type": "string", "maxLength": -1 })), "/properties/a~1b/maxLength", "keyword"),
            (json!({}), "", "no_columns"),
            (json!([]), "", "not_an_object"),
            (json!({ "type": "array" }), "/type", "not_an_object"),
            (json!({ "fields": [{ "type": "integer" }] }), "/fields/0/name", "name_missing"),
            (json!({ "fields": [{ "name": "a", "type": "entier" }] }), "/fields/0/type", "type_unknown"),
            (json!({ "fields": [{ "name": "a" }, { "name": "a" }] }), "/fields/1", "duplicate_column"),
            (json!({ "fields": [{ "name": "a", "type": "date", "format": "%Q" }] }), "/fields/0/format", "format"),
            (json!({ "fields": [{ "name": "a" }], "primaryKey": "b" }), "/primaryKey/0", "unknown_column"),
            (json!({ "fields": [{ "name": "a" }], "fieldsMatch": "tout" }), "/fieldsMatch", "keyword"),
        ];
        for (schema, pointer, code) in cases {
            assert_eq!(faults(&schema), [(pointer.to_owned(), code.to_owned())], "{schema}");
        }
        let mut deep = json!({ "type": "string" });
        for _ in 0..80 {
            deep = json!({ "not": deep });
        }
        assert_eq!(faults(&p(deep))[0].1, "too_deep");
        let wide: serde_json::Map<_, _> = (0..=MAX_COLUMNS).map(|i| (format!("c{i}"), json!({}))).collect();
        assert_eq!(faults(&json!({ "properties": wide }))[0].1, "too_many_columns");
    }

    #[test]
    fn what_strays_from_table_schema_is_tolerated_and_said() {
        let rules = Rules::from_schema(&json!({ "fields": [
            { "name": "jour", "type": "date", "format": "%Y-%m-%d", "required": true, "constraints": { "pattern": "\\d{4}-.*" } },
            { "name": "n", "type": "integer", "constraints": { "maxLength": 3 } },
        ], "custom_checks": [{ "name": "sum-columns-value", "params": {} }] }))
        .expect("tolerated");
        let codes: Vec<_> = rules.warnings().iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["misplaced_constraint", "constraint_ignored", "constraint_ignored", "custom_check_ignored"]);
        assert!(rules.columns()[0].required);
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        assert_eq!(nearest("satisfacton", ["bras", "satisfaction"].into_iter()), Some("satisfaction"));
        assert_eq!(nearest("Date dépot", ["date_depot", "bras"].into_iter()), Some("date_depot"));
        assert_eq!(nearest("commentaire", ["bras", "agent"].into_iter()), None);
    }
}
