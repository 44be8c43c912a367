//! The rows of a schema as a grid: one line per column, with what an officer sets, and the rest kept beside it.
//!
//! A document is shaped before it is shown and made plain again after. A column, or a whole schema, that the grid could not give back
//! exactly keeps its own JSON.

use serde_json::{Map, Value as Json, json};

/// Keys of the kind of a shaped schema.
const GRID: &str = "$grid";
const RAW: &str = "$raw";

/// The document with each dataset's schema as a grid, where that loses nothing.
pub fn shape(document: &Json) -> Json {
    let mut document = document.clone();
    for dataset in datasets(&mut document) {
        let before = dataset.clone();
        let Some(object) = dataset.as_object_mut() else { continue };
        let Some(schema) = object.get("schema").cloned() else { continue };
        let personal = match object.get("personal_data") {
            None => Some(Map::new()),
            Some(Json::Object(map)) if !map.is_empty() => Some(map.clone()),
            // Left as it is.
            _ => None,
        };
        let shaped = personal.as_ref().and_then(|p| shaped(&schema, p));
        object.insert("schema".to_owned(), shaped.clone().unwrap_or_else(|| json!({RAW: schema})));
        if shaped.is_some() {
            object.shift_remove("personal_data");
            let mut back = dataset.clone();
            unshape(&mut back);
            if back != before {
                *dataset = before;
                if let Some(object) = dataset.as_object_mut() {
                    object.insert("schema".to_owned(), json!({RAW: schema}));
                }
            }
        }
    }
    document
}

/// The document of a shaped one.
pub fn plain(mut document: Json) -> Json {
    datasets(&mut document).for_each(unshape);
    document
}

fn datasets(document: &mut Json) -> impl Iterator<Item = &mut Json> {
    document.get_mut("datasets").and_then(Json::as_object_mut).into_iter().flatten().map(|(_, d)| d)
}

fn shaped(schema: &Json, personal: &Map<String, Json>) -> Option<Json> {
    let object = schema.as_object()?;
    let mut left = personal.clone();
    let mut kind_of = |name: &str| left.shift_remove(name);
    if let Some(fields) = object.get("fields") {
        let fields = fields.as_array()?;
        let mut columns = Vec::new();
        for field in fields {
            columns.push(from_field(field, &mut kind_of)?);
        }
        let rest = without(object, &["fields"]);
        return Some(json!({GRID: "table", "columns": columns, "rest": rest, "personal": left}));
    }
    let properties = match object.get("properties") {
        Some(properties) => properties.as_object()?.clone(),
        None => return None,
    };
    let required: Vec<String> = match object.get("required") {
        None => Vec::new(),
        Some(list) => list.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>()?,
    };
    let mut columns = Vec::new();
    for (name, property) in &properties {
        let mut column = from_property(property)?;
        column.shift_insert(0, "name".to_owned(), Json::from(name.as_str()));
        if required.contains(name) {
            column.insert("required".to_owned(), Json::Bool(true));
        }
        if let Some(kind) = kind_of(name) {
            column.insert("personal".to_owned(), kind);
        }
        columns.push(Json::Object(column));
    }
    let mut rest = without(object, &["properties", "required"]);
    if required.is_empty() && object.contains_key("required") {
        rest.insert("required".to_owned(), json!([]));
    }
    Some(json!({GRID: "json", "columns": columns, "rest": rest, "order": required, "personal": left}))
}

fn without(object: &Map<String, Json>, keys: &[&str]) -> Map<String, Json> {
    object.iter().filter(|(k, _)| !keys.contains(&k.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A column of a JSON Schema, without its name.
fn from_property(property: &Json) -> Option<Map<String, Json>> {
    let object = property.as_object()?;
    let mut rest = object.clone();
    let mut column = Map::new();
    let (kind, nullable) = match object.get("type") {
        Some(Json::String(one)) => (one.clone(), false),
        Some(Json::Array(two)) if two.len() == 2 && two[1] == "null" => (two[0].as_str().unwrap_or_default().to_owned(), true),
        _ => (String::new(), false),
    };
    let known = ["string", "integer", "number", "boolean"].contains(&kind.as_str());
    if known {
        rest.shift_remove("type");
        let format = object.get("format").and_then(Json::as_str).unwrap_or_default().to_owned();
        let shown = match (kind.as_str(), format.as_str()) {
            ("string", "date") => "date",
            ("string", "date-time") => "datetime",
            _ => &kind,
        };
        column.insert("type".to_owned(), Json::from(shown));
        if shown != kind {
            rest.shift_remove("format");
        } else if !format.is_empty() {
            column.insert("format".to_owned(), Json::from(format));
            rest.shift_remove("format");
        }
        if nullable {
            column.insert("nullable".to_owned(), Json::Bool(true));
        }
    }
    if let Some(values) = rest.get("enum").and_then(Json::as_array) {
        let values = match values.split_last() {
            Some((Json::Null, first)) if nullable => first,
            _ if nullable => &[],
            _ => values.as_slice(),
        };
        if !values.is_empty() && values.iter().all(Json::is_string) {
            column.insert("enum".to_owned(), Json::Array(values.to_vec()));
            rest.shift_remove("enum");
        }
    }
    bounds(&mut column, &mut rest);
    texts(&mut column, &mut rest);
    if let Some([Json::String(example)]) = rest.get("examples").and_then(Json::as_array).map(Vec::as_slice)
        && !example.is_empty()
    {
        column.insert("example".to_owned(), Json::from(example.as_str()));
        rest.shift_remove("examples");
    }
    if !rest.is_empty() {
        column.insert("rest".to_owned(), Json::Object(rest));
    }
    if to_property(&column) == *property { Some(column) } else { Some(Map::from_iter([("rest".to_owned(), property.clone())])) }
}

fn bounds(column: &mut Map<String, Json>, rest: &mut Map<String, Json>) {
    for key in ["minimum", "maximum", "minLength", "maxLength"] {
        if rest.get(key).is_some_and(Json::is_number)
            && let Some(value) = rest.shift_remove(key)
        {
            column.insert(key.to_owned(), value);
        }
    }
    if rest.get("pattern").and_then(Json::as_str).is_some_and(|p| !p.is_empty())
        && let Some(value) = rest.shift_remove("pattern")
    {
        column.insert("pattern".to_owned(), value);
    }
}

fn texts(column: &mut Map<String, Json>, rest: &mut Map<String, Json>) {
    for key in ["title", "description"] {
        if rest.get(key).and_then(Json::as_str).is_some_and(|t| !t.is_empty())
            && let Some(value) = rest.shift_remove(key)
        {
            column.insert(key.to_owned(), value);
        }
    }
}

/// The property of a column.
fn to_property(column: &Map<String, Json>) -> Json {
    let text = |key: &str| column.get(key).and_then(Json::as_str).unwrap_or_default();
    let nullable = column.get("nullable") == Some(&Json::Bool(true));
    let mut property = Map::new();
    let (kind, format) = match text("type") {
        "date" => ("string", "date"),
        "datetime" => ("string", "date-time"),
        kind => (kind, text("format")),
    };
    if !kind.is_empty() {
        property.insert("type".to_owned(), if nullable { json!([kind, "null"]) } else { Json::from(kind) });
    }
    if !format.is_empty() {
        property.insert("format".to_owned(), Json::from(format));
    }
    if let Some(values) = column.get("enum") {
        let mut values = values.clone();
        if let (true, Json::Array(list)) = (nullable && !kind.is_empty(), &mut values) {
            list.push(Json::Null);
        }
        property.insert("enum".to_owned(), values);
    }
    for key in ["minimum", "maximum", "minLength", "maxLength", "pattern", "title", "description"] {
        if let Some(value) = column.get(key) {
            property.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(example) = column.get("example") {
        property.insert("examples".to_owned(), json!([example]));
    }
    match column.get("rest") {
        Some(Json::Object(rest)) => property.extend(rest.clone()),
        Some(Json::Null) | None => {}
        // What is not an object is the person's own JSON, as far as it goes: the check says what is wrong.
        Some(other) => return other.clone(),
    }
    Json::Object(property)
}

/// A column of a Table Schema.
fn from_field(field: &Json, kind_of: &mut impl FnMut(&str) -> Option<Json>) -> Option<Json> {
    let object = field.as_object()?;
    let name = object.get("name")?.as_str().filter(|n| !n.is_empty())?;
    let mut rest = without(object, &["name"]);
    let mut column = Map::from_iter([("name".to_owned(), Json::from(name))]);
    for key in ["type", "format", "example"] {
        if rest.get(key).and_then(Json::as_str).is_some_and(|t| !t.is_empty())
            && let Some(value) = rest.shift_remove(key)
        {
            column.insert(key.to_owned(), value);
        }
    }
    texts(&mut column, &mut rest);
    if let Some(Json::Object(mut constraints)) = rest.get("constraints").filter(|c| c.as_object().is_some_and(|c| !c.is_empty())).cloned() {
        bounds(&mut column, &mut constraints);
        if constraints.get("required") == Some(&Json::Bool(true)) {
            constraints.shift_remove("required");
            column.insert("required".to_owned(), Json::Bool(true));
        }
        if constraints.get("enum").and_then(Json::as_array).is_some_and(|e| !e.is_empty() && e.iter().all(Json::is_string))
            && let Some(values) = constraints.shift_remove("enum")
        {
            column.insert("enum".to_owned(), values);
        }
        if constraints.is_empty() {
            rest.shift_remove("constraints");
        } else {
            rest.insert("constraints".to_owned(), Json::Object(constraints));
        }
    }
    if !rest.is_empty() {
        column.insert("rest".to_owned(), Json::Object(rest));
    }
    if to_field(&column) != *field {
        column = Map::from_iter([("name".to_owned(), Json::from(name)), ("rest".to_owned(), Json::Object(without(object, &["name"])))]);
    }
    if let Some(kind) = kind_of(name) {
        column.insert("personal".to_owned(), kind);
    }
    Some(Json::Object(column))
}

fn to_field(column: &Map<String, Json>) -> Json {
    let mut field = Map::new();
    for key in ["name", "title", "description", "type", "format", "example"] {
        if let Some(value) = column.get(key) {
            field.insert(key.to_owned(), value.clone());
        }
    }
    let mut constraints = Map::new();
    for key in ["required", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern"] {
        if let Some(value) = column.get(key) {
            constraints.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(Json::Object(rest)) = column.get("rest") {
        for (key, value) in rest {
            match value {
                Json::Object(more) if key == "constraints" => constraints.extend(more.clone()),
                value => drop(field.insert(key.clone(), value.clone())),
            }
        }
        if rest.get("constraints").is_some_and(|c| c.as_object().is_some_and(Map::is_empty)) && constraints.is_empty() {
            field.insert("constraints".to_owned(), json!({}));
        }
    }
    if !constraints.is_empty() {
        field.insert("constraints".to_owned(), Json::Object(constraints));
    }
    Json::Object(field)
}

fn unshape(dataset: &mut Json) {
    let Some(object) = dataset.as_object_mut() else { return };
    let Some(Json::Object(shaped)) = object.get("schema").cloned() else { return };
    if let Some(raw) = shaped.get(RAW) {
        object.insert("schema".to_owned(), raw.clone());
        return;
    }
    let Some(kind) = shaped.get(GRID).and_then(Json::as_str) else { return };
    let columns: Vec<Map<String, Json>> =
        shaped.get("columns").and_then(Json::as_array).into_iter().flatten().filter_map(|c| c.as_object().cloned()).collect();
    let mut schema = shaped.get("rest").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut personal = shaped.get("personal").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let name = column.get("name").and_then(Json::as_str).unwrap_or_default();
        // A line without a name, or with another's, keeps a place of its own: a person is still writing.
        let name = if name.is_empty() || names.iter().any(|n| n == name) { format!("{name}colonne_{}", i + 1) } else { name.to_owned() };
        if let Some(kind) = column.get("personal") {
            personal.insert(name.clone(), kind.clone());
        }
        names.push(name);
    }
    if kind == "table" {
        let fields = columns.iter().zip(&names).map(|(column, name)| {
            let mut column = column.clone();
            column.insert("name".to_owned(), Json::from(name.as_str()));
            to_field(&column)
        });
        schema.insert("fields".to_owned(), fields.collect());
    } else {
        let properties: Map<String, Json> = columns.iter().zip(&names).map(|(c, n)| (n.clone(), to_property(c))).collect();
        let order: Vec<&str> = shaped.get("order").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let asked = |c: &Map<String, Json>| c.get("required") == Some(&Json::Bool(true));
        let mut required: Vec<&String> = columns.iter().zip(&names).filter(|(c, _)| asked(c)).map(|(_, n)| n).collect();
        required.sort_by_key(|n| order.iter().position(|o| o == &n.as_str()).unwrap_or(usize::MAX));
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into_iter().map(|n| Json::from(n.as_str())).collect());
        }
        schema.insert("properties".to_owned(), Json::Object(properties));
    }
    object.insert("schema".to_owned(), Json::Object(schema));
    if !personal.is_empty() {
        object.insert("personal_data".to_owned(), Json::Object(personal));
    }
}

/// A new line of the grid: an optional text.
pub(super) fn new_column(taken: &[String], kind: &str) -> Json {
    let name = (1..).map(|n| format!("colonne_{n}")).find(|n| !taken.contains(n)).unwrap_or_default();
    if kind == "table" { json!({"name": name, "type": "string"}) } else { json!({"name": name, "type": "string", "nullable": true}) }
}
