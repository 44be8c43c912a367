//! The command on a folder of files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use retex::evaluation::rex::read_answers;
use tempfile::TempDir;

use super::*;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");

fn retex(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_retex")).args(arguments).output().unwrap()
}

fn evaluated(convention: &Path, deposits: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["evaluate", "--convention", convention.to_str().unwrap(), "--deposits", deposits.to_str().unwrap()];
    arguments.extend(more);
    retex(&arguments)
}

fn parsed(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error} {}", String::from_utf8_lossy(&output.stderr)))
}

/// A temporary folder with these files, from it on.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

/// Paris alone compares the two drugs of Student's patients; effects on the file of R's `sleep` as it is.
fn sleep() -> (TempDir, PathBuf, PathBuf) {
    let mut document = document(
        1,
        json!({"extra": {"type": "number", "title": "Heures gagnées"}, "group": {"enum": ["1", "2"]}, "ID": {"type": "integer"}}),
        json!({
            "design": "controlled", "arms": {"column": "group", "treated": "1", "control": "2"}, "assignment": "random",
            "indicators": [
                mean(json!({"id": "sommeil", "title": "Sommeil gagné", "value": "extra", "unit": "heures", "better": "higher", "role": "primary", "target": {"effect": 0.0}})),
                share(json!({"id": "gain", "title": "Part des patients qui dorment plus", "value": "extra > 0", "better": "higher"})),
            ],
        }),
    );
    document["parties"]["sites"] = json!([{"siren": "217500016"}]);
    let csv = fs::read(format!("{SHARED}/cases/stats/sleep.csv")).unwrap();
    let dir = folder(&[("convention.json", document.to_string().as_bytes()), ("depots/75056/lignes/sleep.csv", &csv)]);
    let paths = (dir.path().join("convention.json"), dir.path().join("depots"));
    (dir, paths.0, paths.1)
}

#[test]
fn the_command_gives_students_effect() {
    let (_dir, convention, deposits) = sleep();
    let output = evaluated(&convention, &deposits, &["--final", "--format", "json"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{}", String::from_utf8_lossy(&output.stderr));
    let json = parsed(&output);
    let effect = &json["indicators"][0]["sites"][0]["effect"];
    close(effect["estimate"].as_f64(), -1.58, 12);
    close(effect["p"].as_f64(), 0.07939, 5);
    close(effect["df"].as_f64(), 17.776, 3);
    assert_eq!(json["indicators"][0]["verdict"], "not_evaluable");
    assert_eq!(json["indicators"][0]["sites"][0]["site"]["name"], "Paris");
    assert_eq!(json["provenance"]["deposits"][0]["rows"], 20);
    assert_eq!(json["rejected"], json!([]));
    let again = evaluated(&convention, &deposits, &["--final", "--format", "json"]);
    assert_eq!(again.stdout, output.stdout, "the same inputs give the same bytes");

    let provisional = parsed(&evaluated(&convention, &deposits, &["--format", "json"]));
    assert_eq!(provisional["indicators"][0]["sites"][0]["effect"]["p"], Json::Null);
    assert_eq!(provisional["indicators"][0]["verdict"], "provisional");
    let text = evaluated(&convention, &deposits, &[]);
    insta::assert_snapshot!("sleep", String::from_utf8(text.stdout).unwrap());
}

#[test]
fn what_is_left_out_is_named_and_the_rest_counts() {
    let mut document = document(
        2,
        json!({"id": {"type": "string"}, "bras": {"enum": ["T", "C"]}, "x": {"type": ["number", "null"]}}),
        json!({"design": "controlled", "arms": {"column": "bras", "treated": "T", "control": "C"}, "indicators": [mean(json!({}))]}),
    );
    document["datasets"]["lignes"]["primary_key"] = json!(["id"]);
    document["datasets"]["suites"] = json!({
        "title": "Suites",
        "schema": {"type": "object", "additionalProperties": false, "properties": {"id": {"type": "string"}}},
        "foreign_keys": [{"fields": ["id"], "reference": "lignes"}],
    });
    let codes: Vec<String> = communes(2).iter().map(Siren::to_string).collect();
    let [first, second] = [&codes[0], &codes[1]];
    let at = |site: &str, rest: &str| format!("depots/{site}/{rest}");
    let rows = |from: u32| {
        let row = |i: u32| format!("D{};{};{},5\n", from + i, if i.is_multiple_of(2) { "T" } else { "C" }, i);
        format!("id;bras;x\n{}", (0..6).map(row).collect::<String>())
    };
    let files: Vec<(String, String)> = vec![
        ("convention.json".to_owned(), document.to_string()),
        (at(first, "lignes/2026-01.csv"), rows(0)),
        (at(first, "lignes/2026-01-copie.csv"), rows(0)),
        (at(first, "lignes/2026-02.csv"), rows(4)),
        (at(first, "lignes/2026-03.csv"), rows(100)),
        (at(first, "lignes/2025-12.csv"), rows(200)),
        (at(first, "lignes/2026-04.csv"), "id;bras;x\nD900;T;douze\nD901;X;1\n".to_owned()),
        (at(first, "lignes/2026-05.csv"), String::new()),
        (at(first, "lignes/notes.txt"), "bonjour".to_owned()),
        (at(first, "lignes/vieux/2026-06.csv"), rows(300)),
        (at(first, "lignes/.DS_Store"), String::new()),
        (at(first, "suites/bonnes.csv"), "id\nD0\nD101\n".to_owned()),
        (at(first, "suites/mauvaises.csv"), "id\nD0\nD777\n".to_owned()),
        (at(first, "inconnu/2026-01.csv"), rows(400)),
        (at(first, "seul.csv"), rows(500)),
        (at(second, "lignes/toutes.csv"), rows(0)),
        (at("219300001", "lignes/2026-01.csv"), rows(0)),
        ("depots/perdu.csv".to_owned(), rows(0)),
    ];
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
    let dir = folder(&borrowed);
    let output = evaluated(&dir.path().join("convention.json"), &dir.path().join("depots"), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json = parsed(&output);
    let rejected: Vec<(String, String)> = (json["rejected"].as_array().unwrap().iter())
        .map(|r| (r["path"].as_str().unwrap().replace(first.as_str(), "1"), r["code"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("1/inconnu", "unknown_dataset"),
        // The first by name counts: «2026-01-copie» comes before «2026-01.csv».
        ("1/lignes/2025-12.csv", "period_outside"),
        ("1/lignes/2026-01.csv", "same_file"),
        ("1/lignes/2026-02.csv", "repeated_keys"),
        ("1/lignes/2026-04.csv", "invalid"),
        ("1/lignes/2026-05.csv", "invalid"),
        ("1/lignes/notes.txt", "unknown_format"),
        ("1/lignes/vieux", "directory"),
        ("1/seul.csv", "misplaced"),
        ("1/suites/mauvaises.csv", "foreign_key"),
        ("219300001", "unknown_site"),
        ("perdu.csv", "misplaced"),
    ];
    assert_eq!(rejected, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
    let sites = json["indicators"][0]["sites"].as_array().unwrap();
    assert_eq!(sites.iter().map(|s| s["groups"][0]["n"].as_u64().unwrap()).collect::<Vec<_>>(), [6, 3]);
    assert_eq!(json["provenance"]["deposits"].as_array().unwrap().len(), 4);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), expected.len(), "{stderr}");
    let messages = stderr.replace(first.as_str(), "1");
    let (invalid, ours): (Vec<&str>, Vec<&str>) = messages.lines().partition(|line| line.contains("[invalid]"));
    assert!(invalid[0].contains("2 erreurs. Ligne 2, colonne «\u{a0}x\u{a0}»") && invalid[0].contains("Ligne 3"), "{}", invalid[0]);
    insta::assert_snapshot!("left_out", ours.join("\n"));
}

#[test]
fn a_bad_convention_or_folder_stops_everything() {
    let (dir, convention, deposits) = sleep();
    let bad = dir.path().join("mauvaise.yaml");
    fs::write(&bad, "retex: 1\nid: x\n").unwrap();
    let output = evaluated(&bad, &deposits, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!parsed(&output)["convention_errors"].as_array().unwrap().is_empty());
    for deposits in [dir.path().join("rien"), convention.clone()] {
        let output = evaluated(&convention, &deposits, &["--format", "json"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(String::from_utf8(output.stderr).unwrap().contains("deposits_folder"));
    }
    assert_eq!(retex(&["evaluate"]).status.code(), Some(2));
    let empty = folder(&[]);
    let output = evaluated(&convention, empty.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "a site with nothing is no fault");
    assert_eq!(parsed(&output)["indicators"][0]["pooled"]["reason"]["code"], "no_rows");
}

// The convention of the specification, with files as town halls write them.
#[test]
fn the_example_convention_is_evaluated() {
    let example = fs::read_to_string(format!("{SHARED}/design/convention.example.yaml")).unwrap();
    let energy = fs::read_to_string(format!("{SHARED}/design/codecarbon.table-schema.json")).unwrap();
    let header = "id_demande;code_insee;date_depot;date_cloture;bras;categorie;satisfaction;agent\r\n";
    let month = |site: u32| -> String {
        let row = |i: u32| {
            let (arm, delay) = if i.is_multiple_of(2) { ("assistant", 3 + i % 3) } else { ("temoin", 8 + i % 5) };
            format!(
                "D{:06};;{:02}/03/2026;{:02}/03/2026;{arm};Voirie très dégradée;{};A{:04}\r\n",
                site * 1000 + i,
                1 + i % 9,
                1 + i % 9 + delay,
                1 + i % 5,
                i % 24
            )
        };
        format!("{header}{}", (0..120).map(row).collect::<String>())
    };
    let readings = "timestamp,project_name,run_id,duration,emissions,energy_consumed\n2026-03-02T10:00:00,retex,r1,10,0.001,0.5\n2026-03-02T11:00:00,retex,r1,20,0.002,1.5\n2026-03-03T10:00:00,retex,,5,0.001,0.3\n";
    let latin = |text: String| -> Vec<u8> { text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect() };
    let months = [1, 2, 3].map(|site| latin(month(site)));
    let dir = folder(&[
        ("convention.yaml", example.as_bytes()),
        ("codecarbon.table-schema.json", energy.as_bytes()),
        ("depots/219300068/demandes/demandes-2026-03.csv", &months[0]),
        ("depots/93008/demandes/demandes-2026-03.csv", &months[1]),
        ("depots/200057941/demandes/demandes-2026-03.csv", &months[2]),
        ("depots/93008/energie/2026-03.csv", readings.as_bytes()),
    ]);
    let output = evaluated(&dir.path().join("convention.yaml"), &dir.path().join("depots"), &["--format", "json", "--final"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let json = parsed(&output);
    let delay = &json["indicators"][0];
    assert_eq!(delay["verdict"], "reached", "{delay:#}");
    assert_eq!(
        (delay["pooled"]["k"].as_u64(), delay["sites"][2]["site"]["name"].as_str()),
        (Some(3), Some("Paris Est Marne et Bois (accueil mutualisé)"))
    );
    close(delay["sites"][0]["groups"][0]["mean"].as_f64(), 4.0, 12);
    let energy = &json["indicators"][3]["sites"][0];
    assert_eq!((energy["groups"][0]["sum"].as_f64(), energy["groups"][0]["per"].as_f64()), (Some(1.8), Some(60.0)));
    assert_eq!(energy["effect"]["reason"]["code"], "no_groups");

    fs::create_dir(dir.path().join("rex")).unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join("rex").join(name), text).unwrap();
    write("93008.yaml", "agents: 12\nobjectifs: En partie\nsus_1: 4\n");
    write("219300068.json", r#"{"agents": 3}"#);
    let convention = Convention::load_file(&dir.path().join("convention.yaml")).unwrap();
    let answers = read_answers(&dir.path().join("rex"), &convention).unwrap();
    assert_eq!(answers.iter().map(|a| (a.site.as_str(), a.answers.len())).collect::<Vec<_>>(), [("219300068", 1), ("219300084", 3)]);
    write("93008.json", r#"{"agents": 4}"#);
    write("75056.json", "{}");
    write("200057941.yml", "agents: beaucoup\ncouleur: bleu\n");
    let error = read_answers(&dir.path().join("rex"), &convention).unwrap_err();
    let faults: Vec<(&str, &str)> = error.faults.iter().map(|f| (f.pointer.as_str(), f.code.as_str())).collect();
    assert_eq!(
        faults,
        [
            ("/200057941.yml/couleur", "unknown_question"),
            ("/200057941.yml/agents", "number"),
            ("/75056.json", "unknown_site"),
            ("/93008.yaml", "repeated_site"),
        ]
    );
}
