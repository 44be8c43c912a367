//! The document against `schemas/convention.schema.json`; each fault in a French sentence, at its place.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::Value as Json;

use super::messages::{clip, nearest, one_of, pointer};
use crate::error::Fault;

/// The schema, part of the program.
pub const SCHEMA: &str = include_str!("../../schemas/convention.schema.json");

struct Compiled {
    json: Json,
    validator: Validator,
}

#[expect(clippy::expect_used, reason = "the schema is part of the program, and a test compiles it")]
static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let json: Json = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .build(&json)
        .expect("the schema is a JSON Schema");
    Compiled { json, validator }
});

/// Every fault of the document against the schema, in the document's order; at most 200.
pub(super) fn validate(document: &Json) -> Vec<Fault> {
    COMPILED.validator.iter_errors(document).take(200).flat_map(|e| describe(&e)).collect()
}

/// As [`validate`], but what is missing is a fault of the missing key itself: a form says it beside its field.
pub(super) fn validate_keys(document: &Json) -> Vec<Fault> {
    let described = |e: ValidationError<'_>| {
        let missing = match e.kind() {
            Kind::Required { property } => property.as_str().map(|p| format!("/{}", pointer(p))),
            _ => None,
        };
        describe(&e).into_iter().map(move |f| match &missing {
            Some(key) => Fault { pointer: format!("{}{key}", f.pointer), ..f },
            None => f,
        })
    };
    COMPILED.validator.iter_errors(document).take(200).flat_map(described).collect()
}

fn describe(error: &ValidationError<'_>) -> Vec<Fault> {
    let place = error.instance_path().to_string();
    let path = error.schema_path().to_string();
    // The schema of the value at fault, for its description, its properties and its choices.
    let owner = path.rsplit_once('/').map(|(owner, _)| owner);
    let schema = owner.and_then(|o| COMPILED.json.pointer(o)).unwrap_or(&Json::Null);
    let expected = schema.get("description").and_then(Json::as_str).unwrap_or("la forme décrite dans le schéma");
    let shown = match error.instance().as_ref() {
        Json::String(s) => clip(s),
        other => clip(&other.to_string()),
    };
    let one = |code: &str, message: String| vec![Fault::new(place.clone(), code, message)];
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let known: Vec<&str> =
                schema.get("properties").and_then(Json::as_object).map(|p| p.keys().map(String::as_str).collect()).unwrap_or_default();
            unexpected
                .iter()
                .map(|key| {
                    let hint = match nearest(key, known.iter().copied()) {
                        Some(near) => format!("Vouliez-vous dire « {near} » ?"),
                        None => format!("Les clés possibles sont {}.", one_of(&known)),
                    };
                    Fault::new(
                        format!("{place}/{}", pointer(key)),
                        "additional_property",
                        format!("La clé « {} » n'existe pas ici. {hint}", clip(key)),
                    )
                })
                .collect()
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let what = schema.pointer(&format!("/properties/{}/description", pointer(name))).and_then(Json::as_str).unwrap_or_default();
            one("required", format!("Il manque la clé « {name} ». {what}").trim_end().to_owned())
        }
        Kind::Type { .. } => {
            let quotes = if wants(schema, "string") && error.instance().is_number() { " Mettez la valeur entre guillemets." } else { "" };
            one("type", format!("« {shown} » n'est pas {}.{quotes}", kinds(schema)))
        }
        Kind::Enum { options } => {
            let choices: Vec<String> =
                options.as_array().into_iter().flatten().map(|o| o.as_str().map_or_else(|| o.to_string(), str::to_owned)).collect();
            let hint = nearest(&shown, choices.iter().map(String::as_str))
                .map_or_else(String::new, |near| format!(" Vouliez-vous dire « {near} » ?"));
            one("enum", format!("« {shown} » n'est pas possible ici : choisissez {}.{hint}", one_of(&choices)))
        }
        Kind::Constant { expected_value } => one("const", format!("Écrivez {expected_value} au lieu de « {shown} ».")),
        Kind::Format { format } if format == "date" => {
            one("date", format!("« {shown} » n'est pas un jour du calendrier : écrivez AAAA-MM-JJ, par exemple 2026-01-05."))
        }
        Kind::Pattern { .. } | Kind::Format { .. } => one("pattern", format!("« {shown} » ne convient pas. Attendu : {expected}")),
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let message = format!(
                "Le nom « {} » ne convient pas : des minuscules sans accent, des chiffres et des soulignés, une lettre d'abord.",
                clip(name)
            );
            vec![Fault::new(format!("{place}/{}", pointer(name)), "name", message)]
        }
        Kind::MinLength { .. } => one("length", "Ce texte est vide : complétez-le.".to_owned()),
        Kind::MaxLength { limit } => one("length", format!("Ce texte dépasse {limit} caractères.")),
        Kind::Minimum { limit } => one("range", format!("{shown} est trop petit : {limit} au moins.")),
        Kind::Maximum { limit } => one("range", format!("{shown} est trop grand : {limit} au plus.")),
        Kind::ExclusiveMinimum { limit } => one("range", format!("{shown} est trop petit : il faut plus de {limit}.")),
        Kind::ExclusiveMaximum { limit } => one("range", format!("{shown} est trop grand : il faut moins de {limit}.")),
        Kind::MinItems { limit } => one("items", format!("Cette liste est trop courte : {limit} au moins. {expected}")),
        Kind::MaxItems { limit } => one("items", format!("Cette liste est trop longue : {limit} au plus. {expected}")),
        Kind::UniqueItems => one("unique", "Cette liste répète une valeur : gardez-la une fois.".to_owned()),
        Kind::MinProperties { limit } => one("properties", format!("Il manque des clés : {limit} au moins. {expected}")),
        Kind::MaxProperties { limit } => one("properties", format!("Il y a trop de clés : {limit} au plus. {expected}")),
        other => one(other.keyword(), format!("« {shown} » ne convient pas. Attendu : {expected}")),
    }
}

fn wants(schema: &Json, kind: &str) -> bool {
    schema.get("type").is_some_and(|t| t == kind || t.as_array().is_some_and(|a| a.iter().any(|k| k == kind)))
}

/// «un texte ou un objet», from the schema's `type`.
fn kinds(schema: &Json) -> String {
    let names = [
        ("string", "un texte"),
        ("integer", "un nombre entier"),
        ("number", "un nombre"),
        ("boolean", "vrai ou faux (true, false)"),
        ("array", "une liste"),
        ("object", "un objet (des clés et leurs valeurs)"),
    ];
    let wanted: Vec<&str> = names.iter().filter(|(kind, _)| wants(schema, kind)).map(|(_, name)| *name).collect();
    wanted.join(" ou ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every property says in words what it is, so that the schema documents the format.
    #[test]
    fn every_property_is_described() {
        fn walk(schema: &Json, place: &str, missing: &mut Vec<String>) {
            if let Some(object) = schema.as_object() {
                for (name, property) in object.get("properties").and_then(Json::as_object).into_iter().flatten() {
                    if property.get("description").and_then(Json::as_str).is_none_or(|d| d.len() < 8) {
                        missing.push(format!("{place}/{name}"));
                    }
                }
                for (key, value) in object {
                    walk(value, &format!("{place}/{key}"), missing);
                }
            } else if let Some(items) = schema.as_array() {
                for (i, value) in items.iter().enumerate() {
                    walk(value, &format!("{place}/{i}"), missing);
                }
            }
        }
        let mut missing = Vec::new();
        walk(&COMPILED.json, "", &mut missing);
        assert_eq!(missing, Vec::<String>::new());
        assert!(jsonschema::draft202012::meta::is_valid(&COMPILED.json));
        assert_eq!(COMPILED.json["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
