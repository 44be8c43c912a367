//! Table Schema, versions 1 and 2, → the same fields and checks.
//!
//! What is declared binds (`format`, `decimalChar`, `trueValues`, `missingValues`); where nothing is declared, the notation of
//! dates, the decimal mark and French words for true and false are detected as for any other file. Patterns cover the whole cell.
//!
//! Official French schemas stray from the standard (`required` outside `constraints`, `pattern` on a day): that is accepted,
//! with a warning. Where frictionless and Validata disagree on a file, **frictionless is followed for validity**: the
//! standard says nothing of Validata's `custom_checks`, and official «valid» examples fail them. They are run, and what they
//! find is a warning that does not refuse the file. For the header, Validata is followed when `fieldsMatch` is absent
//! (version 1): columns map by name in any order, an absent column is an error only where `required`, an undeclared one is left out.
//! `fieldsMatch` binds where it is given.

use serde_json::{Map, Value as Json};

use super::{
    Bound, Check, Compiled, Dates, Extra, Field, Format, HeaderRules, MAX_COLUMNS, Notation, Read, Reference, Test, Words, duplicate_names,
    formats::Standard, pattern,
};
use crate::{convention::column::ColumnKind, error::Fault};

const CONSTRAINTS: [&str; 10] =
    ["required", "unique", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern", "enum"];

/// Compiles a descriptor.
pub(super) fn compile(schema: &Json) -> Result<Compiled, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let mut fields = Vec::new();
    let mut unique = Vec::new();
    let declared = schema.get("fields").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if declared.is_empty() {
        faults.push(Fault::new("/fields", "no_columns", "Le modèle ne déclare aucune colonne : remplissez « fields »."));
    }
    if declared.len() > MAX_COLUMNS {
        return Err(vec![Fault::new(
            "/fields",
            "too_many_columns",
            format!("Le modèle déclare {} colonnes ; {MAX_COLUMNS} au plus.", declared.len()),
        )]);
    }
    for (i, declaration) in declared.iter().enumerate() {
        let pointer = format!("/fields/{i}");
        match field(declaration, pointer, &mut warnings) {
            Ok((field, is_unique)) => {
                if is_unique {
                    unique.push((fields.len(), format!("/fields/{i}/constraints/unique")));
                }
                fields.push(field);
            }
            Err(fault) => faults.push(fault),
        }
    }
    duplicate_names(&fields, &mut faults);
    custom_checks(schema, &mut fields, &mut warnings);
    let references = references(schema, &fields, &mut faults);
    let header = header(schema, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let missing = schema.get("missingValues").and_then(Json::as_array);
    let missing_values = missing.map_or_else(
        || vec![String::new()],
        |list| list.iter().filter_map(|v| v.as_str().or_else(|| v.get("value").and_then(Json::as_str))).map(str::to_owned).collect(),
    );
    Ok(Compiled {
        fields,
        header,
        missing_values: Some(missing_values),
        row: None,
        primary_key: names(schema.get("primaryKey")),
        references,
        unique,
        warnings,
    })
}

/// A name or a list of names.
fn names(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn header(schema: &Json, faults: &mut Vec<Fault>) -> HeaderRules {
    let mode = match schema.get("fieldsMatch") {
        Some(Json::Array(list)) => list.first().and_then(Json::as_str).unwrap_or("exact"),
        Some(Json::String(one)) => one,
        _ => return HeaderRules { tell_absent: true, ..HeaderRules::default() },
    };
    let rules = HeaderRules::default();
    match mode {
        "exact" => HeaderRules { extra: Extra::Refused, all: true, order: true, ..rules },
        "equal" => HeaderRules { extra: Extra::Refused, all: true, ..rules },
        "subset" => HeaderRules { all: true, ..rules },
        "superset" => HeaderRules { extra: Extra::Refused, ..rules },
        "partial" => HeaderRules { some: true, ..rules },
        _ => {
            faults.push(Fault::new("/fieldsMatch", "keyword", "Écrivez « exact », « equal », « subset », « superset » ou « partial »."));
            rules
        }
    }
}

fn references(schema: &Json, fields: &[Field], faults: &mut Vec<Fault>) -> Vec<Reference> {
    let mut found = Vec::new();
    for (i, key) in schema.get("foreignKeys").and_then(Json::as_array).into_iter().flatten().enumerate() {
        let pointer = format!("/foreignKeys/{i}");
        let mut columns = Vec::new();
        for name in names(key.get("fields")) {
            match fields.iter().position(|f| f.column.name == name) {
                Some(position) => columns.push(position),
                None => faults.push(Fault::new(
                    format!("{pointer}/fields"),
                    "unknown_column",
                    format!("La colonne « {name} » n'est pas déclarée."),
                )),
            }
        }
        let resource = key.get("reference").and_then(|r| r.get("resource")).and_then(Json::as_str).unwrap_or_default();
        found.push(Reference { columns, territory: resource == "territory", name: resource.to_owned(), pointer });
    }
    found
}

fn field(declaration: &Json, pointer: String, warnings: &mut Vec<Fault>) -> Result<(Field, bool), Fault> {
    let text = |key: &str| declaration.get(key).and_then(Json::as_str);
    let Some(name) = text("name") else {
        return Err(Fault::new(format!("{pointer}/name"), "name_missing", "Donnez un nom à cette colonne."));
    };
    let kind_name = text("type").unwrap_or("string");
    let format = text("format");
    let mut warn = |at: String, code: &str, message: String| warnings.push(Fault::new(at, code, message));
    let kind = match kind_name {
        "string" | "any" | "time" | "yearmonth" | "duration" | "geopoint" | "geojson" | "object" | "array" | "list" => ColumnKind::String,
        "integer" | "year" => ColumnKind::Integer,
        "number" => ColumnKind::Number,
        "boolean" => ColumnKind::Boolean,
        "date" => ColumnKind::Date,
        "datetime" => ColumnKind::Datetime,
        other => {
            return Err(Fault::new(
                format!("{pointer}/type"),
                "type_unknown",
                format!("Le type « {other} » n'existe pas : écrivez string, integer, number, boolean, date, datetime …"),
            ));
        }
    };
    let mut field = Field::new(name, kind, pointer.clone());
    field.column.title = text("title").map(str::to_owned);
    field.description = text("description").map(str::to_owned);
    field.example = declaration.get("example").map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).filter(|e| !e.is_empty());
    let letter = |key: &str| text(key).and_then(|s| s.chars().next());
    let bare = declaration.get("bareNumber").and_then(Json::as_bool).unwrap_or(true);
    let words = |key: &str| {
        declaration.get(key).and_then(Json::as_array).map(|l| l.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>())
    };
    field.read = match kind {
        ColumnKind::Integer => Read::Integer { fraction: false, bare, group: letter("groupChar") },
        ColumnKind::Number => {
            Read::Number { decimal: letter("decimalChar").or_else(|| letter("groupChar").map(|_| '.')), bare, group: letter("groupChar") }
        }
        ColumnKind::Boolean => match (words("trueValues"), words("falseValues")) {
            (None, None) => Read::Boolean(None),
            (yes, no) => {
                let standard = |list: [&str; 4]| list.map(str::to_owned).to_vec();
                let yes = yes.unwrap_or_else(|| standard(["true", "True", "TRUE", "1"]));
                Read::Boolean(Some(Words { yes, no: no.unwrap_or_else(|| standard(["false", "False", "FALSE", "0"])), exact: true }))
            }
        },
        ColumnKind::Date => Read::Date(dates(format, &pointer)?),
        ColumnKind::Datetime => Read::Datetime(dates(format, &pointer)?),
        ColumnKind::String => Read::Text,
    };
    let form = match (kind_name, format.unwrap_or("default")) {
        ("string", "email") => Some(Format::Standard(Standard::Email)),
        ("string", "uri") => Some(Format::Standard(Standard::Uri)),
        ("string", "uuid") => Some(Format::Standard(Standard::Uuid)),
        ("string", "binary") => Some(Format::Binary),
        ("time", "default" | "any") => Some(Format::LocalTime),
        ("yearmonth", _) => Some(Format::YearMonth),
        ("duration", _) => Some(Format::Standard(Standard::Duration)),
        ("geopoint", "default" | "array") => Some(Format::GeoPoint),
        ("geopoint" | "geojson" | "object" | "array", _) => Some(Format::JsonText),
        ("string" | "any" | "list", "default") => None,
        ("string" | "time", other) => {
            let french = Format::parse(other).filter(|_| kind_name == "string");
            if french.is_none() {
                warn(
                    format!("{pointer}/format"),
                    "format_ignored",
                    format!("La forme « {other} » de la colonne « {name} » n'est pas contrôlée."),
                );
            }
            french
        }
        _ => None,
    };
    if let Some(form) = form {
        field.ask("format", format!("{pointer}/format"), Test::Format(form));
    }
    if kind_name == "year" {
        field.ask("minimum", format!("{pointer}/type"), Test::Minimum(Bound::Int(0)));
        field.ask("maximum", format!("{pointer}/type"), Test::Maximum(Bound::Int(9999)));
    }

    let empty = Map::new();
    let inside = declaration.get("constraints").and_then(Json::as_object).unwrap_or(&empty);
    let mut is_unique = false;
    for keyword in CONSTRAINTS {
        let (value, at) = match (inside.get(keyword), declaration.get(keyword)) {
            (Some(value), _) => (value, format!("{pointer}/constraints/{keyword}")),
            (None, Some(value)) => {
                let at = format!("{pointer}/{keyword}");
                warn(
                    at.clone(),
                    "misplaced_constraint",
                    format!("« {keyword} » de la colonne « {name} » devrait être dans « constraints » ; il est appliqué."),
                );
                (value, at)
            }
            (None, None) => continue,
        };
        match keyword {
            "required" => field.column.required = truth(value),
            "unique" => is_unique = truth(value),
            _ => {
                if let Some(told) = constraint(&mut field, keyword, value, at.clone())? {
                    warn(at, "constraint_ignored", told);
                }
            }
        }
    }
    field.column.nullable = !field.column.required;
    Ok((field, is_unique))
}

fn truth(value: &Json) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|s| s.eq_ignore_ascii_case("true")))
}

fn dates(format: Option<&str>, pointer: &str) -> Result<Dates, Fault> {
    let Some(format) = format else { return Ok(Dates::Detect) };
    match format {
        "default" => Ok(Dates::Notations(vec![Notation::Iso])),
        "any" => Ok(Dates::Any),
        _ => {
            // Python's %f is microseconds, chrono's nanoseconds.
            let pattern = format.strip_prefix("fmt:").unwrap_or(format).replace(".%f", "%.f").replace("%f", "%6f");
            let readable =
                pattern.contains('%') && chrono::format::StrftimeItems::new(&pattern).all(|item| item != chrono::format::Item::Error);
            let refuse = || {
                Fault::new(
                    format!("{pointer}/format"),
                    "format",
                    format!("Le format de date « {format} » n'est pas lisible : écrivez par exemple %Y-%m-%d."),
                )
            };
            readable.then_some(Dates::Pattern(pattern)).ok_or_else(refuse)
        }
    }
}

/// Adds one constraint; says what is tolerated.
fn constraint(field: &mut Field, keyword: &str, value: &Json, at: String) -> Result<Option<String>, Fault> {
    let kind = field.column.kind;
    let name = field.column.name.clone();
    let ordered = matches!(kind, ColumnKind::Integer | ColumnKind::Number | ColumnKind::Date | ColumnKind::Datetime);
    let unreadable = |at: &str| {
        Fault::new(at, "keyword", format!("La valeur de « {keyword} » n'est pas lisible comme « {} » : corrigez-la.", kind.name()))
    };
    match keyword {
        "minLength" | "maxLength" => {
            let limit = value.as_u64().ok_or_else(|| unreadable(&at))?;
            if kind != ColumnKind::String {
                return Ok(Some(format!(
                    "« {keyword} » ne s'applique pas à la colonne « {name} », qui n'est pas un texte ; il est ignoré."
                )));
            }
            let test = if keyword == "minLength" { Test::MinLength(limit) } else { Test::MaxLength(limit) };
            field.ask(if keyword == "minLength" { "min_length" } else { "max_length" }, at, test);
        }
        "pattern" => {
            let text = value.as_str().ok_or_else(|| unreadable(&at))?;
            let regex = pattern::compile(text, true, &at)?;
            let words = pattern::words(&regex);
            let as_written = kind != ColumnKind::String;
            field.ask("pattern", at, Test::Pattern { regex, as_written, words });
            if as_written {
                return Ok(Some(format!(
                    "« pattern » ne s'applique d'ordinaire qu'à un texte ; il est appliqué à la colonne « {name} » telle qu'elle est écrite."
                )));
            }
        }
        "enum" => {
            let list = value.as_array().ok_or_else(|| unreadable(&at))?;
            let words: Vec<String> = list.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
            let test = match kind {
                ColumnKind::String => Test::OneOfTexts { set: words.iter().cloned().collect(), list: words },
                ColumnKind::Boolean => Test::OneOfBooleans(list.iter().map(truth).collect()),
                _ => {
                    let bounds: Option<Vec<Bound>> = list.iter().map(|v| bound(field, v)).collect();
                    Test::OneOfNumbers(bounds.ok_or_else(|| unreadable(&at))?, words)
                }
            };
            field.ask("enum", at, test);
        }
        _ if !ordered => return Ok(Some(format!("« {keyword} » ne s'applique pas à la colonne « {name} » ; il est ignoré."))),
        _ => {
            let bound = bound(field, value).ok_or_else(|| unreadable(&at))?;
            let (code, test) = match keyword {
                "minimum" => ("minimum", Test::Minimum(bound)),
                "maximum" => ("maximum", Test::Maximum(bound)),
                "exclusiveMinimum" => ("exclusive_minimum", Test::ExclusiveMinimum(bound)),
                _ => ("exclusive_maximum", Test::ExclusiveMaximum(bound)),
            };
            field.ask(code, at, test);
        }
    }
    Ok(None)
}

/// A bound of the field's type, written in JSON or as a cell of the column would be.
fn bound(field: &Field, value: &Json) -> Option<Bound> {
    let text = value.as_str();
    match field.column.kind {
        ColumnKind::Date => {
            let text = text?;
            let as_column = || match &field.read {
                Read::Date(Dates::Pattern(p)) => chrono::NaiveDate::parse_from_str(text, p).ok().and_then(|d| super::day(&d.to_string())),
                _ => None,
            };
            super::day(text).or_else(as_column).map(Bound::Int)
        }
        ColumnKind::Datetime => super::instant(text?).or_else(|| super::day(text?).map(|d| d * 86_400_000_000)).map(Bound::Int),
        _ => {
            let number = |t: &str| {
                t.parse::<i64>().ok().map(Bound::Int).or_else(|| t.parse::<f64>().ok().filter(|f| f.is_finite()).map(Bound::Float))
            };
            text.and_then(number).or_else(|| value.as_i64().map(Bound::Int)).or_else(|| value.as_f64().map(Bound::Float))
        }
    }
}

/// Validata's checks, as warnings.
fn custom_checks(schema: &Json, fields: &mut [Field], warnings: &mut Vec<Fault>) {
    for (i, check) in schema.get("custom_checks").and_then(Json::as_array).into_iter().flatten().enumerate() {
        let pointer = format!("/custom_checks/{i}");
        let name = check.get("name").and_then(Json::as_str).unwrap_or_default();
        let form = match name {
            "french-siren-value" => Some(Format::Siren),
            "french-siret-value" => Some(Format::Siret),
            "phone-number-value" => Some(Format::Telephone),
            "opening-hours-value" => Some(Format::OpeningHours),
            _ => None,
        };
        let column = check.get("params").and_then(|p| p.get("column")).and_then(Json::as_str);
        let field = column.and_then(|c| fields.iter_mut().find(|f| f.column.name == c));
        match (form, field) {
            (Some(form), Some(field)) => {
                field.checks.push(Check { code: "custom_check", pointer, test: Test::Format(form), warning: true })
            }
            _ => warnings.push(Fault::new(
                pointer,
                "custom_check_ignored",
                format!("Le contrôle « {name} » n'est pas mené : ce n'est pas un contrôle du standard."),
            )),
        }
    }
}
