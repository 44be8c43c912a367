//! `retex report` on a folder of files.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::json;
use tempfile::TempDir;

use super::fixtures::questionnaire;

/// A convention on four communes, their deposits (one of them refused) and one REX.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let codes = ["93006", "93008", "93001", "93010"];
    let sites: Vec<_> = codes.iter().map(|c| json!({ "siren": retex::territory::by_code(c).unwrap().siren })).collect();
    let convention = json!({
        "retex": 1, "id": "essai", "title": "Essai des feux", "track": "mobilites",
        "period": { "start": "2026-01-01", "end": "2026-03-31" },
        "parties": { "metropole": { "siren": "200054781" }, "sites": sites },
        "datasets": { "attentes": {
            "title": "Temps d'attente relevés",
            "schema": { "type": "object", "additionalProperties": false, "required": ["bras"],
                "properties": { "bras": { "enum": ["T", "C"] }, "attente": { "type": ["number", "null"] } } },
        } },
        "uses": { "evaluation": { "datasets": ["attentes"] } },
        "retention": { "months": 24 },
        "evaluation": {
            "design": "controlled", "arms": { "column": "bras", "treated": "T", "control": "C" }, "assignment": "random",
            "indicators": [{ "id": "attente", "title": "Attente moyenne au carrefour", "dataset": "attentes", "statistic": "mean", "value": "attente",
                "unit": "secondes", "better": "lower", "role": "primary", "target": { "effect": -5 } }],
        },
        "rex": { "due": "P30D", "questionnaire": questionnaire() },
    });
    write("convention.json", &convention.to_string());
    for (i, code) in codes[..3].iter().enumerate() {
        let rows: String = (0..40)
            .map(|r| format!("{};{}\n", if r % 2 == 0 { "T" } else { "C" }, 60 + i + r % 7 - if r % 2 == 0 { 20 } else { 0 }))
            .collect();
        write(&format!("deposits/{code}/attentes/attentes_2026-01.csv"), &format!("bras;attente\n{rows}"));
    }
    write("deposits/93010/attentes/attentes_2026-01.csv", "bras;attente\nX;12\n");
    write("rex/93008.json", &json!({ "agents": 7, "deroule": "Sans difficulté." }).to_string());
    dir
}

fn report(dir: &Path, out: &str, more: &[&str]) -> Output {
    let path = |name: &str| dir.join(name).into_os_string();
    Command::new(env!("CARGO_BIN_EXE_retex"))
        .args([
            "report".into(),
            "--convention".into(),
            path("convention.json"),
            "--deposits".into(),
            path("deposits"),
            "--out".into(),
            path(out),
        ])
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn the_command_writes_a_report_and_names_what_it_left_out() {
    let dir = folder();
    let rex = dir.path().join("rex");
    let output = report(dir.path(), "rapport.html", &["--final", "--rex", rex.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "a file was left out: {said}");
    assert!(said.contains("93010/attentes/attentes_2026-01.csv"), "{said}");
    let html = fs::read_to_string(dir.path().join("rapport.html")).unwrap();
    for words in [
        "L’expérimentation a réduit cet indicateur",
        "Objectif atteint",
        "93010/attentes/attentes_2026-01.csv",
        "Sans difficulté.",
        "Bobigny",
        "Rien reçu",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let provisional = report(dir.path(), "rapport.PDF", &[]);
    assert_eq!(provisional.status.code(), Some(1));
    assert!(fs::read(dir.path().join("rapport.PDF")).unwrap().starts_with(b"%PDF"));
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|n| !n.starts_with(".retex")), "nothing half done is left: {names:?}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let dir = folder();
    for (out, code) in [("rapport.docx", "report_format"), ("rapport", "report_format"), ("absent/rapport.html", "report_not_written")] {
        let output = report(dir.path(), out, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(code), "{said}");
        assert!(!dir.path().join(out).exists());
    }
    let output = report(dir.path(), "rapport.html", &["--rex", "/absent"]);
    assert_eq!(output.status.code(), Some(2), "a folder of REX that is not there");
}
