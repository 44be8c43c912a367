//! The samples, through the program as a person runs it: each convention holds, each file has its verdict, each evaluation its
//! conclusions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use serde_json::Value as Json;

const SAMPLES: [&str; 3] = ["tri-demandes", "depots-sauvages", "chauffage"];

/// Files with an honest mistake: where, which rule says it, on which column, how many times. Every other file is valid.
const REFUSED: &[(&str, &str, &str, u64)] = &[
    ("tri-demandes/deposits/93008/demandes/demandes-2026-10.csv", "outside_perimeter", "date_clotur", 1),
    ("tri-demandes/deposits/92007/demandes/Demandes 2026-10.xlsx", "maximum", "satisfaction", 2),
    ("tri-demandes/deposits/92050/demandes/GRC_2026-09.csv", "outside_perimeter", "nom_usager", 1),
    ("depots-sauvages/deposits/94017/signalements/signalements_2026-09_v1.csv", "duplicate_key", "id_signalement", 6),
    ("chauffage/deposits/94033/releves/releves-2026-02-v1.csv", "no_such_date", "jour", 1),
    ("chauffage/deposits/93048/releves/releves_2026-01_v1.csv", "type", "energie_kwh", 3),
];

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn convention(sample: &str) -> String {
    samples().join(sample).join("convention.yaml").display().to_string()
}

/// Exit code and stdout.
fn retex(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_retex")).args(arguments).output().expect("the program runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let code = output.status.code().unwrap_or_else(|| panic!("ended by a signal: {}", String::from_utf8_lossy(&output.stderr)));
    (code, said)
}

fn json(arguments: &[&str]) -> (i32, Json) {
    let (code, said) = retex(arguments);
    (code, serde_json::from_str(&said).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{said}")))
}

/// Every deposit of a sample: path below `samples/`, dataset.
fn deposits(sample: &str) -> Vec<(String, String)> {
    let entries = |folder: &Path| {
        let mut paths: Vec<_> = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        paths.sort();
        paths
    };
    let mut found = Vec::new();
    for site in entries(&samples().join(sample).join("deposits")) {
        for dataset in entries(&site) {
            let name = dataset.file_name().expect("a name").to_string_lossy().into_owned();
            let files = entries(&dataset).into_iter();
            found.extend(files.map(|f| (f.strip_prefix(samples()).expect("below").to_string_lossy().replace('\\', "/"), name.clone())));
        }
    }
    found
}

#[test]
fn conventions_hold() {
    for sample in SAMPLES {
        let (code, said) = json(&["convention", "check", &convention(sample), "--format", "json"]);
        assert_eq!((code, &said["valid"]), (0, &Json::Bool(true)), "{sample}: {said}");
    }
}

/// The samples side by side, since each file is a process of its own.
#[test]
fn each_file_has_its_verdict() {
    let seen: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = SAMPLES.iter().map(|sample| scope.spawn(|| verdicts(sample))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("the verdicts of a sample")).collect()
    });
    for (file, ..) in REFUSED {
        assert!(seen.iter().any(|f| f == file), "{file} is not there");
    }
}

/// Checks every file of a sample; returns their paths.
fn verdicts(sample: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for (file, dataset) in deposits(sample) {
        let path = samples().join(&file).display().to_string();
        let (exit, report) = json(&["check", &path, "--convention", &convention(sample), "--dataset", &dataset, "--format", "json"]);
        let found = || serde_json::to_string_pretty(&report["errors"]).expect("JSON");
        if let Some((_, code, column, count)) = REFUSED.iter().find(|(f, ..)| *f == file) {
            assert_eq!((exit, &report["valid"]), (1, &Json::Bool(false)), "{file}");
            let rules = report["by_rule"].as_array().expect("an array");
            let rule = rules.iter().find(|r| r["code"] == *code && r["column"] == *column);
            assert_eq!(rule.and_then(|r| r["count"].as_u64()), Some(*count), "{file}: {}", found());
        } else {
            assert_eq!((exit, &report["valid"]), (0, &Json::Bool(true)), "{file}: {}", found());
            assert!(report["stats"]["rows"].as_u64().is_some_and(|n| n >= 60), "{file}: {}", report["stats"]);
        }
        seen.push(file);
    }
    seen
}

#[test]
fn nothing_outside_the_perimeter_is_shown() {
    let file = samples().join("tri-demandes/deposits/92050/demandes/GRC_2026-09.csv").display().to_string();
    for format in ["json", "text"] {
        let (_, said) = retex(&["check", &file, "--convention", &convention("tri-demandes"), "--dataset", "demandes", "--format", format]);
        assert!(said.contains("nom_usager"));
        assert!(!said.contains("DUPONT"), "{said}");
    }
}

#[test]
fn evaluations_conclude() {
    let expected = [
        ("tri-demandes", [("delai", "reached", 8), ("closes_15_jours", "inconclusive", 8), ("satisfaits", "missed", 8)]),
        ("depots-sauvages", [("precision", "reached", 12), ("delai_enlevement", "inconclusive", 12), ("enleves_2_jours", "missed", 12)]),
        ("chauffage", [("energie_surface", "reached", 6), ("energie_batiment", "inconclusive", 6), ("confort", "missed", 6)]),
    ];
    for (sample, indicators) in expected {
        let deposits = samples().join(sample).join("deposits").display().to_string();
        let (code, evaluation) =
            json(&["evaluate", "--convention", &convention(sample), "--deposits", &deposits, "--final", "--format", "json"]);
        assert_eq!(code, 1, "{sample}: a refused file is named, left out, and said by the exit code");
        for (id, verdict, k) in indicators {
            let found = evaluation["indicators"].as_array().expect("an array").iter().find(|i| i["id"] == id);
            let found = found.unwrap_or_else(|| panic!("{sample}: {id}"));
            assert_eq!(
                (&found["verdict"], &found["pooled"]["k"]),
                (&Json::from(verdict), &Json::from(k)),
                "{sample}: {id}: {}",
                found["pooled"]
            );
        }
    }
}

#[test]
fn before_the_end_nothing_is_concluded_and_energy_counts_each_run_once() {
    let deposits = samples().join("tri-demandes/deposits").display().to_string();
    let (_, evaluation) = json(&["evaluate", "--convention", &convention("tri-demandes"), "--deposits", &deposits, "--format", "json"]);
    let indicators = evaluation["indicators"].as_array().expect("an array");
    assert!(indicators.iter().all(|i| i["role"] != "primary" || i["verdict"] == "provisional"));
    let energy = indicators.iter().find(|i| i["id"] == "energie_par_demande").expect("declared");
    for site in energy["sites"].as_array().expect("an array") {
        let level = site["groups"][0]["mean"].as_f64();
        // About 22 working days of 8 h at volume × 0.0125 × 8 / 60 kWh, for half the requests; three times that if rows were added up.
        assert!(level.is_some_and(|x| (0.04..0.12).contains(&x)), "{}: {level:?}", site["site"]["name"]);
        assert!(site["effect"]["estimate"].is_null() && site["effect"]["reason"].is_object());
    }
}
