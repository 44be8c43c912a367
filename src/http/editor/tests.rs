use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::convention::model;

/// Every part of the document through its form, untouched.
fn through(document: &Json) -> Json {
    let mut out = document.clone();
    for section in SECTIONS {
        let mut parts: Vec<Option<String>> = vec![None];
        if section == Section::Datasets {
            parts = out["datasets"].as_object().into_iter().flatten().map(|(n, _)| Some(n.clone())).collect();
        }
        for dataset in parts {
            let posted = fields(&form(&out, section, dataset.as_deref()));
            out = apply(&out, section, dataset.as_deref(), &posted);
        }
    }
    out
}

/// Names of the columns and datasets in their order, which equality of objects does not see.
fn order(document: &Json) -> Vec<String> {
    let datasets = document["datasets"].as_object();
    let columns = |d: &Json| d["schema"]["properties"].as_object().map(|p| p.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    datasets.into_iter().flatten().flat_map(|(n, d)| std::iter::once(n.clone()).chain(columns(d))).collect()
}

fn same(document: &Json) {
    let back = through(document);
    assert_eq!(&back, document);
    assert_eq!(order(&back), order(document));
}

#[test]
fn the_model_and_the_samples_survive_the_form() {
    same(&model::document());
    same(&model::empty());
    same(&json!({}));
    for sample in ["tri-demandes", "depots-sauvages", "chauffage"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(sample).join("convention.yaml");
        same(&crate::convention::Convention::load_file(&path).unwrap().json);
    }
}

#[test]
fn odd_values_survive_the_form() {
    let mut document = model::document();
    document["title"] = json!(12);
    document["id"] = json!(" a ");
    document["summary"] = json!("un\r\ndeux");
    document["track"] = json!("un\ndeux");
    document["period"] = json!({"start": "2026", "end": null, "x": {"y": 1}});
    document["parties"] = json!({"sites": [{"siren": "12"}, null, {"siren": "219300480", "autre": [1]}]});
    document["retention"] = json!({"months": "12"});
    document["disclosure"] = json!({"minimum_cell": 1.5});
    document["uses"]["evaluation"] = json!({"datasets": ["inconnu", "dossiers"]});
    document["uses"]["comparison"] = json!({});
    document["uses"]["sharing"] = json!([{"recipient": "R", "datasets": [], "fields": ["a", "b"], "until": "2026-02-30"}]);
    document["evaluation"]["phases"] = json!({"column": "date_depot", "baseline": ["2026-01-05", "2026-02-05"], "trial": ["2026"]});
    document["evaluation"]["indicators"][0]["target"] = json!({"within": [-1, 1.5]});
    document["evaluation"]["indicators"][1]["target"] = json!({"effect": 1, "level": 2});
    document["evaluation"]["indicators"][2]["target"] = json!({"relative": "peu"});
    document["rex"] = json!({"due": "P2W", "questionnaire": {"sections": [{"id": "a", "title": "A", "questions": [
        {"id": "q", "label": "Q ?", "type": "choice", "choices": ["x", "y"], "required": false}, {"id": "r", "label": "R", "type": "text", "required": true}]}]}});
    document["principles"] = json!(["security", "fairness", "security2"]);
    document["processing"] = json!({});
    document["datasets"]["brut"] = json!({"title": "Brut", "schema": true, "personal_data": {}});
    document["datasets"]["a/b~c"] = json!({"schema": {"$grid": "json", "$raw": 1}});
    document["datasets"]["table"] = json!({"title": "T", "schema": {"fields": [
        {"name": "a", "type": "string", "constraints": {"required": true, "enum": ["x"], "unique": true}, "rdfType": "z"},
        {"name": "b", "type": "date", "constraints": {"minimum": "2020-01-01"}}, {"name": "c", "constraints": {}}], "missingValues": ["", "-"]},
        "personal_data": {"a": "pseudonym", "absente": "direct"}, "unique_keys": [["a", "b"], ["c"]], "foreign_keys": [{"fields": ["a"], "reference": "territory"}]});
    document["datasets"]["riche"] = json!({"title": "R", "schema": {"type": "object", "required": ["z", "a"], "$defs": {"d": {}}, "properties": {
        "a": {"type": ["string", "null"], "enum": ["x", null]}, "z": {"enum": [1, "b"]}, "m": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        "n": {"type": ["null", "number"], "minimum": 0, "multipleOf": 0.5}, "o": {"type": "string", "format": "date", "examples": ["2026-01-05"]}, "p": {}}}});
    same(&document);
}

#[test]
fn buttons_add_remove_and_turn() {
    let press = |document: &Json, section: Section, dataset: Option<&str>, act: &str, change: &[(&str, &str)]| {
        let mut posted = fields(&form(document, section, dataset));
        for (name, value) in change {
            match posted.iter_mut().find(|(n, _)| n == name) {
                Some(field) => field.1 = (*value).to_owned(),
                None => posted.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        posted.push(("act".to_owned(), act.to_owned()));
        apply(document, section, dataset, &posted)
    };
    let model = model::document();
    let parties = press(&model, Section::Parties, None, "save", &[("q:/parties/sites", "Montreuil")]);
    assert_eq!(parties["parties"]["sites"], json!([{"siren": "219300480"}]));
    let two = press(&parties, Section::Parties, None, "save", &[("q:/parties/sites", "Bagneux (219200078)")]);
    let swapped = press(&two, Section::Parties, None, "up:/parties/sites/1", &[]);
    assert_eq!(swapped["parties"]["sites"][0]["siren"], "219200078");
    let one = press(&swapped, Section::Parties, None, "remove:/parties/sites/0", &[]);
    assert_eq!(one["parties"]["sites"], parties["parties"]["sites"]);

    let dates = press(
        &model,
        Section::General,
        None,
        "save",
        &[("t:/period/start", "2026-01-05"), ("t:/period/end", "2026-06-30"), ("t:/summary", "")],
    );
    assert_eq!((&dates["period"], dates.get("summary")), (&json!({"start": "2026-01-05", "end": "2026-06-30"}), None));

    let pointer = "/datasets/dossiers/schema/columns";
    let column = press(&model, Section::Datasets, Some("dossiers"), &format!("column:{pointer}"), &[]);
    let properties = column["datasets"]["dossiers"]["schema"]["properties"].as_object().unwrap();
    assert_eq!(properties.iter().next_back().unwrap(), (&"colonne_1".to_owned(), &json!({"type": ["string", "null"]})));
    let renamed = press(&model, Section::Datasets, Some("dossiers"), "save", &[(&format!("t:{pointer}/0/name"), "numero")]);
    let dossiers = &renamed["datasets"]["dossiers"];
    assert_eq!(
        (&dossiers["primary_key"], &dossiers["schema"]["required"]),
        (&json!(["numero"]), &json!(["numero", "date_depot", "groupe"]))
    );

    let plan = press(&model, Section::Indicators, None, "object:/evaluation/indicators/0/value", &[]);
    assert_eq!(plan["evaluation"]["indicators"][0]["value"], json!({"sql": "date_cloture - date_depot", "dataset": ""}));
    let target = press(
        &model,
        Section::Indicators,
        None,
        "save",
        &[("g:/evaluation/indicators/0/target", "within"), ("h:/evaluation/indicators/0/target", "−1,5 ; 2")],
    );
    assert_eq!(target["evaluation"]["indicators"][0]["target"], json!({"within": [-1.5, 2]}));
    let rex = press(&model, Section::Rex, None, "own:/rex/questionnaire", &[]);
    assert_eq!(rex["rex"]["questionnaire"]["sections"][0]["id"], "bilan");

    let mut renamed = model.clone();
    assert!(acts::rename_dataset(&mut renamed, "dossiers", "demandes") && !acts::rename_dataset(&mut renamed, "demandes", "consommation"));
    assert!(!renamed.to_string().contains("\"dossiers\""));
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e6f64..1e6).prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "a",
            " a",
            "a\nb",
            "a\r",
            "2026-01-05",
            "12",
            "P3D",
            "named",
            "dossiers",
            "territory",
            "[1]",
            "null",
            "219300480",
            "<é&\">",
            "a, b",
            "\u{0}"
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let keys = prop::sample::select(vec![
            "type",
            "enum",
            "name",
            "siren",
            "required",
            "properties",
            "fields",
            "a/b",
            "effect",
            "within",
            "sections",
            "rest",
            "title",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((keys, inner), 0..4).prop_map(|m| Json::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

fn pointers(json: &Json, pointer: &str, found: &mut Vec<String>) {
    match json {
        Json::Object(map) => map.iter().for_each(|(k, v)| pointers(v, &format!("{pointer}/{}", escape(k)), found)),
        Json::Array(list) => list.iter().enumerate().for_each(|(i, v)| pointers(v, &format!("{pointer}/{i}"), found)),
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer.to_owned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// A document, wherever it departs from the format, is what its form says.
    #[test]
    fn whatever_the_document_holds_survives_the_form(changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..4)) {
        let mut document = model::document();
        for (index, value) in changes {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let pointer = &all[index.index(all.len())];
            *document.pointer_mut(pointer).unwrap() = value;
        }
        prop_assume!(document.is_object());
        let back = through(&document);
        prop_assert_eq!(&back, &document);
        prop_assert_eq!(order(&back), order(&document));
    }

    /// Any fields make a document; none makes the hub fall.
    #[test]
    fn any_fields_are_read(posted in prop::collection::vec(("[oatnsbdlujpxzqgh]:(/[a-c0-3]){1,4}", "[a-c0-9,;:/ ]{0,6}"), 0..30), act in "(add|remove|up|column|object|text|own):(/[a-c0-3]){1,3}") {
        let mut posted = posted;
        posted.push(("act".to_owned(), act));
        for section in SECTIONS {
            apply(&model::document(), section, Some("dossiers"), &posted);
        }
    }
}
