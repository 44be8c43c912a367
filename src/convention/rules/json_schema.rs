//! JSON Schema 2020-12 of a flat row → fields with columnar checks, and a validator for the rest.
//!
//! A property that uses only `type`, `format`, `enum`, `const`, `pattern`, bounds, lengths and annotations is columnar. A property
//! with an applicator (`anyOf`, `$ref` with siblings …), and every keyword of the row that relates columns (`if`,
//! `dependentRequired` …), stays with the `jsonschema` crate: the *rest* is the schema itself, with columnar properties
//! replaced by `true` and `type`, `required`, `additionalProperties` taken out.
//!
//! One deviation from the crate, on purpose: `multipleOf` counts in decimal, so that 0,3 is a multiple of 0,1.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{Bound, Compiled, Extra, Field, Format, HeaderRules, MAX_COLUMNS, MAX_DEPTH, Test, budget, duplicate_names, escape, pattern};
use crate::{convention::column::ColumnKind, error::Fault};

/// Keywords of a property that only the row validator evaluates.
const PROPERTY_REST: [&str; 8] = ["allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef", "$recursiveRef"];
/// Keywords of the row that only the row validator evaluates.
const ROW_REST: [&str; 16] = [
    "enum",
    "const",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "propertyNames",
    "minProperties",
    "maxProperties",
];

/// Compiles the schema of a row.
pub(super) fn compile(schema: &Json) -> Result<Compiled, Vec<Fault>> {
    let mut faults = Vec::new();
    walk(schema, &mut String::new(), 0, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    budget::references(schema).map_err(|fault| vec![fault])?;
    if let Err(error) = Format::options().build(schema) {
        let pointer = error.instance_path().as_str().to_owned();
        let word = pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let message = format!("« {word} » n'a pas la forme que JSON Schema attend : corrigez cette valeur.");
        return Err(vec![Fault::new(pointer, "keyword", message)]);
    }
    let (row, base) = row_schema(schema);
    if types(schema, row, 0).is_some_and(|t| !t.contains("object")) {
        return Err(vec![Fault::new(format!("{base}/type"), "not_an_object", "Le modèle décrit une ligne : son type est « object ».")]);
    }

    let mut fields = Vec::new();
    collect(schema, row, &base, &mut fields, &mut faults, 0);
    if fields.len() > MAX_COLUMNS {
        return Err(vec![Fault::new(
            base,
            "too_many_columns",
            format!("Le modèle déclare {} colonnes ; {MAX_COLUMNS} au plus.", fields.len()),
        )]);
    }
    for (i, name) in strings(row.get("required")).enumerate() {
        match fields.iter_mut().find(|f: &&mut Field| f.column.name == name) {
            Some(field) => field.column.required = true,
            None => {
                let mut field = Field::new(name, ColumnKind::String, format!("{base}/required/{i}"));
                field.column.nullable = true;
                field.column.required = true;
                fields.push(field);
            }
        }
    }
    if fields.is_empty() && faults.is_empty() {
        faults.push(Fault::new(base.clone(), "no_columns", "Le modèle ne déclare aucune colonne : ajoutez « properties »."));
    }
    duplicate_names(&fields, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }

    let closed = |key: &str| row.get(key) == Some(&Json::Bool(false));
    let header = HeaderRules {
        extra: if closed("additionalProperties") || closed("unevaluatedProperties") { Extra::Refused } else { Extra::Ignored },
        ..HeaderRules::default()
    };
    let row = rest(schema, row, &base, &fields)?;
    Ok(Compiled {
        fields,
        header,
        missing_values: None,
        row,
        primary_key: Vec::new(),
        references: Vec::new(),
        unique: Vec::new(),
        warnings: Vec::new(),
    })
}

/// The schema of the row: the document itself, or what its only `$ref` names.
fn row_schema(document: &Json) -> (&Json, String) {
    let target = document.get("$ref").and_then(Json::as_str).filter(|_| document.get("properties").is_none());
    match target.and_then(|r| Some((document.pointer(r.strip_prefix('#')?)?, r.strip_prefix('#')?.to_owned()))) {
        Some((row, base)) => (row, base),
        None => (document, String::new()),
    }
}

/// Properties of the row, then of its `allOf` branches.
fn collect(document: &Json, row: &Json, base: &str, fields: &mut Vec<Field>, faults: &mut Vec<Fault>, depth: usize) {
    for (name, property) in row.get("properties").and_then(Json::as_object).into_iter().flatten() {
        if depth > 0 && fields.iter().any(|f| &f.column.name == name) {
            continue;
        }
        let pointer = format!("{base}/properties/{}", escape(name));
        match field(document, name, property, pointer) {
            Ok(mut field) => {
                field.mixed |= depth > 0;
                if depth > 0 {
                    field.checks.clear();
                }
                fields.push(field);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if depth < 4 {
        for (i, branch) in row.get("allOf").and_then(Json::as_array).into_iter().flatten().enumerate() {
            collect(document, branch, &format!("{base}/allOf/{i}"), fields, faults, depth + 1);
        }
    }
}

fn strings(value: Option<&Json>) -> impl Iterator<Item = &str> {
    value.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

/// Compiles one property.
fn field(document: &Json, name: &str, property: &Json, pointer: String) -> Result<Field, Fault> {
    // A property that is only a `$ref` is what it names, with its own words.
    let empty = Map::new();
    let own = property.as_object().unwrap_or(&empty);
    let plain_ref = own.get("$ref").and_then(Json::as_str).filter(|_| !own.keys().any(|k| is_assertion(k)));
    let target = plain_ref.and_then(|r| Some((document.pointer(r.strip_prefix('#')?)?, r.strip_prefix('#')?.to_owned())));
    let (subject, at) = target.unwrap_or((property, pointer.clone()));
    let (subject, at) = either_null(subject).map_or((subject, at.clone()), |(branch, place)| (branch, at + &place));
    let schema = subject.as_object().unwrap_or(&empty);

    let types = types(document, property, 0).unwrap_or_else(|| ALL_TYPES.iter().copied().collect());
    let any = types.len() == ALL_TYPES.len();
    let nullable = types.contains("null");
    let mut scalars: Vec<&str> = types.iter().copied().filter(|t| *t != "null").collect();
    if scalars.contains(&"number") {
        scalars.retain(|t| *t != "integer");
    }
    if !any && scalars.iter().any(|t| matches!(*t, "object" | "array")) {
        return Err(Fault::new(
            pointer,
            "nested",
            format!("La colonne « {name} » contiendrait un objet ou une liste : une cellule ne tient qu'une valeur."),
        ));
    }
    let numeric = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"].iter().any(|k| schema.contains_key(*k));
    if any && numeric {
        return Err(Fault::new(
            pointer,
            "type_missing",
            format!("Indiquez le type de la colonne « {name} », par exemple \"type\": \"number\"."),
        ));
    }
    let format = schema.get("format").and_then(Json::as_str).and_then(Format::parse);
    let standard = |wanted| format == Some(Format::Standard(wanted));
    let rest = PROPERTY_REST.iter().any(|k| schema.contains_key(*k));
    let text_only = any || scalars == ["string"];
    let kind = match scalars.as_slice() {
        _ if text_only && standard(super::formats::Standard::Date) => ColumnKind::Date,
        _ if text_only && standard(super::formats::Standard::DateTime) => ColumnKind::Datetime,
        ["integer"] => ColumnKind::Integer,
        ["number"] => ColumnKind::Number,
        ["boolean"] => ColumnKind::Boolean,
        _ => ColumnKind::String,
    };

    let mut field = Field::new(name, kind, pointer);
    let word = |key: &str| own.get(key).or_else(|| schema.get(key)).and_then(Json::as_str).map(str::to_owned);
    field.column.title = word("title");
    field.column.nullable = nullable;
    field.description = word("description");
    let examples = own.get("examples").or_else(|| schema.get("examples")).and_then(Json::as_array);
    field.example = examples.and_then(|e| e.first()).map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned));
    // Several scalar types, none but null, or keywords of the rest: the crate judges the value.
    field.mixed = rest || property.is_boolean() && property == &Json::Bool(false) || (!any && scalars.len() != 1);
    if !any && scalars.len() > 1 {
        field.several = scalars.iter().map(|&s| s.to_owned()).collect();
    }
    if !field.mixed {
        checks(&mut field, schema, &at, format, kind)?;
        if at.ends_with("Of/0") || at.ends_with("Of/1") {
            // Null is the other branch.
            field.null_fault = None;
        }
    }
    Ok(field)
}

/// The other branch of an `anyOf` or `oneOf` that only adds null, as many generators write an optional value; and its place.
fn either_null(schema: &Json) -> Option<(&Json, String)> {
    let object = schema.as_object()?;
    let keyword = ["anyOf", "oneOf"].into_iter().find(|k| object.contains_key(*k))?;
    if object.keys().any(|k| k != keyword && is_assertion(k)) {
        return None;
    }
    let branches = object.get(keyword)?.as_array().filter(|b| b.len() == 2)?;
    let null = branches
        .iter()
        .position(|b| b.as_object().is_some_and(|o| o.len() == 1 && o.get("type").and_then(Json::as_str) == Some("null")))?;
    let other = branches.get(1 - null)?;
    let assertions = other.as_object()?;
    (!["$ref", "allOf", "anyOf", "oneOf", "not", "if"].iter().any(|k| assertions.contains_key(*k))
        && !types(schema, other, 0)?.contains("null"))
    .then(|| (other, format!("/{keyword}/{}", 1 - null)))
}

fn checks(field: &mut Field, schema: &Map<String, Json>, at: &str, format: Option<Format>, kind: ColumnKind) -> Result<(), Fault> {
    let place = |keyword: &str| format!("{at}/{keyword}");
    let number = |keyword: &str| schema.get(keyword).and_then(bound);
    if let Some(values) = schema.get("enum").and_then(Json::as_array) {
        one_of(field, "enum", place("enum"), values, kind);
    }
    if let Some(value) = schema.get("const") {
        one_of(field, "const", place("const"), std::slice::from_ref(value), kind);
    }
    if matches!(kind, ColumnKind::Integer | ColumnKind::Number) {
        type Make = fn(Bound) -> Test;
        let bounds: [(&'static str, &str, Make); 4] = [
            ("minimum", "minimum", Test::Minimum),
            ("maximum", "maximum", Test::Maximum),
            ("exclusive_minimum", "exclusiveMinimum", Test::ExclusiveMinimum),
            ("exclusive_maximum", "exclusiveMaximum", Test::ExclusiveMaximum),
        ];
        for (code, keyword, test) in bounds {
            if let Some(bound) = number(keyword) {
                field.ask(code, place(keyword), test(bound));
            }
        }
        if let Some(bound) = number("multipleOf") {
            field.ask("multiple_of", place("multipleOf"), Test::MultipleOf(bound.as_f64()));
        }
        return Ok(());
    }
    if kind == ColumnKind::Boolean {
        return Ok(());
    }
    if let Some(text) = schema.get("pattern").and_then(Json::as_str) {
        let regex = pattern::compile(text, false, &place("pattern"))?;
        let words = pattern::words(&regex);
        field.ask("pattern", place("pattern"), Test::Pattern { regex, as_written: false, words });
    }
    let length = |keyword: &str| schema.get(keyword).and_then(length);
    if let Some(limit) = length("minLength") {
        field.ask("min_length", place("minLength"), Test::MinLength(limit));
    }
    if let Some(limit) = length("maxLength") {
        field.ask("max_length", place("maxLength"), Test::MaxLength(limit));
    }
    if kind == ColumnKind::String
        && let Some(format) = format
    {
        field.ask("format", place("format"), Test::Format(format));
    }
    Ok(())
}

fn length(value: &Json) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length such as 3.0, which the meta-schema holds to be whole and positive"
    )]
    value.as_u64().or_else(|| value.as_f64().map(|f| f as u64))
}

fn bound(value: &Json) -> Option<Bound> {
    value.as_i64().map(Bound::Int).or_else(|| value.as_f64().map(Bound::Float))
}

/// Values of another type than the column's can never match, and are left out.
fn one_of(field: &mut Field, code: &'static str, pointer: String, values: &[Json], kind: ColumnKind) {
    if !values.contains(&Json::Null) {
        field.null_fault = Some(pointer.clone());
    }
    let test = match kind {
        ColumnKind::String => {
            let list: Vec<String> = values.iter().filter_map(Json::as_str).map(str::to_owned).collect();
            Test::OneOfTexts { set: list.iter().cloned().collect(), list }
        }
        ColumnKind::Boolean => Test::OneOfBooleans(values.iter().filter_map(Json::as_bool).collect()),
        ColumnKind::Integer | ColumnKind::Number => {
            let bounds = values.iter().filter_map(bound).collect();
            Test::OneOfNumbers(bounds, values.iter().filter(|v| v.is_number()).map(ToString::to_string).collect())
        }
        ColumnKind::Date | ColumnKind::Datetime => {
            let list: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
            let ticks = |text: &&str| if kind == ColumnKind::Date { super::day(text) } else { super::instant(text) };
            Test::OneOfNumbers(list.iter().filter_map(ticks).map(Bound::Int).collect(), list.iter().map(|&s| s.to_owned()).collect())
        }
    };
    field.ask(code, pointer, test);
}

const ALL_TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
const ANNOTATIONS: [&str; 12] =
    ["title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment", "$ref", "$id", "$anchor", "$schema"];

fn is_assertion(keyword: &str) -> bool {
    !ANNOTATIONS.contains(&keyword) && !keyword.starts_with("x-")
}

/// The types that a schema lets through; None for all.
fn types<'a>(document: &'a Json, schema: &'a Json, depth: usize) -> Option<BTreeSet<&'a str>> {
    if depth > 16 {
        return None;
    }
    let mut all: Vec<BTreeSet<&str>> = Vec::new();
    let of = |value: &Json| match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    match schema.get("type") {
        Some(Json::String(one)) => all.push(widen([one.as_str()].into())),
        Some(list @ Json::Array(_)) => all.push(widen(strings(Some(list)).collect())),
        _ => {
            if let Some(values) = schema.get("enum").and_then(Json::as_array) {
                all.push(widen(values.iter().map(of).collect()));
            } else if let Some(value) = schema.get("const") {
                all.push(widen([of(value)].into()));
            }
        }
    }
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|r| document.pointer(r.strip_prefix('#')?)) {
        all.extend(types(document, target, depth + 1));
    }
    for branch in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
        all.extend(types(document, branch, depth + 1));
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(branches) = schema.get(key).and_then(Json::as_array) {
            let sets: Option<Vec<_>> = branches.iter().map(|b| types(document, b, depth + 1)).collect();
            all.extend(sets.map(|sets| sets.into_iter().flatten().collect::<BTreeSet<_>>()));
        }
    }
    all.into_iter().reduce(|a, b| a.intersection(&b).copied().collect())
}

/// A number may be whole.
fn widen(mut set: BTreeSet<&str>) -> BTreeSet<&str> {
    if set.contains("number") {
        set.insert("integer");
    }
    set
}

/// The validator of what is not columnar, if anything is left.
fn rest(document: &Json, row: &Json, base: &str, fields: &[Field]) -> Result<Option<jsonschema::Validator>, Vec<Fault>> {
    let relates = ROW_REST.iter().any(|k| row.get(*k).is_some()) || row.get("additionalProperties").is_some_and(Json::is_object);
    let patterned = row.get("patternProperties").is_some();
    if !relates && !patterned && !fields.iter().any(|f| f.mixed) {
        return Ok(None);
    }
    let mut document = document.clone();
    if let Some(row) = document.pointer_mut(base).and_then(Json::as_object_mut) {
        for keyword in ["type", "required"] {
            row.remove(keyword);
        }
        for keyword in ["additionalProperties", "unevaluatedProperties"] {
            if row.get(keyword).is_some_and(Json::is_boolean) {
                row.remove(keyword);
            }
        }
        for (name, property) in row.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
            if fields.iter().any(|f| &f.column.name == name && !f.mixed) {
                *property = Json::Bool(true);
            }
        }
    }
    let built = Format::options().build(&document);
    built.map(Some).map_err(|error| {
        vec![Fault::new(error.instance_path().as_str(), "keyword", "Cette partie du modèle n'est pas lisible : corrigez-la.")]
    })
}

/// Refuses unknown forms, bad patterns, references outside the document and what is too deep, wherever they stand.
fn walk(schema: &Json, pointer: &mut String, depth: usize, faults: &mut Vec<Fault>) {
    if depth > MAX_DEPTH {
        if faults.last().is_none_or(|f| f.code != "too_deep") {
            faults.push(Fault::new(
                pointer.clone(),
                "too_deep",
                format!("Le modèle est imbriqué sur plus de {MAX_DEPTH} niveaux : simplifiez-le."),
            ));
        }
        return;
    }
    let mut into = |key: &str, value: &Json, pointer: &mut String| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&escape(key));
        walk(value, pointer, depth + 1, faults);
        pointer.truncate(length);
    };
    match schema {
        Json::Object(map) => {
            for (key, value) in map {
                if !matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                    into(key, value, pointer);
                }
            }
            let text = |key: &str| map.get(key).and_then(Json::as_str);
            if let Some(name) = text("format").filter(|n| Format::parse(n).is_none()) {
                let known = Format::names().collect::<Vec<_>>().join(", ");
                faults.push(Fault::new(
                    format!("{pointer}/format"),
                    "unknown_format",
                    format!("La forme « {name} » est inconnue. Formes connues : {known}."),
                ));
            }
            if let Some(Err(fault)) = text("pattern").map(|p| pattern::compile(p, false, &format!("{pointer}/pattern"))) {
                faults.push(fault);
            }
            if let Some(target) = text("$ref").filter(|r| !r.starts_with('#')) {
                let message = format!("« {target} » est hors du document : recopiez ici ce qu'il désigne.");
                faults.push(Fault::new(format!("{pointer}/$ref"), "ref_outside", message));
            }
        }
        Json::Array(items) => items.iter().enumerate().for_each(|(i, item)| into(&i.to_string(), item, pointer)),
        _ => {}
    }
}
