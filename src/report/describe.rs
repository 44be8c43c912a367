//! Schemas in words: what a column holds and what is expected in it.

use serde::Serialize;
use serde_json::Value as Json;

use super::french;
use crate::{
    convention::{column::ColumnKind, document::Dataset, rules::Rules},
    deposit::template::personal,
    words,
};

/// One column, in words.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnView {
    /// Its header.
    pub name: String,
    /// What a person reads, if given.
    pub title: Option<String>,
    /// Its type.
    pub kind: String,
    /// What a cell holds.
    pub expected: String,
    /// «oui» or «non».
    pub required: String,
    /// Whether it is personal data; empty where it is not.
    pub personal: String,
}

/// The French name of a column's type.
pub fn kind(kind: ColumnKind) -> &'static str {
    kind.in_french()
}

/// The French name of a type, by its English one.
pub fn kind_name(kind: &str) -> &'static str {
    let kinds = [ColumnKind::Integer, ColumnKind::Number, ColumnKind::Boolean, ColumnKind::Date, ColumnKind::Datetime];
    kinds.into_iter().find(|k| k.name() == kind).unwrap_or(ColumnKind::String).in_french()
}

/// The columns of a dataset; none where its schema does not compile (it was refused at import then).
pub fn columns(dataset: &Dataset) -> Vec<ColumnView> {
    let Ok(rules) = Rules::from_schema(&dataset.schema) else { return Vec::new() };
    let view = |c: &crate::convention::column::Column| ColumnView {
        name: c.name.clone(),
        title: c.title.clone(),
        kind: kind(c.kind).to_owned(),
        expected: expected(property(&dataset.schema, &c.name), c.kind),
        required: if c.required && !c.nullable { "oui" } else { "non" }.to_owned(),
        personal: dataset.personal_data.get(&c.name).map_or("", |p| personal(p)).to_owned(),
    };
    rules.columns().iter().map(view).collect()
}

/// The part of a schema that describes a column: a property of a JSON Schema, or a field of a Table Schema.
fn property<'a>(schema: &'a Json, name: &str) -> &'a Json {
    let field = || schema["fields"].as_array().and_then(|fields| fields.iter().find(|f| f["name"] == name));
    schema["properties"].get(name).or_else(field).unwrap_or(&Json::Null)
}

/// What is expected in a column of the editor's grid, in words; nothing where only its type is said.
pub fn expected_of(column: &Json, table: bool) -> String {
    let mut property = column.clone();
    if let Some(example) = column.get("example") {
        property["examples"] = serde_json::json!([example]);
    }
    let kind = match column["type"].as_str() {
        Some("integer") => ColumnKind::Integer,
        Some("number") => ColumnKind::Number,
        Some("boolean") => ColumnKind::Boolean,
        Some("date") => ColumnKind::Date,
        Some("datetime") => ColumnKind::Datetime,
        _ => ColumnKind::String,
    };
    let mut said = expected(&property, kind);
    if let Some(pattern) = column["pattern"].as_str().filter(|_| !table) {
        let schema = serde_json::json!({"properties": {"x": {"type": "string", "pattern": pattern}}});
        let words = Rules::from_schema(&schema).ok().and_then(|rules| {
            rules.fields().iter().flat_map(|f| &f.checks).find_map(|c| match &c.test {
                crate::convention::rules::Test::Pattern { words, .. } => words.clone(),
                _ => None,
            })
        });
        if let Some(words) = words {
            said = format!("{words}, {said}");
        }
    }
    if said == self::kind(kind) { String::new() } else { said }
}

fn expected(property: &Json, kind: ColumnKind) -> String {
    let rule = |key: &str| property.get(key).or_else(|| property["constraints"].get(key));
    let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut parts = Vec::new();
    if let Some(values) = rule("enum").and_then(Json::as_array) {
        let shown: Vec<String> = values.iter().filter(|v| !v.is_null()).take(8).map(text).collect();
        let more = if values.len() > 8 { " …" } else { "" };
        parts.push(format!("{}{more}", shown.join(" ou ")));
    }
    match (rule("minimum"), rule("maximum")) {
        (Some(low), Some(high)) => parts.push(format!("de {} à {}", number(low), number(high))),
        (Some(low), None) => parts.push(format!("{} ou plus", number(low))),
        (None, Some(high)) => parts.push(format!("{} au plus", number(high))),
        (None, None) => {}
    }
    if let Some(max) = rule("maxLength").and_then(Json::as_u64) {
        parts.push(format!("{} au plus", french::count(max, "caractère", "caractères")));
    }
    if let Some(format) = property["format"].as_str().and_then(format_name) {
        parts.push(format.to_owned());
    }
    // A description alone says enough where nothing else is set: it is what the parties wrote.
    if let Some(description) = property["description"].as_str().filter(|d| parts.is_empty() && d.chars().count() <= 120) {
        parts.push(description.to_owned());
    }
    if parts.is_empty() {
        parts.push(self::kind(kind).to_owned());
    }
    let example = property["examples"].get(0).or_else(|| property.get("example"));
    if let Some(example) = example.map(text).filter(|e| !e.is_empty() && e.len() <= 40) {
        parts.push(format!("par exemple {example}"));
    }
    parts.join(", ")
}

fn number(value: &Json) -> String {
    value.as_f64().map_or_else(|| value.as_str().unwrap_or_default().to_owned(), super::scale::short)
}

fn format_name(format: &str) -> Option<&'static str> {
    Some(match format {
        "date" => "date",
        "date-time" => "date et heure",
        "email" => "adresse électronique",
        "uri" | "url" => "adresse web",
        "siren" => "SIREN, neuf chiffres",
        "siret" => "SIRET, quatorze chiffres",
        "insee-commune" => "code INSEE d'une commune",
        "code-postal" => "code postal",
        _ => return None,
    })
}

/// How often a dataset is due, in words.
pub fn rhythm(dataset: &Dataset) -> String {
    use crate::convention::document::Periodicity;
    let often = match dataset.periodicity {
        Periodicity::Once => "Un fichier pour toute la durée",
        Periodicity::Week => "Un fichier par semaine",
        Periodicity::Month => "Un fichier par mois",
        Periodicity::Quarter => "Un fichier par trimestre",
    };
    match dataset.due.as_deref().and_then(crate::convention::document::days) {
        Some(days) => {
            let days = i64::try_from(french_days(days)).unwrap_or(0);
            let end = if dataset.periodicity == Periodicity::Once { "la fin de l'expérimentation" } else { "la fin de la période" };
            format!("{often}, au plus tard {} après {end}.", french::count(days.unsigned_abs(), "jour", "jours"))
        }
        None => format!("{often}."),
    }
}

/// Number of days of a span of days.
fn french_days(days: chrono::Days) -> u64 {
    // chrono does not give the number back: count from a fixed day.
    let start = chrono::NaiveDate::default();
    start.checked_add_days(days).map_or(0, |end| (end - start).num_days().unsigned_abs())
}

/// A template with one header line, as a French spreadsheet opens it.
pub fn template(dataset: &Dataset) -> String {
    let columns = columns(dataset);
    let header: Vec<String> = columns.iter().map(|c| words::csv_cell(&c.name)).collect();
    format!("\u{feff}{}\r\n", header.join(";"))
}

/// A JSON document as YAML, in block style.
pub fn yaml(value: &Json) -> String {
    let mut out = String::new();
    write_yaml(&mut out, value, 0);
    out
}

fn write_yaml(out: &mut String, value: &Json, indent: usize) {
    let pad = "  ".repeat(indent);
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{pad}{}:", scalar(&Json::String(key.clone()))));
                nested(out, value, indent);
            }
        }
        Json::Array(list) if !list.is_empty() => {
            for value in list {
                out.push_str(&format!("{pad}-"));
                nested(out, value, indent);
            }
        }
        value => out.push_str(&format!("{pad}{}\n", scalar(value))),
    }
}

/// A text stands plain where nothing in it could be read as anything else, else in double quotes, as JSON writes it.
fn scalar(value: &Json) -> String {
    let plain = |text: &str| {
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
        text.starts_with(char::is_alphabetic)
            && !text.ends_with(' ')
            && text.chars().all(|c| c.is_alphanumeric() || " _-.'’/()%,".contains(c))
            && !words.contains(&text.to_lowercase().as_str())
            && !text.contains(" #")
    };
    match value {
        Json::String(text) if plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn nested(out: &mut String, value: &Json, indent: usize) {
    let is_block = value.as_object().is_some_and(|m| !m.is_empty()) || value.as_array().is_some_and(|l| !l.is_empty());
    if is_block {
        out.push('\n');
        write_yaml(out, value, indent + 1);
    } else {
        out.push_str(&format!(" {}\n", scalar(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_reads_back_as_the_same_document() {
        let document = json!({"a": [1, {"b": "oui: non # «é»", "c": []}, [true, null]], "d": {}, "2026-01-05": "2026-01-05", "n": -2.0});
        let back: Json = serde_saphyr::from_str(&yaml(&document)).unwrap();
        assert_eq!(back, document);
        for text in
            ["Non", "y", "~", "a: b", "a #b", "É, à", "0123", "1e3", "- a", "a ", "", "null", "x\ny", "C'est (tout)", "&a", "2026-01-05"]
        {
            let document = json!({"clé": text, text: [text]});
            assert_eq!(crate::convention::Convention::parse(&yaml(&document)).unwrap(), document, "{text}");
        }
    }

    #[test]
    fn expectations_are_said_in_words() {
        let said = |p: Json| expected(&p, ColumnKind::String);
        assert_eq!(said(json!({"enum": ["assistant", "temoin"]})), "assistant ou temoin");
        assert_eq!(said(json!({"minimum": 1, "maximum": 5})), "de 1 à 5");
        assert_eq!(
            said(json!({"description": "D suivi de six chiffres", "examples": ["D004217"]})),
            "D suivi de six chiffres, par exemple D004217"
        );
        assert_eq!(said(json!({})), "texte");
        assert_eq!(said(json!({"constraints": {"maxLength": 80}})), "80\u{a0}caractères au plus");
    }
}
