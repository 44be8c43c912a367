//! The data dictionary of a dataset: for people as Markdown, for programs as Table Schema and as JSON Schema, whichever of the two the
//! parties signed. What the other language cannot say is left out; the convention says what counts.

use serde_json::{Map, Value as Json, json};

use super::template::{ColumnGuide, guide};
use crate::{
    convention::{
        column::ColumnKind,
        document::{Dataset, Document, Every},
        rules::{Extra, Field, Rules, SchemaKind},
    },
    words::sentence,
};

const TABLE_SCHEMA: &str = "https://datapackage.org/profiles/2.0/tableschema.json";
const JSON_SCHEMA: &str = "https://json-schema.org/draft/2020-12/schema";
/// Keywords that mean the same in both languages.
const SHARED: [&str; 6] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"];
/// Formats of text that both languages name alike.
const FORMATS: [&str; 3] = ["email", "uri", "uuid"];

/// The dataset as a Table Schema descriptor.
pub fn table_schema(dataset: &Dataset, rules: &Rules) -> Json {
    let mut schema = match rules.kind() {
        SchemaKind::TableSchema => dataset.schema.clone(),
        SchemaKind::JsonSchema => {
            let fields: Vec<Json> = rules.fields().iter().map(|field| table_field(dataset, field)).collect();
            let matching = if rules.header().extra == Extra::Refused { "superset" } else { "partial" };
            json!({"$schema": TABLE_SCHEMA, "title": dataset.title, "fieldsMatch": matching, "fields": fields, "missingValues": [""]})
        }
    };
    let Some(object) = schema.as_object_mut() else { return schema };
    let set = |object: &mut Map<String, Json>, key: &str, value: Json| {
        object.entry(key).or_insert(value);
    };
    set(object, "title", dataset.title.clone().into());
    if let Some(description) = &dataset.description {
        set(object, "description", description.clone().into());
    }
    if !dataset.primary_key.is_empty() {
        set(object, "primaryKey", json!(dataset.primary_key));
    }
    if !dataset.unique_keys.is_empty() {
        set(object, "uniqueKeys", json!(dataset.unique_keys));
    }
    if !dataset.foreign_keys.is_empty() {
        let keys = dataset.foreign_keys.iter().map(|key| {
            let of = if key.reference_fields.is_empty() { &key.fields } else { &key.reference_fields };
            json!({"fields": key.fields, "reference": {"resource": key.reference, "fields": of}})
        });
        set(object, "foreignKeys", keys.collect());
    }
    schema
}

/// The dataset as a JSON Schema of one row.
pub fn json_schema(dataset: &Dataset, rules: &Rules) -> Json {
    let mut schema = match rules.kind() {
        SchemaKind::JsonSchema => dataset.schema.clone(),
        SchemaKind::TableSchema => {
            let properties: Map<String, Json> =
                rules.fields().iter().map(|field| (field.column.name.clone(), property(dataset, field))).collect();
            let required: Vec<&str> = rules.columns().iter().filter(|c| c.required).map(|c| c.name.as_str()).collect();
            json!({"$schema": JSON_SCHEMA, "title": dataset.title, "type": "object",
                "additionalProperties": rules.header().extra != Extra::Refused, "required": required, "properties": properties})
        }
    };
    if let Some(object) = schema.as_object_mut() {
        object.entry("title").or_insert_with(|| dataset.title.clone().into());
        if let Some(description) = &dataset.description {
            object.entry("description").or_insert_with(|| description.clone().into());
        }
    }
    schema
}

/// The part of the signed schema that declares a column, and what it refers to.
fn declared<'a>(dataset: &'a Dataset, field: &Field) -> &'a Json {
    let schema = &dataset.schema;
    let own = schema.pointer(&field.pointer).unwrap_or(&Json::Null);
    let target = own["$ref"].as_str().and_then(|r| r.strip_prefix('#')).and_then(|pointer| schema.pointer(pointer));
    let own = target.unwrap_or(own);
    // An optional value is often written as a choice between itself and null.
    let branches = own["anyOf"].as_array().or_else(|| own["oneOf"].as_array());
    branches.and_then(|list| list.iter().find(|branch| branch["type"] != "null")).filter(|_| !field.mixed).unwrap_or(own)
}

fn words(into: &mut Map<String, Json>, field: &Field) {
    if let Some(title) = &field.column.title {
        into.insert("title".to_owned(), title.clone().into());
    }
    if let Some(description) = &field.description {
        into.insert("description".to_owned(), description.clone().into());
    }
}

fn table_field(dataset: &Dataset, field: &Field) -> Json {
    let from = declared(dataset, field);
    let mut to = Map::new();
    to.insert("name".to_owned(), field.column.name.clone().into());
    words(&mut to, field);
    to.insert("type".to_owned(), field.column.kind.name().into());
    if let Some(format) = from["format"].as_str().filter(|f| field.column.kind == ColumnKind::String && FORMATS.contains(f)) {
        to.insert("format".to_owned(), format.into());
    }
    if let Some(example) = &field.example {
        to.insert("example".to_owned(), example.clone().into());
    }
    let mut constraints = Map::new();
    if field.column.required && !field.column.nullable {
        constraints.insert("required".to_owned(), true.into());
    }
    // What only holds for one of several types, or under a condition, is no constraint of the whole column.
    if !field.mixed {
        let listed = from.get("enum").and_then(Json::as_array).cloned().or_else(|| from.get("const").map(|one| vec![one.clone()]));
        if let Some(values) = listed {
            constraints.insert("enum".to_owned(), values.into_iter().filter(|v| !v.is_null()).collect());
        }
        let shared = SHARED.into_iter().filter(|k| from.get(*k).is_some_and(Json::is_number));
        constraints.extend(shared.map(|k| (k.to_owned(), from[k].clone())));
        // There a pattern describes the whole text, here a part of it.
        if let Some(pattern) = from["pattern"].as_str().filter(|_| field.column.kind == ColumnKind::String) {
            let whole = pattern.starts_with('^') && pattern.ends_with('$') && !pattern.ends_with("\\$") && !pattern.contains('|');
            let pattern = if whole { pattern.to_owned() } else { format!("[\\s\\S]*(?:{pattern})[\\s\\S]*") };
            constraints.insert("pattern".to_owned(), pattern.into());
        }
    }
    if !constraints.is_empty() {
        to.insert("constraints".to_owned(), constraints.into());
    }
    to.into()
}

fn property(dataset: &Dataset, field: &Field) -> Json {
    let from = declared(dataset, field);
    let kind = field.column.kind;
    let constraints = &from["constraints"];
    let mut to = Map::new();
    words(&mut to, field);
    let name = match kind {
        ColumnKind::Date | ColumnKind::Datetime => "string",
        kind => kind.name(),
    };
    let nullable = !field.column.required;
    to.insert("type".to_owned(), if nullable { json!([name, "null"]) } else { name.into() });
    let format = match (kind, from["format"].as_str()) {
        (ColumnKind::Date, _) => Some("date"),
        (ColumnKind::Datetime, _) => Some("date-time"),
        (ColumnKind::String, Some(format)) if FORMATS.contains(&format) => Some(format),
        _ => None,
    };
    to.extend(format.map(|f| ("format".to_owned(), f.into())));
    let typed = |value: &Json| match (kind, value) {
        // A descriptor may write numbers as the column's cells would.
        (ColumnKind::Integer, Json::String(text)) => text.parse::<i64>().map_or_else(|_| value.clone(), Json::from),
        (ColumnKind::Number, Json::String(text)) => text.replace(',', ".").parse::<f64>().map_or_else(|_| value.clone(), Json::from),
        _ => value.clone(),
    };
    let scalar = matches!(kind, ColumnKind::String | ColumnKind::Integer | ColumnKind::Number);
    if let Some(values) = constraints["enum"].as_array().filter(|_| scalar) {
        let null = nullable.then_some(Json::Null);
        to.insert("enum".to_owned(), values.iter().map(typed).chain(null).collect());
    }
    for keyword in SHARED {
        let applies = if keyword.ends_with("Length") { kind == ColumnKind::String } else { scalar && kind != ColumnKind::String };
        if let Some(value) = constraints.get(keyword).filter(|_| applies) {
            to.insert(keyword.to_owned(), typed(value));
        }
    }
    if let Some(pattern) = constraints["pattern"].as_str().filter(|_| kind == ColumnKind::String) {
        to.insert("pattern".to_owned(), format!("^(?:{pattern})$").into());
    }
    to.extend(field.example.as_ref().map(|e| ("examples".to_owned(), json!([typed(&e.clone().into())]))));
    to.into()
}

/// The dictionary for people; `rhythm` says how often a file is due.
pub fn markdown(document: &Document, name: &str, dataset: &Dataset, rules: &Rules, rhythm: &str) -> String {
    let columns = guide(dataset, rules, document.period);
    let mut out = format!("# {}\n\n", text(&dataset.title));
    if let Some(description) = &dataset.description {
        out.push_str(&format!("{}\n\n", text(description)));
    }
    let (start, end) = (document.period.start.format("%d/%m/%Y"), document.period.end.format("%d/%m/%Y"));
    out.push_str(&format!(
        "- Jeu de données\u{a0}: `{}`\n- Convention\u{a0}: {} (`{}`), du {start} au {end}\n- Rythme\u{a0}: {}\n\n",
        name.replace('`', ""),
        text(&document.title),
        document.id.replace('`', ""),
        text(rhythm)
    ));
    out.push_str("## Colonnes\n\nL'ordre des colonnes est libre. Une colonne hors de cette liste fait refuser le fichier.\n\n");
    out.push_str("| Colonne | Intitulé | Type | Attendu | Obligatoire | Donnée personnelle | Exemple |\n|---|---|---|---|---|---|---|\n");
    for column in &columns {
        out.push_str(&line(column));
    }
    let described: Vec<&ColumnGuide> = columns.iter().filter(|c| c.description.is_some()).collect();
    if !described.is_empty() {
        out.push_str("\n## Précisions\n\n");
        for column in described {
            out.push_str(&format!("- **{}**\u{a0}: {}\n", text(&column.name), text(column.description.as_deref().unwrap_or_default())));
        }
    }
    let conditions = conditions(dataset);
    if !conditions.is_empty() {
        out.push_str("\n## Conditions sur les lignes\n\n");
        for condition in conditions {
            out.push_str(&format!("- {}\n", text(&condition)));
        }
    }
    out
}

fn line(column: &ColumnGuide) -> String {
    let required = if column.required { "oui" } else { "non" };
    let personal = if column.personal.is_empty() { "non" } else { column.personal };
    let cells = [
        column.name.as_str(),
        column.title.as_deref().unwrap_or_default(),
        column.kind,
        &sentence(&column.expected),
        required,
        personal,
        column.example.as_deref().unwrap_or_default(),
    ];
    format!("| {} |\n", cells.map(text).join(" | "))
}

/// What holds between cells, in sentences.
fn conditions(dataset: &Dataset) -> Vec<String> {
    let mut all = Vec::new();
    if !dataset.primary_key.is_empty() {
        all.push(format!("Une ligne se reconnaît à {}\u{a0}: deux lignes n'ont jamais la même valeur.", dataset.primary_key.join(" + ")));
    }
    for key in &dataset.unique_keys {
        all.push(format!("Deux lignes n'ont jamais la même valeur de {}.", key.join(" + ")));
    }
    for key in &dataset.foreign_keys {
        let list = match key.reference.as_str() {
            "territory" => "la liste des communes et des établissements publics territoriaux de la Métropole".to_owned(),
            other => format!("le jeu de données «\u{a0}{other}\u{a0}»"),
        };
        all.push(format!("La valeur de {} figure dans {list}.", key.fields.join(" + ")));
    }
    if let Some(coverage) = &dataset.coverage {
        let every = if coverage.every == Every::Day { "jour" } else { "semaine" };
        let date = &coverage.date;
        all.push(format!(
            "Chaque {every} de la période a au moins une ligne, et aucune ligne n'a une valeur de {date} hors de la période du fichier."
        ));
    }
    all.extend(dataset.rules.iter().map(|rule| format!("Une ligne est refusée dans ce cas\u{a0}: {}", rule.message)));
    all
}

/// A text on one line of Markdown, where nothing in it is markup.
fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.trim().chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}
