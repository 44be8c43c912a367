//! Text that a spreadsheet would run as a formula, in everything that is downloaded for one: it is neutralised, and `-3,5` stays a number.
//!
//! [`EXPORTS`] are all routes that give a table to a spreadsheet; one that is not among them fails the first test.

use std::io::{Cursor, Read};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use calamine::{Data, Reader, Xlsx};
use regex::Regex;
use retex::{
    convention::{document::Dataset, rules::Rules},
    deposit::template::{self, Rows},
    jobs::work,
    report::describe,
};
use serde_json::{Value as Json, json};

use crate::http::{Hub, MONTREUIL, import_changed, read, samples};

/// Route, and where it is tested.
const EXPORTS: [(&str, &str); 9] = [
    ("/experimentations/{name}/jeux/{dataset}/modele.csv", "templates_run_nothing"),
    ("/experimentations/{name}/jeux/{dataset}/modele.xlsx", "templates_run_nothing"),
    ("/depots.csv", "what_is_downloaded_runs_nothing"),
    ("/depots/{id}/rapport.csv", "what_is_downloaded_runs_nothing"),
    ("/depots/{id}/annote.xlsx", "what_is_downloaded_runs_nothing"),
    ("/depots/{id}/corrections.csv", "deposit::export, a_change_is_never_a_formula"),
    ("/administration/journal.csv", "what_is_downloaded_runs_nothing"),
    ("/registre-des-traitements.csv", "what_is_downloaded_runs_nothing"),
    ("/conservation/{id}/bordereau.csv", "retention::list, a_cell_is_never_a_formula_nor_breaks_its_line"),
];

const RUNS: [&str; 6] = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1"];

#[test]
fn every_export_to_a_spreadsheet_is_known_here() {
    let route = Regex::new(r#"\.route\(\s*"([^"]+\.(?:csv|tsv|xlsx|ods))""#).expect("a pattern");
    let router = include_str!("../../src/http/router.rs");
    let mut found: Vec<&str> = route.captures_iter(router).map(|c| c.get(1).expect("a route").as_str()).collect();
    let mut known: Vec<&str> = EXPORTS.iter().map(|(route, _)| *route).collect();
    found.sort_unstable();
    known.sort_unstable();
    assert_eq!(found, known, "a new export: test it here");
}

/// The cells of a CSV file with semicolons.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut chars) = (false, text.trim_start_matches('\u{feff}').chars().peekable());
    while let Some(c) = chars.next() {
        let row = rows.last_mut().expect("a row");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => row.last_mut().expect("a cell").extend(chars.next()),
            '"' => quoted = !quoted,
            ';' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            c => row.last_mut().expect("a cell").push(c),
        }
    }
    rows
}

/// That no cell runs, and that so many would have.
fn runs_nothing(what: &str, text: &str, at_least: usize) {
    let cells: Vec<String> = cells(text).into_iter().flatten().collect();
    let number = Regex::new(r"^[+-][0-9]+(?:[  \u{202f}][0-9]{3})*(?:[,.][0-9]+)?$").expect("a pattern");
    for cell in &cells {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) || number.is_match(cell), "{what}: {cell:?} runs");
    }
    let neutralised = cells.iter().filter(|c| c.starts_with('\'') && c[1..].starts_with(['=', '+', '-', '@', '\t', '\r'])).count();
    assert!(neutralised >= at_least, "{what}: {neutralised} cells would have run\n{text}");
}

/// That a workbook holds no formula; all its cells.
fn computes_nothing(what: &str, bytes: &[u8]) -> Vec<Data> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).expect("a part");
        let name = part.name().expect("a name").into_owned();
        let mut text = String::new();
        let _ = part.read_to_string(&mut text);
        assert!(!name.starts_with("xl/worksheets/") || !text.contains("<f>") && !text.contains("<f "), "{what}: a formula in {name}");
        assert!(!name.starts_with("xl/externalLinks") && !name.ends_with("vbaProject.bin"), "{what}: {name}");
    }
    let mut book = Xlsx::new(Cursor::new(bytes.to_vec())).expect("a workbook");
    let names = book.sheet_names();
    names
        .iter()
        .flat_map(|name| book.worksheet_range(name).expect("a sheet").cells().map(|(_, _, v)| v.clone()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn templates_run_nothing() {
    let properties: serde_json::Map<String, Json> = RUNS
        .iter()
        .map(|name| {
            (
                name.trim().to_owned(),
                json!({ "type": "string", "enum": ["=1+1", "-3,5"], "description": "=1+1", "title": "@x", "examples": ["=1+1"] }),
            )
        })
        .collect();
    let dataset: Dataset = serde_json::from_value(json!({
        "title": "=1+1", "description": "+1", "schema": { "type": "object", "properties": properties }, "periodicity": "month", "due": "P10D",
    }))
    .expect("a dataset");
    let rules = Rules::from_dataset("essai", &dataset).unwrap_or_else(|f| panic!("{f:?}"));
    runs_nothing("modele.csv", &describe::template(&dataset), 4);
    let span = retex::convention::document::Span { start: "2026-09-01".parse().expect("a day"), end: "2026-12-31".parse().expect("a day") };
    let held = |rows| computes_nothing("modele.xlsx", &template::workbook("essai", &dataset, &rules, span, rows).expect("a workbook"));
    assert!(held(Rows::None).contains(&Data::String("=cmd|' /C calc'!A0".into())), "a text that stays one");
    assert!(held(Rows::Example).iter().filter(|c| **c == Data::String("=1+1".into())).count() >= 2);
}

async fn ask(hub: &Hub, who: &str, path: &str) -> Vec<u8> {
    let request = Request::get(path).header(header::COOKIE, format!("retex=session-{who}")).body(Body::empty()).expect("a request");
    let response = hub.send(request).await;
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("whole");
    assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&bytes));
    bytes.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_downloaded_runs_nothing() {
    let hub = Hub::with(&[]).await;
    hub.ground.raw("UPDATE accounts SET name = '=1+1'").await;
    let officer = hub.ground.app.store.account_by_email("officer@retex.example").await.expect("a database").expect("an account");
    import_changed(&hub.ground, &samples("tri-demandes"), officer.id, |json| {
        json["title"] = json!("=cmd|' /C calc'!A0");
        json["datasets"]["demandes"]["title"] = json!("@SUM(A1)");
        json["processing"]["purpose"] = json!("+1+1");
    })
    .await;
    let rows: String = RUNS.iter().map(|runs| format!("\"{runs}\";93048;01/09/2026;;\"{runs}\";;\"{runs}\";Non;-3,5\n")).collect();
    let body = format!("id_demande;code_insee;date_depot;date_cloture;bras;agent;categorie;reorientee;satisfaction\n{rows}");
    let request = Request::post(format!(
        "/api/v1/deposits?convention=tri-demandes-2026&dataset=demandes&period=2026-11&name=%3D1%2B1.csv&site={MONTREUIL}"
    ))
    .header(header::AUTHORIZATION, "Bearer token-contributor")
    .body(Body::from(body))
    .expect("a request");
    let (status, text) = read(hub.send(request).await).await;
    assert!(status.is_success(), "{text}");
    let json: Json = serde_json::from_str(&text).expect("JSON");
    let place = format!("/depots/{}", json["id"].as_str().expect("an identifier"));
    work::run_due(&hub.ground.app).await.expect("checked");

    let csv = async |who: &str, path: &str| String::from_utf8(ask(&hub, who, path).await).expect("UTF-8");
    runs_nothing("depots.csv", &csv("contributor", "/depots.csv").await, 3);
    let report = csv("contributor", &format!("{place}/rapport.csv")).await;
    runs_nothing("rapport.csv", &report, 10);
    assert!(cells(&report).iter().flatten().any(|c| c == "-3,5"), "a number stays one: {report}");
    runs_nothing("journal.csv", &csv("data_protection_officer", "/administration/journal.csv").await, 1);
    runs_nothing("registre-des-traitements.csv", &csv("data_protection_officer", "/registre-des-traitements.csv").await, 2);

    let book = computes_nothing("annote.xlsx", &ask(&hub, "contributor", &format!("{place}/annote.xlsx")).await);
    for text in ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)"] {
        assert!(book.contains(&Data::String(text.into())), "{text}: a text that stays one, in {book:?}");
    }
    // What was a number of the file's own is one in its annotated copy: a workbook, sent and given back.
    let mut sent = rust_xlsxwriter::Workbook::new();
    let sheet = sent.add_worksheet();
    for (i, name) in ["id_demande", "date_depot", "bras", "satisfaction", "categorie"].iter().enumerate() {
        sheet.write_string(0, u16::try_from(i).expect("few"), *name).expect("a header");
    }
    sheet.write_string(1, 0, "X").and_then(|s| s.write_number(1, 3, -3.5)).and_then(|s| s.write_string(1, 4, "=1+1")).expect("a row");
    let request = Request::post(format!(
        "/api/v1/deposits?convention=tri-demandes-2026&dataset=demandes&period=2026-10&name=a.xlsx&site={MONTREUIL}"
    ))
    .header(header::AUTHORIZATION, "Bearer token-contributor")
    .body(Body::from(sent.save_to_buffer().expect("in memory")))
    .expect("a request");
    let (status, text) = read(hub.send(request).await).await;
    assert!(status.is_success(), "{text}");
    let json: Json = serde_json::from_str(&text).expect("JSON");
    work::run_due(&hub.ground.app).await.expect("checked");
    let place = format!("/depots/{}", json["id"].as_str().expect("an identifier"));
    let book = computes_nothing("annote.xlsx", &ask(&hub, "contributor", &format!("{place}/annote.xlsx")).await);
    assert!(book.contains(&Data::Float(-3.5)) && book.contains(&Data::String("=1+1".into())), "{book:?}");
}
