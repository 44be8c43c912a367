//! The convention's document: the specification's example is accepted; what is wrong is refused at its place.
#![expect(clippy::expect_used, reason = "a test stops where its own setting fails")]

use std::{path::PathBuf, process::Command};

use retex::{convention::Convention, error::Error};
use serde_json::{Value as Json, json};

fn example_file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/design/convention.example.yaml"))
}

fn example() -> Convention {
    Convention::load_file(&example_file()).unwrap_or_else(|e| panic!("{}", told(&e)))
}

fn told(error: &Error) -> String {
    let faults: Vec<String> = error.faults.iter().map(|f| format!("{} [{}] {}", f.pointer, f.code, f.message)).collect();
    format!("{}\n{}", error.message, faults.join("\n"))
}

#[test]
fn the_example_is_accepted_as_it_stands() {
    let convention = example();
    assert_eq!(convention.document.id, "tri-demandes-2026");
    assert_eq!(convention.rules.keys().collect::<Vec<_>>(), ["demandes", "energie"]);
    assert_eq!(convention.indicators.len(), 4);
    let delay = convention.indicators[0].value.as_ref().expect("a value");
    assert_eq!(delay.columns, ["date_cloture", "date_depot"]);
    assert_eq!(delay.kind, retex::convention::expression::ExpressionKind::Duration);
    let per = convention.indicators[3].per.as_ref().expect("a denominator");
    assert_eq!((convention.indicators[3].dataset.as_str(), per.dataset.as_str(), per.same_row), ("energie", "demandes", false));
    let names = |siren: &str| convention.site_name(&siren.parse().expect("a SIREN"));
    assert_eq!(names("200057941"), "Paris Est Marne et Bois (accueil mutualisé)");
    assert_eq!(names("219300068"), "Bagnolet");
}

#[test]
fn a_kept_convention_loads_again_with_the_same_hash() {
    let convention = example();
    let again = Convention::from_json(convention.json.clone()).unwrap_or_else(|e| panic!("{}", told(&e)));
    assert_eq!(again.sha256, convention.sha256);
    let text = serde_json::to_string(&convention.json).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("convention.json");
    std::fs::write(&file, text).expect("written");
    assert_eq!(Convention::load_file(&file).unwrap_or_else(|e| panic!("{}", told(&e))).sha256, convention.sha256);

    let mut other = convention.json.clone();
    other["provider"]["name"] = json!("Une autre entreprise");
    assert_eq!(
        Convention::from_json(other).unwrap_or_else(|e| panic!("{}", told(&e))).sha256,
        convention.sha256,
        "the provider is not signed"
    );
    let mut other = convention.json.clone();
    other["title"] = json!("Un autre titre");
    assert_ne!(Convention::from_json(other).unwrap_or_else(|e| panic!("{}", told(&e))).sha256, convention.sha256);
}

/// A change to the example.
type Change = (&'static str, fn(&mut Json));

/// What to change in the example, the codes and places of what must be found.
type Case = (&'static str, fn(&mut Json), &'static [(&'static str, &'static str)]);

fn indicator(json: &mut Json, i: usize) -> &mut Json {
    &mut json["evaluation"]["indicators"][i]
}

fn remove(json: &mut Json, key: &str) {
    json.as_object_mut().expect("an object").shift_remove(key);
}

const CASES: &[Case] = &[
    ("a key is missing", |j| remove(j, "title"), &[("", "required")]),
    (
        "two keys are missing",
        |j| {
            remove(j, "retention");
            remove(&mut j["parties"], "sites")
        },
        &[("/parties", "required"), ("", "required")],
    ),
    ("a key is misspelt", |j| j["evaluation"]["asignment"] = json!("random"), &[("/evaluation/asignment", "additional_property")]),
    ("another version", |j| j["retex"] = json!(2), &[("/retex", "const")]),
    ("a title that is a number", |j| j["title"] = json!(12), &[("/title", "type")]),
    ("an id with spaces", |j| j["id"] = json!("Tri des demandes"), &[("/id", "pattern")]),
    ("a SIREN without quotes", |j| j["parties"]["sites"][0]["siren"] = json!(219_300_068), &[("/parties/sites/0/siren", "type")]),
    ("a SIREN of eight digits", |j| j["parties"]["sites"][0]["siren"] = json!("21930006"), &[("/parties/sites/0/siren", "pattern")]),
    ("a date that does not exist", |j| j["period"]["end"] = json!("2026-02-30"), &[("/period/end", "date")]),
    ("a statistic of later", |j| indicator(j, 0)["statistic"] = json!("median"), &[("/evaluation/indicators/0/statistic", "enum")]),
    ("an unknown periodicity", |j| j["datasets"]["energie"]["periodicity"] = json!("mois"), &[("/datasets/energie/periodicity", "enum")]),
    ("a delay in months", |j| j["datasets"]["energie"]["due"] = json!("P1M"), &[("/datasets/energie/due", "pattern")]),
    ("certainty", |j| j["evaluation"]["confidence"] = json!(1), &[("/evaluation/confidence", "range")]),
    ("no risk", |j| j["evaluation"]["planning"]["alpha"] = json!(0), &[("/evaluation/planning/alpha", "range")]),
    ("two targets", |j| indicator(j, 0)["target"] = json!({"effect": 1, "level": 2}), &[("/evaluation/indicators/0/target", "properties")]),
    ("no site", |j| j["parties"]["sites"] = json!([]), &[("/parties/sites", "items")]),
    (
        "a dataset with a space in its name",
        |j| j["datasets"]["mes demandes"] = json!({"title": "x", "schema": {"type": "object"}}),
        &[("/datasets/mes demandes", "name")],
    ),
    ("last_by without order", |j| remove(&mut indicator(j, 3)["value"], "order"), &[("/evaluation/indicators/3/value", "required")]),
    (
        "a reference to a file",
        |j| j["datasets"]["energie"]["schema"] = json!({"$ref": "./x.json"}),
        &[("/datasets/energie/schema/$ref", "ref_not_inlined")],
    ),
    ("dates the wrong way round", |j| j["period"] = json!({"start": "2026-06-30", "end": "2026-01-05"}), &[("/period", "dates_order")]),
    (
        "two weeks",
        |j| {
            j["period"]["end"] = json!("2026-01-20");
            remove(&mut j["evaluation"], "phases")
        },
        &[("/period", "period_length")],
    ),
    ("thirteen months", |j| j["period"]["end"] = json!("2027-02-04"), &[("/period", "period_length")]),
    ("another Métropole", |j| j["parties"]["metropole"]["siren"] = json!("219300068"), &[("/parties/metropole/siren", "not_metropole")]),
    ("an unknown site", |j| j["parties"]["sites"][1]["siren"] = json!("123456789"), &[("/parties/sites/1/siren", "unknown_site")]),
    ("the Métropole as a site", |j| j["parties"]["sites"][1]["siren"] = json!("200054781"), &[("/parties/sites/1/siren", "not_a_site")]),
    ("a site twice", |j| j["parties"]["sites"][1]["siren"] = json!("219300068"), &[("/parties/sites/1/siren", "duplicate_site")]),
    (
        "a use of an unknown dataset",
        |j| j["uses"]["comparison"]["datasets"] = json!(["demande"]),
        &[("/uses/comparison/datasets/0", "unknown_dataset")],
    ),
    (
        "a shared column that no dataset has",
        |j| j["uses"]["sharing"] = json!([{"recipient": "x", "datasets": ["demandes"], "fields": ["agents"]}]),
        &[("/uses/sharing/0/fields/0", "unknown_column")],
    ),
    (
        "a published pseudonym",
        |j| j["uses"]["open_data"] = json!([{"dataset": "demandes"}]),
        &[("/uses/open_data/0", "personal_open_data")],
    ),
    (
        "a key that is no column",
        |j| j["datasets"]["demandes"]["primary_key"] = json!(["id_demandes"]),
        &[("/datasets/demandes/primary_key/0", "unknown_column")],
    ),
    (
        "a personal column that is no column",
        |j| j["datasets"]["demandes"]["personal_data"] = json!({"agents": "pseudonym"}),
        &[("/datasets/demandes/personal_data/agents", "unknown_column")],
    ),
    (
        "a foreign key to nothing",
        |j| j["datasets"]["demandes"]["foreign_keys"] = json!([{"fields": ["agent"], "reference": "agents"}]),
        &[("/datasets/demandes/foreign_keys/0/reference", "unknown_dataset")],
    ),
    (
        "a foreign key to no column",
        |j| j["datasets"]["demandes"]["foreign_keys"] = json!([{"fields": ["agent"], "reference": "energie", "reference_fields": ["run"]}]),
        &[("/datasets/demandes/foreign_keys/0/reference_fields/0", "unknown_column")],
    ),
    (
        "a rule that reads a file",
        |j| j["datasets"]["demandes"]["rules"][0]["check"] = json!("agent IN (SELECT * FROM read_csv('/etc/passwd'))"),
        &[("/datasets/demandes/rules/0/check", "expression_not_allowed")],
    ),
    (
        "a rule that is no condition",
        |j| j["datasets"]["demandes"]["rules"][0]["check"] = json!("satisfaction + 1"),
        &[("/datasets/demandes/rules/0/check", "not_boolean")],
    ),
    (
        "an arm column that is none",
        |j| j["evaluation"]["arms"]["column"] = json!("groupe"),
        &[("/evaluation/arms/column", "unknown_column")],
    ),
    (
        "an arm that cannot be",
        |j| j["evaluation"]["arms"]["control"] = json!("témoin"),
        &[("/evaluation/arms/control", "impossible_value")],
    ),
    ("one arm", |j| j["evaluation"]["arms"]["control"] = json!("assistant"), &[("/evaluation/arms", "same_arms")]),
    ("no arms", |j| remove(&mut j["evaluation"], "arms"), &[("/evaluation", "arms_required")]),
    (
        "no phases",
        |j| {
            j["evaluation"]["design"] = json!("before_after");
            remove(&mut j["evaluation"], "phases")
        },
        &[("/evaluation", "phases_required")],
    ),
    (
        "no baseline",
        |j| {
            j["evaluation"]["design"] = json!("difference_in_differences");
            remove(&mut j["evaluation"]["phases"], "baseline")
        },
        &[("/evaluation/phases", "baseline_required")],
    ),
    (
        "a phase that is no date",
        |j| j["evaluation"]["phases"]["column"] = json!("categorie"),
        &[("/evaluation/phases/column", "column_type")],
    ),
    (
        "a trial that overflows",
        |j| j["evaluation"]["phases"]["trial"] = json!(["2026-03-01", "2026-07-01"]),
        &[("/evaluation/phases/trial", "outside_period")],
    ),
    (
        "phases that overlap",
        |j| j["evaluation"]["phases"]["baseline"] = json!(["2026-01-05", "2026-03-01"]),
        &[("/evaluation/phases/baseline", "phases_overlap")],
    ),
    ("a cluster that is none", |j| j["evaluation"]["cluster"] = json!("agents"), &[("/evaluation/cluster", "unknown_column")]),
    ("an indicator twice", |j| indicator(j, 1)["id"] = json!("delai"), &[("/evaluation/indicators/1/id", "duplicate_id")]),
    (
        "a formula with an unknown column",
        |j| indicator(j, 0)["value"] = json!("date_clôture - date_depot"),
        &[("/evaluation/indicators/0/value", "unknown_column")],
    ),
    (
        "a formula that hides its columns",
        |j| indicator(j, 0)["value"] = json!("COLUMNS('.*')"),
        &[("/evaluation/indicators/0/value", "expression_not_allowed")],
    ),
    (
        "a duration against a number",
        |j| indicator(j, 0)["where"] = json!("date_cloture - date_depot > 15"),
        &[("/evaluation/indicators/0/where", "expression_type")],
    ),
    (
        "a filter that is no condition",
        |j| indicator(j, 0)["where"] = json!("satisfaction"),
        &[("/evaluation/indicators/0/where", "not_boolean")],
    ),
    ("a duration without its unit", |j| remove(indicator(j, 0), "unit"), &[("/evaluation/indicators/0", "duration_unit")]),
    ("a duration in days, in English", |j| indicator(j, 0)["unit"] = json!("days"), &[("/evaluation/indicators/0/unit", "duration_unit")]),
    (
        "a mean of true and false",
        |j| indicator(j, 0)["value"] = json!("satisfaction >= 4"),
        &[("/evaluation/indicators/0/value", "value_type")],
    ),
    ("a share of numbers", |j| indicator(j, 2)["value"] = json!("satisfaction"), &[("/evaluation/indicators/2/value", "value_type")]),
    ("a mean of text", |j| indicator(j, 0)["value"] = json!("categorie"), &[("/evaluation/indicators/0/value", "value_type")]),
    (
        "a pseudonym as a value",
        |j| indicator(j, 2)["value"] = json!("agent = 'A0001'"),
        &[("/evaluation/indicators/2/value", "personal_value")],
    ),
    (
        "a value for a count",
        |j| {
            *indicator(j, 0) =
                json!({"id": "n", "title": "N", "dataset": "demandes", "statistic": "count", "value": "satisfaction", "better": "higher"})
        },
        &[("/evaluation/indicators/0/value", "value_not_expected")],
    ),
    ("a mean of nothing", |j| remove(indicator(j, 0), "value"), &[("/evaluation/indicators/0", "value_required")]),
    ("no dataset", |j| remove(indicator(j, 0), "dataset"), &[("/evaluation/indicators/0", "dataset_required")]),
    ("two datasets", |j| indicator(j, 3)["dataset"] = json!("demandes"), &[("/evaluation/indicators/3/dataset", "dataset_conflict")]),
    (
        "a dataset that may not be evaluated",
        |j| j["uses"]["evaluation"]["datasets"] = json!(["demandes"]),
        &[("/evaluation/indicators/3/value/dataset", "use_not_agreed")],
    ),
    ("a ratio without its denominator", |j| remove(indicator(j, 3), "per"), &[("/evaluation/indicators/3", "per_required")]),
    (
        "a mean with a denominator",
        |j| indicator(j, 0)["per"] = json!("satisfaction"),
        &[("/evaluation/indicators/0/per", "per_not_expected")],
    ),
    (
        "a denominator that is a condition",
        |j| indicator(j, 3)["per"] = json!("energy_consumed > 0"),
        &[("/evaluation/indicators/3/per", "value_type")],
    ),
    (
        "a denominator on an unknown dataset",
        |j| indicator(j, 3)["per"]["dataset"] = json!("demande"),
        &[("/evaluation/indicators/3/per/dataset", "unknown_dataset")],
    ),
    (
        "last_by on no column",
        |j| indicator(j, 3)["value"]["last_by"] = json!("run"),
        &[("/evaluation/indicators/3/value/last_by", "unknown_column")],
    ),
    (
        "an effect of another statistic",
        |j| indicator(j, 0)["effect"] = json!("risk_difference"),
        &[("/evaluation/indicators/0/effect", "effect_not_allowed")],
    ),
    (
        "an effect where there are no groups",
        |j| indicator(j, 3)["effect"] = json!("log_ratio_of_ratios"),
        &[("/evaluation/indicators/3/effect", "effect_without_groups")],
    ),
    (
        "an effect without a design",
        |j| {
            j["evaluation"]["design"] = json!("none");
            for i in 1..3 {
                remove(indicator(j, i), "effect");
                remove(indicator(j, i), "target");
            }
        },
        &[("/evaluation/indicators/0/effect", "effect_without_design")],
    ),
    (
        "bounds the wrong way round",
        |j| indicator(j, 0)["target"] = json!({"within": [1, -1]}),
        &[("/evaluation/indicators/0/target/within", "target_range")],
    ),
    ("a share over 1", |j| indicator(j, 1)["target"] = json!({"level": 80}), &[("/evaluation/indicators/1/target/level", "target_range")]),
    (
        "five points written 5",
        |j| indicator(j, 1)["target"] = json!({"effect": 5}),
        &[("/evaluation/indicators/1/target/effect", "target_range")],
    ),
    (
        "a question twice",
        |j| j["rex"]["questionnaire"] = json!({"sections": [{"id": "s", "title": "S", "questions": [{"id": "q", "label": "Q", "type": "text"}, {"id": "q", "label": "Q", "type": "choice"}]}]}),
        &[("/rex/questionnaire/sections/0/questions/1/id", "duplicate_id"), ("/rex/questionnaire/sections/0/questions/1", "choices")],
    ),
    ("another questionnaire", |j| j["rex"]["questionnaire"] = json!("mon-questionnaire"), &[("/rex/questionnaire", "pattern")]),
    ("a principle of another regulation", |j| j["principles"] = json!(["sobriety"]), &[("/principles/0", "enum")]),
    ("not a document", |j| *j = json!([1, 2]), &[("", "type")]),
];

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let good = example().json;
    let mut seen = String::new();
    for (name, change, expected) in CASES {
        let mut json = good.clone();
        change(&mut json);
        let error = match Convention::from_json(json) {
            Err(error) => error,
            Ok(_) => panic!("accepted: {name}"),
        };
        let mut found: Vec<(&str, &str)> = error.faults.iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect();
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}: {}", told(&error));
        seen.push_str(&format!("# {name}\n{}\n\n", told(&error)));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn designs_without_arms_or_with_anything_useful_are_accepted() {
    let good = example().json;
    let accepted: &[Change] = &[
        ("levels only", |j| {
            j["evaluation"] = json!({"design": "none", "indicators": [
                {"id": "n", "title": "N", "dataset": "demandes", "statistic": "count", "where": "date_cloture IS NOT NULL", "better": "higher"},
                {"id": "niveau", "title": "Niveau", "dataset": "demandes", "statistic": "mean", "value": "satisfaction", "better": "higher", "target": {"level": 4}},
            ]});
        }),
        ("before and after, on datetimes", |j| {
            j["evaluation"] = json!({"design": "before_after",
                "phases": {"column": "timestamp", "baseline": ["2025-12-01", "2026-01-04"], "trial": ["2026-01-05", "2026-06-30"]},
                "indicators": [{"id": "e", "title": "E", "dataset": "energie", "statistic": "mean", "value": "energy_consumed", "better": "lower",
                    "effect": "log_ratio_of_means", "target": {"relative": -0.2}}]});
        }),
        ("a ratio on the same row", |j| {
            *indicator(j, 3) = json!({"id": "r", "title": "R", "dataset": "demandes", "statistic": "ratio", "value": "satisfaction",
                "per": "EXTRACT(EPOCH FROM date_cloture - date_depot) / 86400", "better": "higher", "effect": "log_ratio_of_ratios"});
        }),
        ("equivalence", |j| indicator(j, 0)["target"] = json!({"within": [-1, 1]})),
        ("one month exactly", |j| {
            j["period"] = json!({"start": "2026-01-05", "end": "2026-02-04"});
            j["evaluation"]["phases"] = json!({"column": "date_depot", "trial": ["2026-01-05", "2026-02-04"]});
        }),
        ("twelve months exactly", |j| j["period"] = json!({"start": "2026-01-05", "end": "2027-01-04"})),
        ("published without the pseudonym", |j| {
            j["uses"]["open_data"] = json!([{"dataset": "demandes", "fields": ["date_depot", "bras"]}])
        }),
        ("an own questionnaire", |j| {
            j["rex"]["questionnaire"] = json!({"sections": [{"id": "s", "title": "S", "questions": [
                {"id": "q", "label": "Q", "type": "choice", "choices": ["oui", "non"], "required": true, "help": "?"}]}]});
        }),
    ];
    for (name, change) in accepted {
        let mut json = good.clone();
        change(&mut json);
        if let Err(error) = Convention::from_json(json) {
            panic!("{name}: {}", told(&error));
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let cases = [
        (folder.path().to_owned(), "convention_unreadable"),
        (folder.path().join("absente.yaml"), "convention_unreadable"),
        (write("vide.yaml", b""), "convention_syntax"),
        (write("binaire.yaml", &[0xff, 0xfe, 0x00, 0x41]), "convention_unreadable"),
        (write("cassee.json", b"{\"a\": "), "convention_syntax"),
        (write("grosse.json", &vec![b' '; (2 << 20) + 2]), "convention_too_large"),
        (write("sans-extension", b"{\"retex\": 1}"), "convention_invalid"),
        (write("deux-cles.yaml", b"retex: 1\nretex: 1\n"), "convention_syntax"),
    ];
    for (path, code) in cases {
        let error = Convention::load_file(&path).err().unwrap_or_else(|| panic!("accepted: {}", path.display()));
        assert_eq!(error.code, code, "{}: {}", path.display(), told(&error));
    }
}

fn retex(arguments: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_retex")).args(arguments).output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

#[test]
fn the_command_says_what_a_convention_holds_or_what_is_wrong() {
    let file = example_file();
    let file = file.to_str().expect("UTF-8");
    let (code, out, _) = retex(&["convention", "check", file]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out);
    let (code, out, _) = retex(&["convention", "check", file, "--format", "json"]);
    let json: Json = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &json["valid"], &json["convention"]["sha256"]), (0, &json!(true), &json!(example().sha256)));

    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("c.yaml");
    std::fs::write(&bad, "retex: 1\n").expect("written");
    let (code, out, _) = retex(&["convention", "check", bad.to_str().expect("UTF-8"), "--format", "json"]);
    let json: Json = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, 2);
    assert_eq!(json["convention_errors"][0]["code"], "required");
    let (code, out, err) = retex(&["convention", "check", bad.to_str().expect("UTF-8")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("[convention_invalid]") && err.contains("[required]"), "{err}");
}

/// Every place of a document.
fn places(json: &Json, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match json {
        Json::Object(map) => map.iter().for_each(|(key, value)| places(value, &format!("{at}/{}", escape(key)), out)),
        Json::Array(items) => items.iter().enumerate().for_each(|(i, value)| places(value, &format!("{at}/{i}"), out)),
        _ => {}
    }
}

/// Whatever stands at any place of the document, the answer is a convention or located faults.
#[test]
fn any_value_at_any_place_is_accepted_or_refused_in_words() {
    let good = example().json;
    let mut all = Vec::new();
    // One column of the energy schema is as good as thirty-eight.
    places(&good, "", &mut all);
    all.retain(|place| !place.starts_with("/datasets/energie/schema/fields/") || place.starts_with("/datasets/energie/schema/fields/0"));
    let values =
        [json!(null), json!(""), json!("\u{0}é'\""), json!(-1e308), json!([]), json!({}), json!([{"$ref": "x"}]), json!("2026-02-28")];
    for (i, place) in all.iter().enumerate() {
        for value in values.iter().skip(i % 3).step_by(3) {
            let mut json = good.clone();
            *json.pointer_mut(place).expect("a place") = value.clone();
            if let Err(error) = Convention::from_json(json) {
                assert!(!error.faults.is_empty() && error.kind == retex::error::Kind::Invalid, "{place} {value}");
                assert!(error.faults.iter().all(|f| !f.message.is_empty() && f.code != "document"), "{place} {value}: {}", told(&error));
            }
        }
    }
}
