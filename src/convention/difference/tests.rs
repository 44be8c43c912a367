use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::difference;
use crate::convention::{canonical, model};

fn sentences(before: &Json, after: &Json) -> Vec<String> {
    difference(before, after).into_iter().map(|c| format!("[{}] {} → {}", c.section, c.pointer, c.sentence)).collect()
}

#[test]
fn changes_are_said_in_words() {
    let mut before = model::document();
    before["period"] = json!({"start": "2026-01-05", "end": "2026-06-30"});
    before["parties"]["sites"] = json!([{"siren": "219300480"}, {"siren": "219300084", "label": "Le Bourget"}]);
    let mut after = before.clone();
    after["title"] = json!("Tri des demandes");
    after["period"]["end"] = json!("2026-07-31");
    after["parties"]["sites"] = json!([{"siren": "219300084", "label": "Le Bourget", "contact": "accueil"}, {"siren": "219200078"}]);
    after["datasets"]["nouveau"] = json!({"title": "Neuf", "schema": {"properties": {"a": {}, "b": {}}}});
    after["datasets"].as_object_mut().unwrap().shift_remove("consommation");
    let dossiers = &mut after["datasets"]["dossiers"];
    dossiers["schema"]["required"] = json!(["id_dossier", "groupe", "satisfaction"]);
    dossiers["schema"]["properties"]["satisfaction"]["maximum"] = json!(7);
    dossiers["schema"]["properties"]["canal"] = json!({"type": "string", "title": "Canal"});
    dossiers["schema"]["properties"].as_object_mut().unwrap().shift_remove("corrige");
    dossiers["personal_data"] = json!({"canal": "indirect"});
    dossiers["due"] = json!("P10D");
    dossiers["periodicity"] = json!("week");
    dossiers["rules"] = json!([{"id": "cloture-apres-depot", "check": "date_cloture > date_depot", "message": "Non."}]);
    after["uses"]["comparison"] = json!({"datasets": ["dossiers", "nouveau"], "sites": "named"});
    after["uses"]["sharing"] = json!([{"recipient": "Université", "datasets": ["dossiers"]}]);
    after["retention"]["months"] = json!(36);
    after["evaluation"]["design"] = json!("before_after");
    after["evaluation"]["phases"] = json!({"column": "date_depot", "trial": ["2026-01-05", "2026-06-30"]});
    let indicators = after["evaluation"]["indicators"].as_array_mut().unwrap();
    indicators[0]["target"] = json!({"relative": -0.2});
    indicators[1]["role"] = json!("primary");
    indicators.remove(2);
    indicators.push(json!({"id": "exploratoire", "title": "Exploratoire", "statistic": "count", "better": "lower", "dataset": "dossiers"}));
    after["rex"]["due"] = json!("P45D");
    after["principles"].as_array_mut().unwrap().remove(1);
    after["ai_act"]["risk"] = json!("high");
    after["processing"]["impact_assessment"] = json!("done");
    after["provider"]["name"] = json!("Exemple SA");
    insta::assert_snapshot!(sentences(&before, &after).join("\n"));
}

#[test]
fn what_is_signed_alike_has_no_difference() {
    assert_eq!(difference(&json!({"a": 2, "b": {"c": 1}}), &json!({"b": {"c": 1.0}, "a": 2.0})), []);
    let model = model::document();
    assert_eq!(difference(&model, &model), []);
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-3i64..3).prop_map(Json::from),
        (-2.0f64..2.0).prop_map(Json::from),
        "[a-b]{0,2}".prop_map(Json::from),
        Just(json!("2026-01-05")),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

/// The format's own keys: what has words of its own must be as complete as the rest.
fn key() -> impl Strategy<Value = String> {
    let keys = [
        "id",
        "title",
        "period",
        "start",
        "end",
        "parties",
        "sites",
        "siren",
        "datasets",
        "schema",
        "properties",
        "required",
        "fields",
        "name",
        "rules",
        "personal_data",
        "uses",
        "sharing",
        "recipient",
        "evaluation",
        "indicators",
        "target",
        "effect",
        "within",
        "rex",
        "questionnaire",
        "sections",
        "questions",
        "principles",
        "ai_act",
        "roles",
        "obligations",
        "processing",
        "provider",
        "primary_key",
        "a~/b",
    ];
    prop::sample::select(keys.to_vec()).prop_map(str::to_owned)
}

/// A document with one value of the model replaced.
fn mutated() -> impl Strategy<Value = Json> {
    (any::<prop::sample::Index>(), json_value()).prop_map(|(index, value)| {
        let mut document = model::document();
        let mut pointers = Vec::new();
        walk(&document, String::new(), &mut pointers);
        let pointer = &pointers[index.index(pointers.len())];
        *document.pointer_mut(pointer).unwrap() = value;
        document
    })
}

fn walk(json: &Json, pointer: String, found: &mut Vec<String>) {
    match json {
        Json::Object(map) => map.iter().for_each(|(k, v)| walk(v, format!("{pointer}/{}", super::escape(k)), found)),
        Json::Array(list) => list.iter().enumerate().for_each(|(i, v)| walk(v, format!("{pointer}/{i}"), found)),
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_unsaid(a in json_value(), b in json_value()) {
        prop_assert_eq!(difference(&a, &b).is_empty(), canonical::same(&a, &b), "{} {}", a, b);
    }

    #[test]
    fn nothing_changes_unsaid_in_a_convention(a in mutated(), b in mutated()) {
        prop_assert_eq!(difference(&a, &b).is_empty(), canonical::same(&a, &b));
    }
}
